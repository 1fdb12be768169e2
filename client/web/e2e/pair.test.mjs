// Two people: filters, days, what was known, proof, withdrawal.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { launch, open, person, settled, stands } from './browser.mjs'
import { Kithd } from './kithd.mjs'

let kithd, browser, hash
before(async () => {
  kithd = await Kithd.start()
  browser = await launch()
  const people = await kithd.kith(['person', 'list'])
  const id = name => people.find(one => one.name.startsWith(name)).id
  hash = `#/demo/pairs/${id('Lotte')}/${id('Monty')}`
})
after(async () => {
  await browser?.close()
  await kithd?.stop()
})

const score = async page => Number(await page.locator('.score b').innerText())

it('kinds are filters in the address; a link to a meeting lights it', async () => {
  const context = await person(browser, kithd)
  const { page, problems } = await open(context, kithd, hash)
  const all = await page.locator('.entry').count()
  await page.locator('.filters').getByRole('button', { name: /^helped/ }).click()
  assert.match(page.url(), /kinds=helped/)
  assert.ok((await page.locator('.entry').count()) < all)
  await page.goBack()
  assert.equal(await page.locator('.entry').count(), all)
  await page.locator('.entry .said .link').first().hover()
  assert.equal(await page.locator('.entry.lit').count(), 1)
  assert.deepEqual(problems, [])
  await context.close()
})

it('another day has another strength and fewer entries, and the address holds it', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, hash)
  await stands(page)
  const [today, all] = [await score(page), await page.locator('.entry').count()]
  await page.goto(`${kithd.base}${hash}?at=2026-06-20`)
  await page.getByText('strength on 20 Jun 2026').waitFor()
  await page.waitForFunction(before => Number(document.querySelector('.score b').innerText) !== before, today)
  assert.ok((await page.locator('.entry').count()) < all)
  await page.keyboard.press(']')
  assert.match(page.url(), /at=2026-06-21/)
  await page.keyboard.press('.')
  assert.ok(!page.url().includes('at='))
  await page.waitForFunction(before => Number(document.querySelector('.score b').innerText) === before, today)
  await context.close()
})

it('what was known is what was recorded by then: before the import, nothing', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, hash)
  await page.getByRole('button', { name: 'Was known' }).click()
  await page.getByLabel('As of the end of this day, UTC').fill('2026-06-20')
  await page.waitForURL(/known=\d+/)
  await page.getByText(/as known at/).filter({ visible: true }).first().waitFor()
  await context.close()
})

it('every entry is proved here against the checkpoint that the browser keeps', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, hash)
  const all = await page.locator('.entry').count()
  await page.getByRole('button', { name: /^Verify these/ }).click()
  await page.getByText(/entries are in the log/).waitFor({ timeout: 30_000 })
  assert.ok((await page.getByText('in the log', { exact: true }).count()) >= all)
  await context.close()
})

it('bytes that somebody changed on their way are not proved', async () => {
  const context = await person(browser, kithd)
  const page = await context.newPage()
  await page.route('**/kith.v1.LogService/Read', async route => {
    const answer = await route.fetch()
    const body = await answer.body()
    const at = body.indexOf('equipment')
    if (at > 0) body.write('equipmemt', at)
    await route.fulfill({ response: answer, body })
  })
  await page.goto(kithd.base + hash)
  await settled(page)
  await page.getByRole('button', { name: /^Verify these/ }).click()
  await page.getByText(/is not proved|are not proved/).waitFor({ timeout: 30_000 })
  await context.close()
})

it('an entry is withdrawn with a reason and a note, stays, and counts no more', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, hash)
  const entry = page.locator('.entry:not(.gone)', { hasText: ' met' }).first()
  const position = await entry.locator('.meta a[href*="/log/"]').innerText()
  await entry.hover()
  await entry.getByRole('button', { name: /More about entry/ }).click()
  await entry.getByRole('button', { name: 'Withdraw' }).click()
  await page.getByLabel('It was recorded twice').check()
  await page.getByLabel('Note').fill('That was the Thursday group.')
  await page.getByRole('button', { name: 'Withdraw' }).last().click()
  await page.getByText(/^Recorded at/).waitFor()
  const gone = page.locator('.entry.gone', { hasText: position })
  await gone.waitFor({ timeout: 15_000 })
  assert.match(await gone.innerText(), /Withdrawn by token:owner on .*: duplicate\. “That was the Thursday group\.” It no longer counts\./s)
  await context.close()
})
