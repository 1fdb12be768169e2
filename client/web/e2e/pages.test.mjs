// What holds for every page, in every state of its address: nothing in the console, no violation of the policy, no request
// to anybody else, nothing for axe to find, no sideways scrolling, and the same again after a reload.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { fit, launch, open, person, stands, violations } from './browser.mjs'
import { Kithd } from './kithd.mjs'

let kithd, browser, places
before(async () => {
  kithd = await Kithd.start()
  browser = await launch()
  const people = await kithd.kith(['person', 'list'])
  const id = name => people.find(one => one.name.startsWith(name)).id
  const [lotte, monty] = [id('Lotte'), id('Monty')]
  places = {
    'Today': '#/demo',
    'Network': '#/demo/network',
    'Network, a person on a day': `#/demo/network?at=2026-06-15&person=${lotte}`,
    'Network, a bridge': '#/demo/network?bridge=mossbridge,larkspur&min=8',
    'Network, one organisation off': '#/demo/network?off=fernhollow&ties=across',
    'Network, as a table': '#/demo/network?as=table&sort=ties',
    'People': '#/demo/people',
    'People of one organisation': '#/demo/people?org=larkspur&sort=ties',
    'Person': `#/demo/people/${lotte}`,
    'Pair': `#/demo/pairs/${lotte}/${monty}`,
    'Pair on a day': `#/demo/pairs/${lotte}/${monty}?at=2026-08-20&kinds=met,helped`,
    'Pair as known': `#/demo/pairs/${lotte}/${monty}?known=1500`,
    'Two who never met': `#/demo/pairs/${lotte}/nobody`,
    'Record': `#/demo?record=helped&people=${lotte},${monty}`,
    'No such page': '#/demo/nothing',
  }
})
after(async () => {
  await browser?.close()
  await kithd?.stop()
})

/** The page as read: without what moves by itself. */
const read = page => page.evaluate(() => document.body.innerText.replace(/verified to [\d,]+|checking|\d+ min ago|just now/g, ''))

describe('every page', () => {
  it('is quiet, keeps to itself, and is the same after a reload', async () => {
    const context = await person(browser, kithd)
    for (const [name, hash] of Object.entries(places)) {
      const { page, problems } = await open(context, kithd, hash)
      await stands(page)
      const first = await read(page)
      await page.reload()
      await stands(page)
      assert.equal(await read(page), first, `${name}: the same after a reload`)
      assert.equal(new URL(page.url()).hash, hash, `${name}: the address stays`)
      assert.deepEqual(problems, [], name)
      await page.close()
    }
    await context.close()
  })

  for (const [look, options] of Object.entries({ 'light': {}, 'dark': { dark: true }, '390 px': { width: 390, height: 844 } })) {
    it(`has nothing for axe to find, ${look}`, async () => {
      const context = await person(browser, kithd, { ...options, bypassCSP: true })
      for (const [name, hash] of Object.entries(places)) {
        const { page } = await open(context, kithd, hash)
        await stands(page)
        assert.deepEqual(await violations(page), [], name)
        await page.close()
      }
      await context.close()
    })
  }

  it('needs no sideways scrolling at 320 px, which is a zoom of 400 %', async () => {
    await fit(browser, kithd, Object.values(places))
  })
})

it('the sign-in page has nothing for axe to find either', async () => {
  const context = await person(browser, kithd, { token: '', bypassCSP: true })
  const { page } = await open(context, kithd, '#/demo/people')
  assert.deepEqual(await violations(page), [])
  await context.close()
})
