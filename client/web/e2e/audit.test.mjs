// Audit: checkpoints, entries and files, each held against the command line, and what does not verify.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile, writeFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { promisify } from 'node:util'
import { hold, launch, open, person, settled, stands, violations } from './browser.mjs'
import { bin, Kithd } from './kithd.mjs'

let kithd, browser, folder, lotte, monty, noted
const run = (...args) => promisify(execFile)(join(bin, 'kith'), args, { env: { ...process.env, KITH_TOKEN: kithd.token, HOME: folder, XDG_CONFIG_HOME: folder } }).then(({ stdout }) => stdout)
const audit = (...args) => run('audit', ...args, '--server', kithd.at, '--network', 'demo')
const at = name => join(folder, name)
before(async () => {
  kithd = await Kithd.start()
  browser = await launch()
  folder = await mkdtemp(join(tmpdir(), 'kith-audit-'))
  const people = await kithd.kith(['person', 'list'])
  const id = name => people.find(one => one.name.startsWith(name)).id
  ;[lotte, monty] = [id('Lotte'), id('Monty')]
  await writeFile(at('monday.checkpoint'), await audit('checkpoint'))
  noted = (await kithd.kith(['met', lotte, monty, '--note', 'About the lift.']))[0]
  await writeFile(at('met.tlog-proof'), await audit('prove', noted.id))
  await writeFile(at('week.growth'), await audit('prove', '--since', at('monday.checkpoint')))
})
after(async () => {
  await browser?.close()
  await kithd?.stop()
  if (folder) await rm(folder, { recursive: true })
})

/** What a press of a button saves, as text. */
async function saved(page, name) {
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name }).first().click()])
  return { name: download.suggestedFilename(), text: await readFile(await download.path(), 'utf8') }
}
const choose = (page, label, files) => page.getByLabel(label).setInputFiles(files.map(file => (typeof file === 'string' ? at(file) : file)))
const results = page => page.locator('.results > li')

it('is quiet, the same after a reload, and has nothing for axe to find', async () => {
  await hold(browser, kithd, ['#/demo/audit', `#/demo/audit?entry=${noted.position}&on=2026-06-01&person=${lotte},${monty}`, '#/demo/audit?entry=99999999', '#/demo/audit?entry=nonsense'], /\d\d:\d\d(:\d\d)?|[\d,]+ entries/g)
})

it('knows the key and the checkpoint that the command line prints, and saves it', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, '#/demo')
  await page.getByRole('link', { name: /^verified to/ }).click()
  await stands(page)
  const [{ key, root }] = await kithd.kith(['audit', 'checkpoint'])
  await page.getByText(key, { exact: true }).waitFor()
  await page.getByText(root, { exact: true }).first().waitFor()
  const { name, text } = await saved(page, 'Save the checkpoint')
  assert.match(name, /^kith-demo-\d+\.checkpoint$/)
  await writeFile(at(name), text)
  assert.match(await run('audit', 'verify', at(name), '--key', key), /^verified: kith\/demo\//)
  await context.close()
})

it('proves an entry by position and by id, in the bytes that `kith audit prove` writes', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, '#/demo/audit')
  await stands(page)
  await page.keyboard.press('e')
  await page.keyboard.type(noted.position.toLocaleString('en'))
  await page.keyboard.press('Enter')
  await page.getByText(/^In the log of/).waitFor()
  const byPosition = await saved(page, 'Save .tlog-proof')
  await page.getByLabel('Its position, or the id of its event').fill(noted.id)
  await page.keyboard.press('Enter')
  await page.waitForURL(new RegExp(`entry=${noted.id}`))
  await settled(page)
  await page.getByText(/^In the log of/).waitFor()
  assert.deepEqual(await saved(page, 'Save .tlog-proof'), byPosition)
  assert.equal(byPosition.name, `entry-${noted.position}.tlog-proof`)
  assert.equal(byPosition.text, await audit('prove', noted.id))
  await context.close()
})

