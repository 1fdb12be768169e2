// The graph by keyboard, pointer and address; a day in the past; play.
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

it('arrow keys go along ties, each move is spoken and is in the address, Enter opens the person', async () => {
  const context = await person(browser, kithd)
  const { page, problems } = await open(context, kithd, '#/demo/network')
  await page.locator('.canvas').focus()
  const spoken = page.locator('.ground [role=status]')
  const met = new Set()
  for (const key of ['ArrowRight', 'ArrowDown', 'ArrowLeft', 'ArrowUp', 'Shift+ArrowRight', 'Shift+ArrowDown']) {
    await page.keyboard.press(key)
    await settled(page)
    assert.match(await spoken.innerText(), /^.+, .+ · .+\. \d+ ties?(, strongest .+ \d+\.\d)?\.$/)
    met.add(new URL(page.url()).hash)
  }
  assert.ok(met.size >= 3, [...met].join(' '))
  const id = /person=([^&]+)/.exec(page.url())[1]
  await page.keyboard.press('Enter')
  await settled(page)
  assert.equal(new URL(page.url()).hash, `#/demo/people/${id}`)
  await page.goBack()
  await settled(page)
  assert.match(page.url(), new RegExp(`person=${id}`), 'back leads to the selection')
  assert.deepEqual(problems, [])
  await context.close()
})

it('a day in the past has fewer ties, moves nobody, and leads back to today', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, '#/demo/network')
  const ties = async () => Number(/([\d,]+) ties/.exec(await page.locator('aside').innerText())[1].replace(',', ''))
  const today = await ties()
  await page.keyboard.press('[')
  assert.match(page.url(), /at=\d{4}-\d\d-\d\d/)
  await page.goto(`${kithd.base}#/demo/network?at=2025-06-15`)
  await page.getByText(/by 15 Jun 2025/).waitFor()
  assert.ok((await ties()) < today)
  await page.getByRole('button', { name: 'Back to today' }).click()
  assert.ok(!page.url().includes('at='))
  await page.waitForFunction(expected => document.querySelector('aside').innerText.includes(`${expected} ties`), today)
  await context.close()
})

it('everything in the graph is in its table, too', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, '#/demo/network?as=table')
  const table = page.getByRole('table', { name: 'People and their ties' })
  assert.equal(await table.getAttribute('aria-rowcount'), '41')
  await page.getByRole('button', { name: 'Across' }).last().click()
  assert.match(page.url(), /sort=across/)
  await page.keyboard.press('j')
  await page.keyboard.press('Enter')
  await settled(page)
  assert.match(page.url(), /#\/demo\/people\//)
  await context.close()
})
