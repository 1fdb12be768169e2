// A real Chromium, signed in, that remembers everything that should not have happened.
import { readFile } from 'node:fs/promises'
import { chromium } from 'playwright-core'
import assert from 'node:assert/strict'

const axe = await readFile(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8')
const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--enable-unsafe-swiftshader']
/** What the software renderer of a machine without a graphics card says of itself. */
const NOISE = /GPU stall due to ReadPixels|GroupMarkerNotSet/

export const launch = () => chromium.launch({ executablePath: process.env.E2E_CHROMIUM ?? '/usr/bin/chromium', args })

/** A browser of one person: cookies of its own. */
export async function person(browser, kithd, { token = kithd.token, width = 1440, height = 900, dark = false, ...more } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? 'dark' : 'light', locale: 'en-GB', timezoneId: 'Europe/London', ...more })
  if (token) {
    const answer = await context.request.post(`${kithd.base}session`, { headers: { authorization: `Bearer ${token}`, 'x-kith-console': '1' } })
    assert.equal(answer.status(), 204, await answer.text())
  }
  return context
}

/** Opens an address; `problems` fills with whatever a page should never do. */
export async function open(context, kithd, hash) {
  const page = await context.newPage()
  const problems = []
  page.on('console', message => NOISE.test(message.text()) || problems.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', error => problems.push(`error: ${error.message}`))
  page.on('request', request => request.url().startsWith(kithd.base) || /^(data|blob):/.test(request.url()) || problems.push(`request: ${request.url()}`))
  await page.goto(kithd.base + hash)
  await settled(page)
  return { page, problems }
}

/** Waits until no panel waits. */
export async function settled(page) {
  await page.waitForSelector('main')
  await page.waitForFunction(() => !document.querySelector('[aria-busy=true]') && !document.querySelector('[data-placed=false]'), null, { timeout: 30_000 })
  await page.waitForTimeout(150)
}

/** Every violation of WCAG 2.2 AA and of best practice, as text. `bypassCSP` must be set: axe is no part of the page. */
export async function violations(page) {
  await page.evaluate(axe)
  const found = await page.evaluate(() => globalThis.axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }))
  return found.violations.flatMap(one => one.nodes.map(node => `${one.id}: ${node.html.slice(0, 160)}: ${node.failureSummary}`))
}

/** Waits for the page's own code, then for its panels. */
export async function stands(page) {
  await page.waitForSelector('main h1')
  await settled(page)
}

/** Holds pages to a width of 320 px, which is a zoom of 400 %: nothing needs sideways scrolling. */
export async function fit(browser, kithd, places) {
  const context = await person(browser, kithd, { width: 320, height: 640 })
  for (const hash of places) {
    const { page } = await open(context, kithd, hash)
    const over = await page.evaluate(() => Math.max(document.documentElement.scrollWidth - innerWidth, ...Array.from(document.querySelectorAll('main, dialog'), area => area.scrollWidth - area.clientWidth)))
    assert.ok(over <= 0, `${hash}: ${over} px too wide`)
    await page.close()
  }
  await context.close()
}

/** Holds pages to what holds for every page: nothing in the console, no request to others, the same text and address after a
    reload, nothing for axe to find, nothing too wide; light, dark and 390 px. `changing` is what moves by itself. */
export async function hold(browser, kithd, places, changing = '') {
  const read = page => page.evaluate(() => document.querySelector('main').innerText).then(text => text.replace(changing, ''))
  for (const look of [{}, { dark: true }, { width: 390, height: 844 }]) {
    const context = await person(browser, kithd, { ...look, bypassCSP: true })
    for (const hash of places) {
      const { page, problems } = await open(context, kithd, hash)
      await stands(page)
      const first = await read(page)
      await page.reload()
      await stands(page)
      assert.equal(await read(page), first, hash)
      assert.equal(new URL(page.url()).hash, hash)
      assert.deepEqual(await violations(page), [], hash)
      assert.deepEqual(problems, [], hash)
      const over = await page.evaluate(() => document.querySelector('main').scrollWidth - document.querySelector('main').clientWidth)
      assert.ok(over <= 0, `${hash}: ${over} px too wide`)
      await page.close()
    }
    await context.close()
  }
}
