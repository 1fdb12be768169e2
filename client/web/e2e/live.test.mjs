// The live end of the log: one stream for a browser, a server that goes away and comes back, an old log put back.
import assert from 'node:assert/strict'
import { cp, rm } from 'node:fs/promises'
import { after, before, it } from 'node:test'
import { launch, open, person } from './browser.mjs'
import { Kithd } from './kithd.mjs'

let kithd, browser
before(async () => {
  kithd = await Kithd.start()
  browser = await launch()
})
after(async () => {
  await browser?.close()
  await kithd?.stop()
})

it('two tabs share one stream, and both hear of what is recorded', async () => {
  const context = await person(browser, kithd)
  let streams = 0
  context.on('request', request => request.url().endsWith('/Subscribe') && streams++)
  const { page: one } = await open(context, kithd, '#/demo/people')
  const { page: other } = await open(context, kithd, '#/demo')
  const people = await kithd.kith(['person', 'list'])
  const id = name => people.find(person => person.name.startsWith(name)).id
  await kithd.kith(['met', id('Ada'), id('Vito')])
  const row = one.getByRole('row').filter({ hasText: 'Vito Candlewax' })
  await row.filter({ hasText: 'Ada Quillfeather' }).waitFor({ timeout: 15_000 })
  await other.getByRole('link', { name: /^verified to/ }).waitFor()
  assert.equal(streams, 1)
  await context.close()
})

it('a server that goes away is told, and the page is level again when it is back', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, '#/demo')
  await kithd.kill()
  await page.getByText(/^Not connected\. You see/).waitFor({ timeout: 30_000 })
  assert.match(await page.locator('main').innerText(), /Follow up/, 'what was there stays')
  await kithd.again()
  await page.waitForFunction(() => !document.body.innerText.includes('Not connected'), null, { timeout: 60_000 })
  await context.close()
})

it('an old log that is put back turns the chip red, and nothing is overwritten', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, '#/demo')
  await page.getByRole('link', { name: /^verified to/ }).waitFor()
  await kithd.kill()
  const old = `${kithd.data}.old`
  await cp(kithd.data, old, { recursive: true })
  await kithd.again()
  const people = await kithd.kith(['person', 'list'])
  for (let i = 0; i < 3; i++) await kithd.kith(['met', people[i].id, people[i + 1].id])
  await page.reload()
  await page.getByRole('link', { name: /^verified to/ }).waitFor()
  const kept = await page.evaluate(() => JSON.stringify(localStorage))
  await kithd.kill()
  await rm(kithd.data, { recursive: true })
  await cp(old, kithd.data, { recursive: true })
  await rm(old, { recursive: true })
  await kithd.again()
  await page.reload()
  await page.getByText('history changed').waitFor({ timeout: 20_000 })
  assert.match(await page.locator('main').innerText(), /Do not trust this log/)
  assert.equal(await page.evaluate(() => JSON.stringify(localStorage)), kept)
  await context.close()
})
