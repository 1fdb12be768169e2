// Operations: the server as it is, networks that are created, a backup into a file that `kithd check` accepts, and what to
// do when the log was rolled back, a commit failed or the disk is full.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { message } from './answers.mjs'
import { hold, launch, open, person, settled, stands, violations } from './browser.mjs'
import { bin, Kithd, until } from './kithd.mjs'

let kithd, browser
before(async () => {
  kithd = await Kithd.start()
  browser = await launch()
})
after(async () => {
  await browser?.close()
  await kithd?.stop()
})

const number = text => Number(text.replace(/[^\d]/g, ''))
/** What moves by itself: figures, and how long ago. */
const MOVING = /[\d.,]+|just now|min ago|ms|[KMG]iB|–/g

it('it is quiet, the same after a reload, and has nothing for axe to find', async () => {
  await hold(browser, kithd, ['#/operations', '#/operations?all=views'], MOVING)
})

it('an address without a network leads to one, and nothing is recorded from there', async () => {
  const context = await person(browser, kithd)
  const { page, problems } = await open(context, kithd, '#/operations')
  await stands(page)
  assert.equal(await page.locator('nav').getByRole('link', { name: 'People' }).getAttribute('href'), '#/demo/people', 'the network with most in it')
  assert.equal(await page.getByRole('button', { name: 'Record' }).count(), 0)
  await page.keyboard.press('r')
  assert.equal(await page.locator('dialog[open]').count(), 0)
  await page.goto(`${kithd.base}#/default/people`)
  await page.keyboard.press('g')
  await page.keyboard.press('o')
  await page.getByRole('heading', { name: 'Operations' }).waitFor()
  assert.equal(new URL(page.url()).hash, '#/operations')
  assert.equal(await page.locator('nav').getByRole('link', { name: 'People' }).getAttribute('href'), '#/default/people', 'the network that was open last')
  assert.equal(await page.locator('nav [aria-current=page]').innerText(), 'Operations')
  assert.deepEqual(problems, [])
  await context.close()
})

it('it says what the server says, and what happened since the page was opened', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, '#/operations')
  await stands(page)
  const head = async () => number(await page.locator('tr').filter({ hasText: 'demo' }).first().locator('td').first().innerText())
  const before = await head()
  assert.equal(before, (await kithd.kith(['head']))[0].position)
  assert.match(await page.locator('main').innerText(), /since you opened this page/)
  for (let i = 0; i < 5; i++) await kithd.kith(['met', 'Ada', 'Nico'])
  await page.waitForFunction(before => Number(document.querySelector('main tbody tr:nth-child(2) td').innerText.replace(/\D/g, '')) === before + 5, before, { timeout: 20_000 })
  assert.doesNotMatch(await page.locator('dl div').filter({ hasText: /^Entries/ }).locator('dd').first().innerText(), /^0 /)
  assert.ok((await page.locator('.spark svg').count()) > 0)
  await context.close()
})

it('a network is created; a name that is none, or taken, is told at the field', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, '#/operations')
  await stands(page)
  const name = page.getByLabel('A new network')
  for (const [wrong, said] of [['North Side', /must|has|may/], ['demo', /exists|taken/]]) {
    await name.fill(wrong)
    await page.keyboard.press('Enter')
    await page.locator('#fault-name').getByText(said).waitFor()
    assert.equal(await name.getAttribute('aria-invalid'), 'true')
  }
  await name.fill('north')
  await page.keyboard.press('Enter')
  await page.getByRole('link', { name: 'north', exact: true }).waitFor()
  await page.getByRole('button', { name: 'Open it' }).click()
  await page.waitForURL(/#\/north$/)
  await context.close()
})

/** A browser that writes files into the page's memory, as far as it is asked to. */
const files = page =>
  page.addInitScript(() => {
    globalThis.showSaveFilePicker = async ({ suggestedName }) => {
      const file = (globalThis.written = { name: suggestedName, parts: [], state: 'open' })
      return { createWritable: async () => ({ write: async part => void file.parts.push(part.slice()), close: async () => void (file.state = 'closed'), abort: async () => void (file.state = 'aborted') }) }
    }
  })

