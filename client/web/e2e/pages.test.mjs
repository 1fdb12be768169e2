// What holds for every page, in every state of its address: nothing in the console, no violation of the policy, no request
// to anybody else, nothing for axe to find, no sideways scrolling, and the same again after a reload.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { COLOURS, hold, launch, open, person, stands, violations } from './browser.mjs'
import { Kithd } from './kithd.mjs'

let kithd, browser, lotte, monty
before(async () => {
  kithd = await Kithd.start()
  browser = await launch()
  const people = await kithd.kith(['person', 'list'])
  ;[lotte, monty] = ['Lotte', 'Monty'].map(name => people.find(one => one.name.startsWith(name)).id)
})
after(async () => {
  await browser?.close()
  await kithd?.stop()
})

it('what is wrong with a page is found: a picture without words, and words in a colour that is hard to read', async () => {
  const context = await person(browser, kithd, { bypassCSP: true })
  const { page } = await open(context, kithd, '#/demo/people')
  await stands(page)
  await page.evaluate(() => {
    const [picture, words] = [document.createElement('img'), document.createElement('p')]
    picture.src = 'data:image/gif;base64,R0lGODlhAQABAAAAACw='
    words.textContent = 'hard to read'
    words.style.cssText = 'color: #888; background: #999'
    document.querySelector('main').append(picture, words)
  })
  const rules = found => found.map(one => one.split(':')[0])
  assert.deepEqual(rules(await violations(page)).sort(), ['color-contrast', 'image-alt'])
  await page.emulateMedia({ colorScheme: 'dark' })
  assert.deepEqual(rules(await violations(page, COLOURS)), ['color-contrast'])
  await context.close()
})

for (const [name, at] of Object.entries({
  'Today': () => '#/demo',
  'Network': () => '#/demo/network',
  'Network, a person on a day': () => `#/demo/network?at=2026-06-15&person=${lotte}`,
  'Network, a bridge': () => '#/demo/network?bridge=mossbridge,larkspur&min=8',
  'Network, one organisation off': () => '#/demo/network?off=fernhollow&ties=across',
  'Network, as a table': () => '#/demo/network?as=table&sort=ties',
  'People': () => '#/demo/people',
  'People of one organisation': () => '#/demo/people?org=larkspur&sort=ties',
  'Person': () => `#/demo/people/${lotte}`,
  'Pair': () => `#/demo/pairs/${lotte}/${monty}`,
  'Pair on a day': () => `#/demo/pairs/${lotte}/${monty}?at=2026-08-20&kinds=met,helped`,
  'Pair as known': () => `#/demo/pairs/${lotte}/${monty}?known=1500`,
  'Two who never met': () => `#/demo/pairs/${lotte}/nobody`,
  'Record': () => `#/demo?record=helped&people=${lotte},${monty}`,
  'No such page': () => '#/demo/nothing',
})) {
  it(`${name} is quiet, keeps to itself, is the same after a reload, and has nothing for axe to find`, async () => {
    await hold(browser, kithd, [at()])
  })
}

it('the sign-in page has nothing for axe to find either', async () => {
  const context = await person(browser, kithd, { token: '', bypassCSP: true })
  const { page } = await open(context, kithd, '#/demo/people')
  assert.deepEqual(await violations(page), [])
  await context.close()
})
