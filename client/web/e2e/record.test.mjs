// Recording by keys alone, and what becomes of it.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { launch, open, person, settled } from './browser.mjs'
import { Kithd } from './kithd.mjs'

let kithd, browser, ada, token
before(async () => {
  kithd = await Kithd.start()
  browser = await launch()
  const people = await kithd.kith(['person', 'list'])
  ada = people.find(one => one.name.startsWith('Ada')).id
  ;[{ secret: token }] = await kithd.kith(['token', 'add', '--role', 'recorder', '--person', ada, '--organisation', 'mossbridge'])
})
after(async () => {
  await browser?.close()
  await kithd?.stop()
})

it('a meeting takes five keys and a name, is in the timeline, and can be undone', async () => {
  const context = await person(browser, kithd, { token })
  const { page, problems } = await open(context, kithd, '#/demo')
  const started = Date.now()
  await page.keyboard.press('r')
  await page.locator('dialog[open]').waitFor()
  await page.keyboard.type('nico')
  await page.keyboard.press('Enter')
  assert.match(await page.locator('dialog .say').innerText(), /^You and Nico Gooseberry met today\.$/)
  await page.keyboard.press('Control+Enter')
  await page.getByText(/^Recorded at/).waitFor()
  assert.ok(Date.now() - started < 10_000, 'ten seconds')
  assert.equal(await page.locator('dialog[open]').count(), 0)

  const nico = (await kithd.kith(['person', 'list'])).find(one => one.name.startsWith('Nico')).id
  const { page: pair } = await open(context, kithd, `#/demo/pairs/${ada}/${nico}`)
  const first = pair.locator('.entry').first()
  assert.match(await first.innerText(), /Ada and Nico met|Nico and Ada met/)
  await page.getByRole('button', { name: 'Undo' }).click()
  await page.getByText(/^Withdrawn as a mistake at/).waitFor()
  await pair.locator('.entry.gone').first().waitFor({ timeout: 15_000 })
  assert.match(await pair.locator('.entry').first().innerText(), /Withdrawn by Ada .*: mistake\. It no longer counts\./s)
  assert.deepEqual(problems, [])
  await context.close()
})

it('the first word takes the kind, what is missing is said, and Escape leaves nothing behind', async () => {
  const context = await person(browser, kithd, { token })
  const { page } = await open(context, kithd, '#/demo/people')
  await page.keyboard.press('r')
  await page.keyboard.type('asked nico')
  await page.keyboard.press('Enter')
  await page.keyboard.press('Control+Enter')
  assert.match(await page.locator('dialog').innerText(), /What for, in a word or two\?/)
  await page.getByLabel('Help with').fill('Discharge letters')
  assert.match(await page.locator('dialog .say').innerText(), /^You asked Nico Gooseberry for help with discharge-letters today\.$/)
  await page.keyboard.press('Control+Enter')
  await page.getByText(/^Recorded at/).waitFor()
  await page.keyboard.press('r')
  await page.keyboard.press('Escape')
  await page.waitForFunction(() => !document.querySelector('dialog[open]'))
  assert.equal(new URL(page.url()).hash, '#/demo/people')
  await context.close()
})

it('an introduction is answered in place', async () => {
  const people = await kithd.kith(['person', 'list'])
  const id = name => people.find(one => one.name.startsWith(name)).id
  await kithd.kith(['referred', id('Bram'), ada, '--to', id('Wanda')])
  const context = await person(browser, kithd, { token })
  const { page } = await open(context, kithd, '#/demo')
  await page.getByRole('button', { name: 'Welcome' }).first().click()
  const said = await page.getByText(/^Recorded at/).innerText()
  const position = Number(/[\d,]+/.exec(said)[0].replace(',', ''))
  const [entry] = await kithd.kith(['log', '--after', String(position - 1), '--limit', '1'])
  assert.match(JSON.stringify(entry), /"answered"/)
  await context.close()
})

it('a note of another script, a control character and markup stay what they are', async () => {
  const context = await person(browser, kithd, { token })
  const { page, problems } = await open(context, kithd, '#/demo')
  await page.keyboard.press('r')
  await page.keyboard.type('wanda')
  await page.keyboard.press('Enter')
  await page.getByLabel('Note').fill('<img src=x onerror=alert(1)> \u202e مرحبا')
  await page.keyboard.press('Control+Enter')
  await page.getByText(/^Recorded at/).waitFor()
  const wanda = (await kithd.kith(['person', 'list'])).find(one => one.name.startsWith('Wanda')).id
  await page.goto(`${kithd.base}#/demo/pairs/${ada}/${wanda}`)
  await settled(page)
  assert.match(await page.locator('blockquote').first().innerText(), /<img src=x onerror=alert\(1\)> U\+202E مرحبا/)
  assert.equal(await page.locator('blockquote img').count(), 0)
  assert.deepEqual(problems, [])
  await context.close()
})

it('words of a dialog that was closed can be had back', async () => {
  const context = await person(browser, kithd, { token })
  const { page } = await open(context, kithd, '#/demo')
  await page.keyboard.press('r')
  await page.keyboard.type('nico')
  await page.keyboard.press('Enter')
  await page.getByLabel('Note').fill('It was about the letters.')
  await page.mouse.click(20, 400)
  assert.equal(await page.locator('dialog[open]').count(), 1, 'a click beside it closes nothing')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Back to it' }).click()
  assert.equal(await page.getByLabel('Note').inputValue(), 'It was about the letters.')
  assert.match(await page.locator('dialog .say').innerText(), /You and Nico Gooseberry met/)
  await context.close()
})
