// Signing in, being signed out, and coming back to where one was.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { launch, open, person, settled } from './browser.mjs'
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

it('a wrong token is refused in the words of the server, the right one leads to where one wanted to go', async () => {
  const context = await person(browser, kithd, { token: '' })
  const { page } = await open(context, kithd, '#/demo/people?org=larkspur')
  await page.getByLabel('Token', { exact: true }).fill('kith_wrong')
  await page.keyboard.press('Enter')
  assert.match(await page.getByRole('alert').innerText(), /token/i)
  await page.getByLabel('Token', { exact: true }).fill(kithd.token)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'People' }).waitFor()
  assert.equal(new URL(page.url()).hash, '#/demo/people?org=larkspur')
  assert.equal(await page.evaluate(() => document.cookie), '', 'no script reads the session')
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))
  assert.ok(!kept.includes(kithd.token) && !/Lotte|Larkspur/.test(kept), 'nothing personal is kept')
  await context.close()
})

it('a token that is revoked while a page is open leads to sign in, and back', async () => {
  const [issued] = await kithd.kith(['token', 'add', '--role', 'recorder', '--person', 'Ada', '--organisation', 'mossbridge'])
  const context = await person(browser, kithd, { token: issued.secret })
  const { page } = await open(context, kithd, '#/demo/network?as=table')
  await kithd.kith(['token', 'revoke', issued.id])
  await page.getByRole('heading', { name: 'Sign in to Kith' }).waitFor({ timeout: 20_000 })
  await page.getByLabel('Token', { exact: true }).fill(kithd.token)
  await page.keyboard.press('Enter')
  await settled(page)
  assert.equal(new URL(page.url()).hash, '#/demo/network?as=table')
  await context.close()
})

it('a reader is offered nothing that it may not do', async () => {
  const [issued] = await kithd.kith(['token', 'add', '--role', 'reader', '--person', 'Ada'])
  const context = await person(browser, kithd, { token: issued.secret })
  const { page } = await open(context, kithd, '#/demo')
  assert.equal(await page.getByRole('button', { name: /^(Record|Follow up|Welcome|I helped)/ }).count(), 0)
  await page.keyboard.press('r')
  assert.equal(await page.locator('dialog[open]').count(), 0)
  await context.close()
})
