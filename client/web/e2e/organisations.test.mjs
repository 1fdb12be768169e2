// Organisations: what ties them, on whom that hangs, and the way there from other pages.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { hold, launch, open, person, settled, stands } from './browser.mjs'
import { Kithd } from './kithd.mjs'

let kithd, browser
before(async () => {
  kithd = await Kithd.start()
  browser = await launch()
  // Organisations with a long, a right-to-left and no tied people at all.
  await kithd.kith(['org', 'add', 'Zentrum für fortgeschrittene Donaudampfschifffahrtsgesellschaftskapitänsheilkunde und angrenzende Gebiete', '--id', 'long'])
  await kithd.kith(['org', 'add', 'مستشفى الغابة الصغيرة', '--id', 'arabic'])
  await kithd.kith(['person', 'add', 'سلمى البيضاء', '--role', 'nurse', '--org', 'arabic'])
  await kithd.kith(['person', 'add', 'Maximiliane-Theodora Freifrau von und zu Hohenschwangau-Unterammergau', '--org', 'long'])
})
after(async () => {
  await browser?.close()
  await kithd?.stop()
})

const places = ['#/demo/organisations', '#/demo/organisations?at=2026-03-01&sort=across', '#/demo/organisations/mossbridge', '#/demo/organisations/larkspur?at=2025-06-01', '#/demo/organisations/arabic', '#/demo/organisations/long', '#/demo/organisations/nobody', '#/demo/organisations/mossbridge/larkspur', '#/demo/organisations/mossbridge/fernhollow?all=ties&at=2026-03-01', '#/demo/organisations/long/arabic', '#/demo/organisations/mossbridge/nobody']

it('all are quiet, the same after a reload, and have nothing for axe to find', async () => {
  await hold(browser, kithd, places)
})

it('says what the report says', async () => {
  const context = await person(browser, kithd)
  const rows = await kithd.kith(['view', 'bridges'])
  const of = (a, b) => rows.find(row => row.key.includes(a) && row.key.includes(b) && row.key[0] !== row.key[1])
  const { page } = await open(context, kithd, '#/demo/organisations/mossbridge')
  await stands(page)
  const line = page.getByRole('row').filter({ hasText: 'Fernhollow' })
  assert.equal(await line.locator('td').nth(1).innerText(), String(of('mossbridge', 'fernhollow').ties))
  assert.match(await line.locator('td').nth(2).innerText(), new RegExp(`^${of('mossbridge', 'fernhollow').redundancy} people$`))
  await page.getByRole('row').filter({ hasText: 'Larkspur' }).getByText('1 person').waitFor()
  await page.getByText(/^Not tied to/).filter({ hasText: 'مستشفى' }).waitFor()
  const late = (await kithd.kith(['view', 'follow_ups', '--org', 'mossbridge'])).filter(row => row.state === 'late').length
  assert.equal(await page.locator('section').filter({ hasText: 'Follow-ups' }).locator('li .num').first().innerText(), String(late))
  await context.close()
})

it('two organisations hang on the one person whom the picture, the sentence and the report name', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, '#/demo/organisations/mossbridge/larkspur')
  await stands(page)
  await page.getByText(/Bram Thistledown alone holds the two together/).waitFor()
  const why = await kithd.kith(['why', 'bridges', 'mossbridge', 'larkspur'])
  const ties = why.filter(row => row.view === 'strength').length
  assert.equal(await page.getByRole('table', { name: 'Ties across' }).locator('tbody tr').count(), ties)
  assert.equal(await page.locator('svg path.signal').count(), ties)
  const meet = page.locator('section').filter({ has: page.getByRole('heading', { name: 'Who should meet' }) }).locator('li').first()
  assert.match(await meet.innerText(), /over .+, last \d/)
  await context.close()
})

it('is worked by keys alone', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, '#/demo')
  await page.keyboard.press('g')
  await page.keyboard.press('b')
  await page.getByRole('heading', { name: 'Organisations' }).waitFor()
  await settled(page)
  await page.keyboard.press('j')
  await page.keyboard.press('j')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Larkspur Fable Care Home' }).waitFor()
  await settled(page)
  await page.keyboard.press('[')
  await page.getByText('Back to today').waitFor()
  await settled(page)
  await page.keyboard.press('j')
  await page.keyboard.press('o')
  await page.waitForURL(/organisations\/larkspur\/mossbridge\?at=/)
  await settled(page)
  await page.keyboard.press('j')
  await page.keyboard.press('w')
  await page.waitForURL(/\/pairs\/.*\?at=/)
  await context.close()
})

it('is reached from people, a person, the network and Ctrl K', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, '#/demo/people')
  await settled(page)
  await page.getByRole('link', { name: 'Mossbridge Make-Believe Hospital' }).first().click()
  await page.waitForURL(/organisations\/mossbridge$/)
  await page.goto(`${kithd.base}#/demo/network?bridge=mossbridge,larkspur&min=1`)
  await settled(page)
  await page.getByRole('link', { name: 'Everything between the two' }).click()
  await page.waitForURL(/organisations\/(mossbridge\/larkspur|larkspur\/mossbridge)$/)
  await page.keyboard.press('Control+k')
  await page.keyboard.type('fernhollow')
  await page.getByRole('option', { name: 'Fernhollow' }).first().waitFor()
  const option = page.getByRole('option', { name: /organisation$/ }).first()
  await option.click()
  await page.waitForURL(/organisations\/fernhollow$/)
  await context.close()
})
