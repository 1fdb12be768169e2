// A real Chromium, signed in, that remembers everything that should not have happened.
import { readFile } from 'node:fs/promises'
import assert from 'node:assert/strict'

const axe = await readFile(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8')
/** What the software renderer of a machine without a graphics card says of itself. */
const NOISE = /GPU stall due to ReadPixels|GroupMarkerNotSet/

export { launch } from './chromium.mjs'

/** A browser of one person: cookies of its own. */
export async function person(browser, kithd, { token = kithd.token, width = 1440, height = 900, dark = false, ...more } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? 'dark' : 'light', locale: 'en-GB', timezoneId: 'Europe/London', ...more })
  context.on('page', count)
  if (token) {
    const answer = await context.request.post(`${kithd.base}session`, { headers: { authorization: `Bearer ${token}`, 'x-kith-console': '1' } })
    assert.equal(answer.status(), 204, await answer.text())
  }
  return context
}

/** What each page has asked for and has no answer to. The stream of the log never ends, and counts for nothing. */
const unanswered = new WeakMap()
function count(page) {
  const waiting = new Set()
  unanswered.set(page, waiting)
  page.on('request', request => request.url().endsWith('/Subscribe') || waiting.add(request))
  for (const end of ['requestfinished', 'requestfailed']) page.on(end, request => waiting.delete(request))
}

/** Opens an address; `problems` fills with whatever a page should never do. */
export async function open(context, kithd, hash) {
  const page = await context.newPage()
  const problems = []
  page.on('console', message => NOISE.test(message.text()) || problems.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', error => problems.push(`error: ${error.message}`))
  page.on('request', request => request.url().startsWith(kithd.base) || /^(data|blob|about):/.test(request.url()) || problems.push(`request: ${request.url()}`))
  await page.goto(kithd.base + hash)
  await settled(page)
  return { page, problems }
}

const SETTLED_MS = 30_000
/** Waits until no panel waits, nothing is asked for, and what was answered is drawn. */
export async function settled(page) {
  await page.waitForSelector('main')
  const until = Date.now() + SETTLED_MS
  for (let quiet = 0; quiet < 2; ) {
    await page.waitForFunction(() => !document.querySelector('[aria-busy=true]') && !document.querySelector('[data-placed=false]'), null, { timeout: SETTLED_MS })
    await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))))
    quiet = unanswered.get(page)?.size ? 0 : quiet + 1
    if (Date.now() > until) throw new Error(`not answered: ${Array.from(unanswered.get(page), request => request.url())}`)
  }
}

/** What axe holds pages to. */
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
/** What may differ between two palettes of one page. */
export const COLOURS = ['color-contrast', 'link-in-text-block']

/** Every violation of WCAG 2.2 AA and of best practice, as text; `rules` names a few. `bypassCSP` must be set: axe is no part
    of the page. */
export async function violations(page, rules) {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe)
  const runOnly = rules ? { type: 'rule', values: rules } : { type: 'tag', values: TAGS }
  // Paths of elements, and what is right, are read by nobody; what axe would fetch, the page has loaded.
  const found = await page.evaluate(async runOnly => {
    // Colours on their way to others are none of the page's.
    const ending = document.getAnimations().filter(one => one.playState === 'running' && Number.isFinite(one.effect?.getComputedTiming().endTime))
    await Promise.allSettled(ending.map(one => one.finished))
    return globalThis.axe.run({ runOnly, resultTypes: ['violations'], selectors: false, preload: false })
  }, runOnly)
  return found.violations.flatMap(one => one.nodes.map(node => `${one.id}: ${node.html.slice(0, 160)}: ${node.failureSummary}`))
}

/** Waits for the page's own code, then for its panels. */
export async function stands(page) {
  await page.waitForSelector('main h1')
  await settled(page)
}

/** What moves by itself in the frame of every page. */
const FRAME = /verified to [\d,]+|checking|\d+ min ago|just now/g

/** The page as read, without what moves by itself. */
const read = (page, changing) => page.evaluate(() => document.body.innerText).then(text => text.replace(FRAME, '').replace(changing, ''))

/** By how many pixels a page, or an area of it, is too wide. */
const over = page => page.evaluate(() => Math.max(document.documentElement.scrollWidth - innerWidth, ...Array.from(document.querySelectorAll('main, dialog'), area => area.scrollWidth - area.clientWidth)))

/** Widths at which a page is held: a desk, a telephone, and a zoom of 400 %. */
const WIDE = { width: 1440, height: 900 }
const NARROW = { width: 390, height: 844 }
const ZOOMED = { width: 320, height: 640 }

/** Shows a page in a size, in which nothing is too wide; gives its text. */
async function sized(page, size, hash, changing) {
  await page.setViewportSize(size)
  await settled(page)
  const wide = await over(page)
  assert.ok(wide <= 0, `${hash}: ${wide} px too wide at ${size.width} px`)
  return read(page, changing)
}

/** Holds pages to what holds for every page: nothing in the console, no request to others, the same text and address after a
    reload, nothing for axe to find, nothing too wide; light, dark, 390 px, and 320 px, which is a zoom of 400 %. `changing` is
    what moves by itself. A page is loaded twice, once before all of that and once within. */
export async function hold(browser, kithd, places, changing = '') {
  const context = await person(browser, kithd, { ...WIDE, bypassCSP: true })
  // One tab for all: a new one each would be as much work as the page.
  const { page, problems } = await open(context, kithd, places[0])
  for (const hash of places) {
    if (hash !== places[0]) {
      await page.goto('about:blank')
      await page.goto(kithd.base + hash)
    }
    await stands(page)
    const wide = await sized(page, WIDE, hash, changing)
    assert.deepEqual(await violations(page), [], hash)
    await page.emulateMedia({ colorScheme: 'dark' })
    assert.deepEqual(await violations(page, COLOURS), [], `${hash}, dark`)
    await page.emulateMedia({ colorScheme: 'light' })
    await sized(page, ZOOMED, hash, changing)
    const narrow = await sized(page, NARROW, hash, changing)
    assert.deepEqual(await violations(page), [], `${hash}, ${NARROW.width} px`)

    await page.reload()
    await stands(page)
    assert.equal(new URL(page.url()).hash, hash, `${hash}: the address stays`)
    assert.equal(await sized(page, NARROW, hash, changing), narrow, `${hash}: the same after a reload, ${NARROW.width} px`)
    assert.equal(await sized(page, WIDE, hash, changing), wide, `${hash}: the same after a reload`)
    assert.deepEqual(problems, [], hash)
  }
  await context.close()
}