describe('a backup', () => {
  it('is a file that kithd checks, and the page says when it was taken', async () => {
    const context = await person(browser, kithd)
    const page = await context.newPage()
    await files(page)
    await page.goto(`${kithd.base}#/operations`)
    await stands(page)
    assert.match(await page.locator('main').innerText(), /never.*The keys are not in it.*kithd backup-keys --data DIR --to kith\.keys/s)
    await page.getByRole('button', { name: 'Back up into a file' }).click()
    await page.getByText(/The file holds .*demo up to/).waitFor({ timeout: 30_000 })
    const { name, state, base64 } = await page.evaluate(async () => {
      const { name, state, parts } = globalThis.written
      const bytes = new Uint8Array(await new Blob(parts).arrayBuffer())
      return { name, state, base64: btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join('')) }
    })
    assert.equal(state, 'closed')
    const file = join(kithd.data, name)
    assert.match(name, /^kith-\d{4}-\d\d-\d\d\.backup$/)
    await writeFile(file, Buffer.from(base64, 'base64'))
    const { stdout } = await promisify(execFile)(join(bin, 'kithd'), ['check', '--backup', file, '--data', kithd.data])
    assert.match(stdout, /every byte is as it was written/)
    await page.getByText('just now', { exact: true }).first().waitFor({ timeout: 15_000 })
    await context.close()
  })

  it('that breaks leaves no file, and says so', async () => {
    const context = await person(browser, kithd)
    const page = await context.newPage()
    await files(page)
    await page.route('**/kith.v1.AdminService/Backup', route => route.abort())
    await page.goto(`${kithd.base}#/operations`)
    await stands(page)
    await page.getByRole('button', { name: 'Back up into a file' }).click()
    await page.getByText(/There is no backup/).waitFor()
    assert.equal(await page.evaluate(() => globalThis.written.state), 'aborted')
    await context.close()
  })

  it('is a command where the browser cannot write a file', async () => {
    const context = await person(browser, kithd)
    const page = await context.newPage()
    await page.addInitScript(() => delete globalThis.showSaveFilePicker)
    await page.goto(`${kithd.base}#/operations`)
    await stands(page)
    await page.getByText(/^kith admin backup --to kith-.*\.backup$/).waitFor()
    assert.equal(await page.getByRole('button', { name: 'Back up into a file' }).count(), 0)
    await context.close()
  })
})

it('every trouble says what happened and which commands end it', async () => {
  const context = await person(browser, kithd, { bypassCSP: true })
  for (const [health, reason, said] of [
    [2, 'the log’s disk has 5 bytes left, and 9 must stay free', /read-only: the disk is full.*DISK_FULL.*5 bytes left.*Make room/s],
    [3, 'demo: 2,400 entries are there, and 2,410 were signed', /read-only: the log was rolled back.*LOG_ROLLED_BACK.*2,410 were signed.*kithd restore --from kith\.backup --data DIR.*kithd restore --data DIR --accept-rollback/s],
    [4, 'the disk could not be written: I/O error', /read-only: a commit failed.*LOG_POISONED.*I\/O error.*systemctl restart kithd.*kithd check --data DIR/s],
  ]) {
    const page = await context.newPage()
    const networks = [{ name: 'demo', head: 2400n }]
    await page.route('**/kith.v1.AdminService/GetStatus', async route => route.fulfill(await message('admin', 'GetStatusResponse', { version: '0.1.0', health, healthReason: reason, networks, serverTime: { seconds: BigInt(Math.floor(Date.now() / 1000)) } })))
    await page.goto(`${kithd.base}#/operations`)
    await page.locator('#trouble').waitFor()
    assert.match(await page.locator('main').innerText(), said)
    assert.deepEqual(await violations(page), [])
    await page.close()
  }
  await context.close()
})

it('who does not run the server has no such page', async () => {
  const [owner] = await kithd.kith(['token', 'add', '--role', 'owner'])
  const context = await person(browser, kithd, { token: owner.secret })
  const { page } = await open(context, kithd, '#/operations')
  await page.getByText(/signed in as owner, which may not see this/).waitFor()
  await settled(page)
  assert.equal(await page.locator('nav').getByRole('link', { name: 'Operations' }).count(), 0)
  await context.close()
})

it('an old log that is put back is read-only, and the page says so and how it ends', async () => {
  const own = await Kithd.start({ demo: false })
  try {
    await own.kith(['org', 'add', 'Riverside', '--id', 'riverside'], { network: 'default' })
    await own.kill()
    const old = join(own.data, 'old.redb')
    await copyFile(join(own.data, 'log.redb'), old)
    await own.again()
    await own.kith(['org', 'add', 'Hillside', '--id', 'hillside'], { network: 'default' })
    const [{ position }] = await own.kith(['head'], { network: 'default' })
    await until(async () => new RegExp(`kith/default/.*\\n${position}\\n`).test(await readFile(join(own.data, 'checkpoint'), 'utf8')), 'the checkpoint of the newer log is kept')
    await own.kill()
    await copyFile(old, join(own.data, 'log.redb'))
    await own.again()
    const context = await person(browser, own)
    const page = await context.newPage()
    await page.goto(`${own.base}#/operations`)
    await page.locator('#trouble').getByText(/LOG_ROLLED_BACK/).waitFor()
    assert.match(await page.locator('blockquote').innerText(), /default/)
    await page.getByText('kithd restore --data DIR --accept-rollback').waitFor()
    await context.close()
  } finally {
    await own.stop()
  }
})
