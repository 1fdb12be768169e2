// The log and its entries: filters, new entries that wait, proofs, and keys.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { hold, launch, open, person, settled } from './browser.mjs'
import { Kithd } from './kithd.mjs'

let kithd, browser, lotte, monty, noted, withdrawn, answered
before(async () => {
  kithd = await Kithd.start()
  browser = await launch()
  const people = await kithd.kith(['person', 'list'])
  const id = name => people.find(one => one.name.startsWith(name)).id
  ;[lotte, monty] = [id('Lotte'), id('Monty')]
  noted = (await kithd.kith(['met', lotte, monty, '--note', 'About the lift.']))[0].position
  const log = await kithd.kith(['log'])
  withdrawn = log.find(one => one.kind === 'retracted').position
  answered = log.find(one => one.kind === 'answered').position
})
after(async () => {
  await browser?.close()
  await kithd?.stop()
})

it('both are quiet, the same after a reload, and have nothing for axe to find', async () => {
  await hold(browser, kithd, ['#/demo/log', `#/demo/log?kinds=met,helped&person=${lotte}&org=larkspur&from=2026-06-01&until=2026-11-01`, `#/demo/log/${noted}`, `#/demo/log/${withdrawn}`, `#/demo/log/${answered}`, '#/demo/log/1', '#/demo/log/999999'], /In the log of [\d,]+/g)
})

it('new entries wait until they are asked for', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, `#/demo/log?kinds=met`)
  const first = await page.locator('.rows .at').first().innerText()
  await kithd.kith(['met', lotte, monty])
  await kithd.kith(['asked', lotte, monty, '--for', 'equipment'])
  await page.getByRole('button', { name: '1 new' }).waitFor({ timeout: 15_000 })
  assert.equal(await page.locator('.rows .at').first().innerText(), first)
  await page.keyboard.press('n')
  await page.waitForFunction(before => document.querySelector('.rows .at').innerText !== before, first)
  await page.waitForFunction(() => !document.querySelector('.new button'))
  await context.close()
})

it('an entry is proved, its words match, and keys lead to its neighbours', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, `#/demo/log/${noted}`)
  await page.getByText(/^In the log of/).waitFor()
  await page.getByText('About the lift.').waitFor()
  await page.getByText('match what was recorded').waitFor()
  const leaf = await page.locator('.hash').innerText()
  assert.match(leaf, /^[0-9a-f]{64}$/)
  await page.getByRole('navigation', { name: 'Entries beside it' }).getByRole('link').first().waitFor()
  await page.keyboard.press('j')
  await page.waitForURL(new RegExp(`/log/${noted - 1}$`))
  await page.waitForFunction(before => document.querySelector('.hash') && document.querySelector('.hash').innerText !== before, leaf)
  await page.getByRole('navigation', { name: 'Entries beside it' }).getByRole('link').nth(1).waitFor()
  await page.keyboard.press('k')
  await page.waitForURL(new RegExp(`/log/${noted}$`))
  await page.keyboard.press('u')
  await page.locator('.rows').waitFor()
  await context.close()
})

it('an entry whose bytes somebody changed on their way is not proved', async () => {
  const context = await person(browser, kithd)
  const page = await context.newPage()
  await page.route('**/kith.v1.LogService/Read', async route => {
    const answer = await route.fetch()
    const body = await answer.body()
    const at = body.indexOf(lotte)
    if (at > 0) body.write(lotte.slice(0, -1) + (lotte.endsWith('a') ? 'b' : 'a'), at)
    await route.fulfill({ response: answer, body })
  })
  await page.goto(`${kithd.base}#/demo/log/${noted}`)
  await settled(page)
  await page.getByText(/another entry at this position/).waitFor({ timeout: 30_000 })
  assert.equal(await page.getByText(/^In the log of/).count(), 0)
  await context.close()
})
