// What every page is on paper: no frame, no controls, black on white, nothing cut off, and a line that says what it stands
// for. E2E_SHOTS names a folder for the sheets as PDF.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { launch, open, person, stands } from './browser.mjs'
import { Kithd } from './kithd.mjs'

let kithd, browser, places
before(async () => {
  kithd = await Kithd.start()
  browser = await launch()
  const people = await kithd.kith(['person', 'list'])
  const id = name => people.find(one => one.name.startsWith(name)).id
  const [lotte, monty] = [id('Lotte'), id('Monty')]
  places = {
    today: '#/demo',
    network: '#/demo/network',
    people: '#/demo/people',
    person: `#/demo/people/${lotte}`,
    pair: `#/demo/pairs/${lotte}/${monty}?at=2026-08-20`,
    organisation: '#/demo/organisations/mossbridge?at=2026-08-20',
    bridge: '#/demo/organisations/mossbridge/larkspur',
    'follow-ups': '#/demo/follow-ups',
    introductions: '#/demo/introductions',
    views: '#/demo/views',
    view: '#/demo/views/strength',
    log: '#/demo/log',
    entry: '#/demo/log/2401',
    audit: '#/demo/audit?entry=2401',
  }
})
after(async () => {
  await browser?.close()
  await kithd?.stop()
})

/** Whatever is drawn of these. */
const drawn = (page, selector) => page.evaluate(selector => [...document.querySelectorAll(selector)].filter(one => one.checkVisibility() && one.getBoundingClientRect().width > 1).map(one => one.outerHTML.slice(0, 120)), selector)

describe('on paper', () => {
  for (const dark of [false, true]) {
    it(`every page is black on white, without frame and controls${dark ? ', in the dark, too' : ''}`, async () => {
      const context = await person(browser, kithd, { dark })
      if (dark) await context.addInitScript(() => localStorage.setItem('kith.prefs', JSON.stringify({ theme: 'dark' })))
      for (const [name, hash] of Object.entries(places)) {
        const { page, problems } = await open(context, kithd, hash)
        await stands(page)
        await page.locator('header .chip.done').waitFor()
        await page.setViewportSize({ width: 690, height: 1000 })
        await page.emulateMedia({ media: 'print' })
        await page.evaluate(() => dispatchEvent(new Event('beforeprint')))
        assert.deepEqual(await drawn(page, 'header.top, nav, .btn, .seg, input, select, .toasts'), [], name)
        const line = await page.locator('main > .print').innerText()
        const day = hash.includes('at=2026-08-20') ? '20 Aug 2026' : /^\S+ · demo · as of (.+) UTC/.exec(line)?.[1]
        assert.match(line, new RegExp(`^Kith · demo · as of ${day} UTC.* · verified to [\\d,]+ · printed on .+, Europe/London$`), name)
        const look = await page.evaluate(() => {
          const style = getComputedStyle(document.querySelector('main h1'))
          const scrolling = [...document.querySelectorAll('main, main *')].filter(one => !one.closest('svg') && /auto|scroll|hidden/.test(getComputedStyle(one).overflowY) && one.scrollHeight > one.clientHeight + 1 && one.checkVisibility() && !one.matches('.sr, .sr *'))
          return { ink: style.color, ground: getComputedStyle(document.documentElement).backgroundColor, scrolling: scrolling.map(one => one.outerHTML.slice(0, 120)), over: document.documentElement.scrollWidth - innerWidth }
        })
        assert.deepEqual(look, { ink: 'rgb(0, 0, 0)', ground: 'rgb(255, 255, 255)', scrolling: [], over: look.over }, name)
        assert.ok(look.over <= 0, `${name}: ${look.over} px too wide`)
        await page.emulateMedia({ media: null })
        if (process.env.E2E_SHOTS && !dark) await page.pdf({ path: join(process.env.E2E_SHOTS, `${name}.pdf`), format: 'A4' })
        assert.deepEqual(problems, [], name)
        await page.close()
      }
      await context.close()
    })
  }

  it('a long table has all its rows, and only those near the window again afterwards', async () => {
    const context = await person(browser, kithd)
    const { page } = await open(context, kithd, places.view)
    await stands(page)
    const rows = () => page.locator('tbody tr[data-row]').count()
    const [before, all] = [await rows(), Number(await page.getByRole('table').getAttribute('aria-rowcount')) - 1]
    assert.ok(before < all)
    await page.evaluate(() => dispatchEvent(new Event('beforeprint')))
    assert.equal(await rows(), all)
    await page.evaluate(() => dispatchEvent(new Event('afterprint')))
    await page.waitForFunction(all => document.querySelectorAll('tbody tr[data-row]').length < all, all)
    await context.close()
  })
})
