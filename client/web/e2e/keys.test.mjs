// Keys of the frame: destinations that wait, finding, the list of keys, and all of it switched off.
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
const hashOf = page => new URL(page.url()).hash

it('g takes the next key however fast or late it comes', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, '#/demo')
  await page.keyboard.press('g')
  await page.keyboard.press('p')
  await page.getByRole('heading', { name: 'People' }).waitFor()
  assert.equal(hashOf(page), '#/demo/people')
  await page.clock.install()
  await page.keyboard.press('g')
  await page.clock.fastForward(60_000)
  await page.getByText('Go to').waitFor()
  await page.keyboard.press('n')
  await settled(page)
  assert.equal(hashOf(page), '#/demo/network')
  await page.keyboard.press('g')
  await page.keyboard.press('Escape')
  await page.keyboard.press('t')
  assert.equal(hashOf(page), '#/demo/network', 'Escape ends it')
  await context.close()
})

it('Ctrl K finds people without case and accents, pages, and what to record, by arrows and Enter', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, '#/demo')
  await page.keyboard.press('Control+k')
  await page.keyboard.type('GUS mar')
  await page.locator('[role=option]').first().waitFor()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowUp')
  await page.keyboard.press('Enter')
  await settled(page)
  assert.match(await page.getByRole('heading', { level: 1 }).innerText(), /Gus Marmalade/)
  await page.keyboard.press('Control+k')
  await page.keyboard.type('record helped nico')
  await page.keyboard.press('Enter')
  await page.locator('dialog .say').waitFor()
  assert.match(await page.locator('dialog .say').innerText(), /Nico Gooseberry helped/)
  await page.keyboard.press('Escape')
  await context.close()
})

it('? lists the keys of the page; switched off, none works', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, '#/demo/network')
  await page.keyboard.press('?')
  const listed = await page.locator('dialog').innerText()
  for (const about of ['Record', 'Go to a page', 'A day back', 'Back to today']) assert.ok(listed.includes(about), about)
  await page.getByLabel('Single keys are on').uncheck()
  await page.keyboard.press('Escape')
  await page.keyboard.press('r')
  await page.keyboard.press('g')
  assert.equal(await page.locator('dialog[open]').count() + (await page.getByText('Go to').count()), 0)
  await context.close()
})

it('names off shows ids everywhere, also after a reload', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, '#/demo/people')
  await page.getByRole('button', { name: 'Account' }).click()
  await page.getByLabel(/Names off/).check()
  await page.keyboard.press('Escape')
  for (const hash of ['#/demo', '#/demo/people', '#/demo/network']) {
    await page.goto(kithd.base + hash)
    await page.reload()
    await settled(page)
    assert.doesNotMatch(await page.locator('body').innerText(), /Quillfeather|Gooseberry|Blackbird/, hash)
  }
  await context.close()
})

it('the console is one page to a reader of the screen: one heading, a skip link, the place where one is', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, '#/demo/people')
  await page.keyboard.press('Tab')
  assert.equal(await page.evaluate(() => document.activeElement.innerText), 'Skip to content')
  await page.keyboard.press('Enter')
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main')
  assert.equal(await page.getByRole('heading', { level: 1 }).count(), 1)
  assert.equal(await page.locator('nav [aria-current=page]').innerText(), 'People')
  await context.close()
})
