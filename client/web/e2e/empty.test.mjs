// A network in which nothing has happened, and people who were given names that nobody expects.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { launch, open, person, violations } from './browser.mjs'
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

it('the empty network says what to do, on every page', async () => {
  const context = await person(browser, kithd, { bypassCSP: true })
  for (const [hash, words] of [['#/default', /Nothing is recorded here yet/], ['#/default/network', /Nobody is here yet/], ['#/default/people', /Nobody is here yet/], ['#/default/people/nobody', /not in this network's directory/], ['#/default/pairs/a/b', /Nothing is recorded between the two/]]) {
    const { page, problems } = await open(context, kithd, hash)
    assert.match(await page.locator('main').innerText(), words, hash)
    assert.deepEqual(await violations(page), [], hash)
    assert.deepEqual(problems, [], hash)
    await page.close()
  }
  await context.close()
})

it('names are text, whatever is in them', async () => {
  const names = ['<img src=x onerror=alert(1)>', 'ליאורה בן־דוד', 'a'.repeat(4000), 'Zoë\u200bAçai', '李 小龍']
  for (const name of names) await kithd.kith(['person', 'add', name, '--org', 'larkspur', '--role', 'carer'])
  const context = await person(browser, kithd)
  for (const hash of ['#/demo/people?sort=ties', '#/demo/network', '#/demo', '#/demo/people?org=larkspur']) {
    const { page, problems } = await open(context, kithd, hash)
    assert.equal(await page.locator('main img').count(), 0)
    const over = await page.evaluate(() => document.querySelector('main').scrollWidth - document.querySelector('main').clientWidth)
    assert.ok(over <= 0, `${hash}: ${over} px too wide`)
    assert.deepEqual(problems, [], hash)
    await page.close()
  }
  const { page } = await open(context, kithd, '#/demo/people?org=larkspur')
  const text = await page.locator('main').innerText()
  assert.match(text, /<img src=x onerror=alert\(1\)>/)
  assert.match(text, /ZoëU\+200BAçai/)
  await page.getByPlaceholder('Search name, role or id').fill('zoe')
  assert.match(await page.locator('main').innerText(), /1 of \d+ people/)
  await context.close()
})
