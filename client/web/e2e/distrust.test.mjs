// A log that contradicts what the browser kept of it: an old copy that was put back, and another server in its place. What
// a person sees, saves, and accepts on purpose; nothing is overwritten before. E2E_SHOTS names a folder for pictures.
import assert from 'node:assert/strict'
import { cp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { launch, open, person, stands, violations } from './browser.mjs'
import { Kithd } from './kithd.mjs'

let kithd, browser, context, page
before(async () => {
  kithd = await Kithd.start()
  browser = await launch()
  context = await person(browser, kithd, { bypassCSP: true })
  ;({ page } = await open(context, kithd, '#/demo/audit'))
  await verdict().getByText('This log only grew since you first saw it').waitFor()
})
after(async () => {
  await browser?.close()
  await kithd?.stop()
})

const verdict = () => page.getByRole('region', { name: 'Verdict' })
const kept = () => page.evaluate(() => localStorage.getItem(Object.keys(localStorage).find(name => name.startsWith('kith/log/') && name.endsWith('/demo'))))
const picture = async name => process.env.E2E_SHOTS && page.screenshot({ path: join(process.env.E2E_SHOTS, `${name}.png`) })

async function savedBoth() {
  const [download] = await Promise.all([page.waitForEvent('download'), verdict().getByRole('button', { name: 'Save both checkpoints' }).click()])
  return readFile(await download.path(), 'utf8')
}
/** Accepts what contradicts, as a person does who means it. */
async function accept() {
  await verdict().getByRole('button', { name: 'Trust it from now on' }).click()
  const dialog = page.getByRole('dialog', { name: 'Trust it from now on' })
  const button = dialog.getByRole('button', { name: 'Trust it from now on' })
  const field = dialog.getByLabel(/^Type the network’s name/)
  await field.fill('dem')
  assert.ok(await button.isDisabled())
  await field.press('Enter')
  await dialog.waitFor()
  await field.fill('demo')
  await field.press('Enter')
  await verdict().getByText('This log only grew since you first saw it').waitFor()
  await page.getByRole('link', { name: /^verified to/ }).waitFor()
  assert.equal(await page.getByText('Do not trust this log').count(), 0)
}

it('an old copy that is put back was rolled back, by so many entries', async () => {
  await kithd.kill()
  const old = `${kithd.data}.old`
  await cp(kithd.data, old, { recursive: true })
  await kithd.again()
  const people = await kithd.kith(['person', 'list'])
  for (let i = 0; i < 3; i++) await kithd.kith(['met', people[i].id, people[i + 1].id])
  const size = Number((await kithd.kith(['audit', 'checkpoint']))[0].size)
  await page.reload()
  await page.waitForFunction(size => Object.entries(localStorage).some(([name, value]) => name.endsWith('/demo') && JSON.parse(value).size >= size), size)
  const before = await kept()
  await kithd.kill()
  await rm(kithd.data, { recursive: true })
  await cp(old, kithd.data, { recursive: true })
  await rm(old, { recursive: true })
  await kithd.again()
  await page.reload()
  await verdict().getByText('This log was rolled back', { exact: true }).waitFor({ timeout: 20_000 })
  await verdict().getByText(/The log has fewer entries than you have already seen: [\d,]+ instead of [\d,]+\. /).waitFor()
  await verdict().getByText(/[1-9]\d* entries that this browser saw are not in it any more/).waitFor()
  await page.getByRole('link', { name: 'history changed' }).waitFor()
  await picture('rolled-back')
  assert.deepEqual(await violations(page), [])
  const both = await savedBoth()
  assert.ok(both.includes(JSON.parse(before).checkpoint), 'the kept checkpoint is saved')
  assert.equal(both.match(/^kith\/demo\/.+$/gm)?.length, 2, 'so is the one that is shown now')
  await verdict().getByRole('button', { name: 'Check again' }).click()
  await verdict().getByText('This log was rolled back', { exact: true }).waitFor()
  assert.equal(await kept(), before, 'nothing is overwritten')
  await accept()
  assert.notEqual(await kept(), before)
})

it('another server in its place signs with another key, which is accepted by its name only', async () => {
  const before = await kept()
  await kithd.kill()
  await rm(kithd.data, { recursive: true })
  const next = await Kithd.start({ anew: true, port: Number(new URL(kithd.at).port), front: kithd.front })
  Object.assign(kithd, { child: next.child, data: next.data, token: next.token })
  const answer = await context.request.post(`${kithd.base}session`, { headers: { authorization: `Bearer ${kithd.token}`, 'x-kith-console': '1' } })
  assert.equal(answer.status(), 204)
  // Not a change of the fragment alone: the page that was open has been led to sign in.
  await page.goto('about:blank')
  await page.goto(`${kithd.base}#/demo`)
  await stands(page)
  await page.getByText('Do not trust this log before you know why:').waitFor({ timeout: 20_000 })
  await page.getByRole('link', { name: 'another key' }).click()
  await verdict().getByText('Another key signs this log', { exact: true }).waitFor()
  await picture('another-key')
  assert.deepEqual(await violations(page), [])
  const [now] = await kithd.kith(['audit', 'checkpoint'])
  const both = await savedBoth()
  assert.ok(both.includes(JSON.parse(before).key) && both.includes(now.key), 'both keys are saved')
  assert.equal(await kept(), before, 'nothing is overwritten')
  await accept()
  assert.equal(JSON.parse(await kept()).key, now.key)
})
