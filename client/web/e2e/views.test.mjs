// Views and reports: the list, the rows of one by its own columns, and why a row is so.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { hold, launch, open, person, settled, stands } from './browser.mjs'
import { Kithd } from './kithd.mjs'

let kithd, browser, pair
before(async () => {
  kithd = await Kithd.start()
  browser = await launch()
  pair = (await kithd.kith(['view', 'strength', '--top', '1']))[0].key.join(',')
})
after(async () => {
  await browser?.close()
  await kithd?.stop()
})

const read = page => page.evaluate(() => document.querySelector('main').innerText)

it('they are quiet, the same after a reload, and have nothing for axe to find', async () => {
  await hold(browser, kithd, ['#/demo/views', '#/demo/views/strength', '#/demo/views/bridges?sort=ties', '#/demo/views/follow_ups?org=larkspur&at=2026-06-01', `#/demo/views/strength/why/${pair}`, '#/demo/views/bridges/why/mossbridge,larkspur', '#/demo/views/nothing'])
})

it('rows are those of the command line, sorted as asked, and lead to why', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, '#/demo/views/strength')
  await stands(page)
  const rows = await kithd.kith(['view', 'strength', '--sort', 'met', '--top', '5'])
  await page.getByRole('button', { name: 'met', exact: true }).click()
  await page.waitForFunction(() => location.hash.includes('sort=met'))
  await settled(page)
  const shown = await page.locator('main tbody tr').evaluateAll(all => all.slice(0, 5).map(row => row.cells[4].innerText))
  assert.deepEqual(shown, rows.map(row => String(row.met)))
  await page.keyboard.press('j')
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => location.hash.includes('/why/'))
  await stands(page)
  assert.match(await read(page), /entries, each with its share of score/)
  await context.close()
})

it('a row of a report leads to the rows it stands on', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, '#/demo/views/bridges/why/mossbridge,larkspur')
  await stands(page)
  const why = await kithd.kith(['why', 'bridges', 'mossbridge', 'larkspur'])
  assert.equal(await page.locator('main table').first().locator('tbody tr').count(), why.filter(row => row.view === 'strength').length)
  await context.close()
})
