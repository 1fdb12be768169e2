// Follow-ups and introductions: what the boards count, whose they are, and that they are worked by keys.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { hold, launch, open, person } from './browser.mjs'
import { Kithd } from './kithd.mjs'

let kithd, browser, ada, token, places
before(async () => {
  kithd = await Kithd.start()
  browser = await launch()
  const people = await kithd.kith(['person', 'list'])
  ada = people.find(one => one.name.startsWith('Ada')).id
  ;[{ secret: token }] = await kithd.kith(['token', 'add', '--role', 'recorder', '--person', ada, '--organisation', 'mossbridge'])
  places = ['#/demo/follow-ups', `#/demo/follow-ups?person=${ada}&org=larkspur&all=late`, '#/demo/introductions', '#/demo/introductions?state=became_tie&org=larkspur']
})
after(async () => {
  await browser?.close()
  await kithd?.stop()
})

const rows = async (view, state) => (await kithd.kith(['view', view])).filter(row => row.state === state)
const number = text => Number(text.replace(/\D/g, ''))

it('both are quiet, the same after a reload, and have nothing for axe to find', async () => {
  await hold(browser, kithd, places)
})

describe('follow-ups', () => {
  it('counts what the view counts', async () => {
    const context = await person(browser, kithd)
    const { page } = await open(context, kithd, '#/demo/follow-ups')
    const shown = async id => number(await page.locator(`#column-${id} .many`).innerText())
    assert.equal(await shown('late'), (await rows('follow_ups', 'late')).length)
    assert.equal((await shown('week')) + (await shown('later')), (await rows('follow_ups', 'open')).length)
    const from = new Date(Date.now() - 30 * 86_400_000).toISOString().slice(0, 10)
    const done = (await rows('follow_ups', 'done')).filter(row => new Date(Date.parse(row.met_on) + row.latency * 86_400_000).toISOString().slice(0, 10) > from)
    assert.equal(await shown('done'), done.length)
    await context.close()
  })

  it('shows mine, or those of an organisation', async () => {
    const context = await person(browser, kithd, { token })
    const { page } = await open(context, kithd, '#/demo/follow-ups')
    const late = async () => number(await page.locator('#column-late .many').innerText())
    const all = await late()
    await page.getByRole('button', { name: 'Mine' }).click()
    assert.match(page.url(), new RegExp(`person=${ada}`))
    await page.waitForFunction(before => Number(document.querySelector('#column-late .many').innerText.replace(/\D/g, '')) < before, all)
    const cards = await page.locator('section:has(#column-late) li').allInnerTexts()
    assert.ok(cards.length > 0 && cards.every(card => card.includes('Ada ')), cards.join())
    await context.close()
  })

  it('is worked by keys: walk to a card, follow up, and it is done', async () => {
    const context = await person(browser, kithd, { token })
    const { page } = await open(context, kithd, `#/demo/follow-ups?person=${ada}`)
    const before = number(await page.locator('#column-late .many').innerText())
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    const step = await page.evaluate(() => document.activeElement.dataset.step)
    assert.match(step, /^late /)
    await page.keyboard.press('f')
    await page.waitForURL(/record=followed_up/)
    await page.waitForSelector('dialog[open]')
    await page.keyboard.press('Control+Enter')
    await page.getByText(/^Recorded at/).waitFor()
    await page.waitForFunction(before => Number(document.querySelector('#column-late .many').innerText.replace(/\D/g, '')) < before, before, { timeout: 15_000 })
    await context.close()
  })
})

describe('introductions', () => {
  it('counts each state as the view does', async () => {
    const context = await person(browser, kithd)
    const { page } = await open(context, kithd, '#/demo/introductions')
    const all = await kithd.kith(['view', 'introductions'])
    for (const [state, name] of Object.entries({ unanswered: 'Unanswered', accepted: 'Accepted', met: 'Met', became_tie: 'Became a tie', declined: 'Declined' })) {
      const chip = page.locator('.states').getByRole('button', { name: new RegExp(`^${name}`) })
      assert.equal(number(await chip.innerText()), all.filter(row => row.state === state).length, state)
    }
    assert.equal(number(await page.locator('.funnel li').first().locator('b').innerText()), all.length)
    await context.close()
  })

  it('the introduced answer in place', async () => {
    const [open_] = await rows('introductions', 'unanswered')
    const [{ secret }] = await kithd.kith(['token', 'add', '--role', 'recorder', '--person', open_.key[0], '--organisation', 'mossbridge'])
    const context = await person(browser, kithd, { token: secret })
    const { page, problems } = await open(context, kithd, `#/demo/introductions?person=${open_.key[0]}`)
    const accepted = page.locator('.states').getByRole('button', { name: /^Accepted/ })
    const before = number(await accepted.innerText())
    await page.getByRole('button', { name: 'Welcome' }).first().click()
    await page.getByText(/^Recorded at/).waitFor()
    await accepted.getByText(String(before + 1), { exact: true }).waitFor({ timeout: 15_000 })
    const [now] = (await kithd.kith(['view', 'introductions'])).filter(row => row.item === open_.item)
    assert.equal(now.state, 'accepted')
    assert.deepEqual(problems, [])
    await context.close()
  })
})