it('compares a checkpoint with the log, and proves growth as the command line does', async () => {
  const context = await person(browser, kithd)
  const { page, problems } = await open(context, kithd, '#/demo/audit')
  await stands(page)
  const bodies = []
  page.on('request', request => bodies.push(request.postDataBuffer() ?? Buffer.alloc(0)))
  await choose(page, 'Choose a checkpoint', ['monday.checkpoint'])
  await page.getByText(/^The log only grew since then/).waitFor()
  const root = (await readFile(at('monday.checkpoint'), 'utf8')).split('\n')[2]
  assert.ok(bodies.every(body => !body.includes(root) && !body.includes(Buffer.from(root, 'base64'))), 'nothing of the file is sent')
  const { text } = await saved(page, 'Save the proof of growth')
  assert.equal(text, await audit('prove', '--since', at('monday.checkpoint')))
  await choose(page, 'Choose a checkpoint', ['week.growth'])
  await page.getByText('The same checkpoint.').waitFor()
  const other = await run('audit', 'checkpoint', '--server', kithd.at, '--network', 'default')
  await choose(page, 'Choose a checkpoint', [{ name: 'other', mimeType: 'text/plain', buffer: Buffer.from(other) }])
  await page.getByText(/it is of another log, kith\/default\//).waitFor()
  await choose(page, 'Choose a checkpoint', [{ name: 'cat.png', mimeType: 'image/png', buffer: Buffer.from([0x89, 0x50, 0x4e, 0x47]) }])
  await page.getByText(/the file is damaged, or not from Kith: it is not text/).waitFor()
  const changed = (await readFile(at('monday.checkpoint'), 'utf8')).replace(/\n(\d+)\n/, (_, size) => `\n${size - 1}\n`)
  await choose(page, 'Choose a checkpoint', [{ name: 'changed', mimeType: 'text/plain', buffer: Buffer.from(changed) }])
  await page.getByText(/the signature is wrong/).waitFor()
  assert.deepEqual(problems, [])
  await context.close()
})

it('checks files without sending anything', async () => {
  const context = await person(browser, kithd, { bypassCSP: true })
  const { page } = await open(context, kithd, '#/demo/audit')
  await stands(page)
  const bodies = []
  page.on('request', request => bodies.push(request.postDataBuffer() ?? Buffer.alloc(0)))
  await choose(page, 'Choose files', ['week.growth'])
  await results(page).getByText(/^Waits: it starts from the checkpoint of [\d,]+ entries/).waitFor()
  await choose(page, 'Choose files', ['met.tlog-proof', 'monday.checkpoint'])
  await page.waitForFunction(() => document.querySelectorAll('.results > li.verified').length === 3)
  assert.match(await results(page).filter({ hasText: 'met.tlog-proof' }).innerText(), new RegExp(`Lotte Blackbird and Monty Seashell met: position ${noted.position.toLocaleString('en')}`))
  const receipt = await readFile(at('met.tlog-proof'), 'utf8')
  const bad = [receipt.replace('extra A', 'extra B').replace(/(index \d+\n.)/, (_, head) => `${head.slice(0, -1)}${head.endsWith('A') ? 'B' : 'A'}`), 'a letter to a friend\n', '']
  await choose(page, 'Choose files', bad.map((text, i) => ({ name: `bad-${i}`, mimeType: 'text/plain', buffer: Buffer.from(text) })))
  await page.waitForFunction(() => document.querySelectorAll('.results > li.refused').length === 3)
  assert.deepEqual(await violations(page), [])
  const root = receipt.split('\n').at(-4)
  assert.ok(bodies.every(body => !body.includes(noted.id) && !body.includes(root) && !body.includes(Buffer.from(noted.id.replaceAll('-', ''), 'hex'))), 'nothing of the files is sent')
  // A file of another log waits for its key, which whoever gave the file has.
  const foreign = await run('audit', 'checkpoint', '--server', kithd.at, '--network', 'default', '-o', 'json').then(JSON.parse)
  await choose(page, 'Choose files', [{ name: 'default.checkpoint', mimeType: 'text/plain', buffer: Buffer.from(foreign.checkpoint) }])
  await results(page).getByText(/whose key is not known here/).waitFor()
  const key = page.getByLabel(/^Key of the log/)
  await key.fill(`${foreign.key.slice(0, -4)}AAAA`)
  await page.getByText(/the id does not belong to this name and key|not an Ed25519 key/).waitFor()
  await key.fill(foreign.key)
  await results(page).filter({ hasText: 'default.checkpoint' }).getByText('the key that you gave').waitFor()
  await page.getByRole('button', { name: 'Clear' }).click()
  assert.equal(await results(page).count(), 0)
  await context.close()
})

it('a file that is dropped is checked, too', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, '#/demo/audit')
  await stands(page)
  const data = await page.evaluateHandle(text => {
    const transfer = new DataTransfer()
    transfer.items.add(new File([text], 'dropped.tlog-proof'))
    return transfer
  }, await readFile(at('met.tlog-proof'), 'utf8'))
  await page.locator('label').filter({ hasText: 'Choose files' }).dispatchEvent('drop', { dataTransfer: data })
  await results(page).filter({ hasText: 'dropped.tlog-proof' }).getByText(/^Verified/).waitFor()
  await context.close()
})

it('leads to what was known of two people', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, `#/demo/audit?on=2026-06-01&person=${lotte},${monty}`)
  await stands(page)
  await page.getByRole('button', { name: 'Open their history' }).click()
  await page.waitForURL(/\/pairs\/.*known=\d+/)
  await context.close()
})
