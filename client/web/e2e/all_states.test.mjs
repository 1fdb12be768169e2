// Every page in every state that it can have, by a server that answers one call of the page otherwise: the panel says it, and
// nothing else on the page changes. e2e/README.md has the same table for people; it is held to this one.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { answer, message, refusal } from './answers.mjs'
import { launch, open, person } from './browser.mjs'
import { Kithd } from './kithd.mjs'

let kithd, browser, context, pair, erased
before(async () => {
  kithd = await Kithd.start()
  browser = await launch()
  pair = (await kithd.kith(['view', 'strength', '--top', '1']))[0].key
  await kithd.kith(['plugin', 'install', '--builtin', 'strength', '--name', 'strength_30', '--settings', '{"half_life_days":30}'])
  await kithd.kith(['plugin', 'install', '--builtin', 'strength', '--name', 'strength_30', '--settings', '{"half_life_days":90}'])
  await kithd.kith(['hold', 'set', pair[0], '--reason', 'inquiry', '--reference', 'INQ-7'])
  await kithd.kith(['member', 'add', 'service:feeds', '--role', 'reader', '--identity', 'spiffe://kith.example/feeds'])
  erased = (await kithd.kith(['person', 'list'])).find(one => !pair.includes(one.id)).id
  await kithd.kith(['person', 'erase', erased, '--reason', 'withdrawn', '--wait'])
  context = await person(browser, kithd)
})
after(async () => {
  await browser?.close()
  await kithd?.stop()
})

const section = name => page => page.locator('section').filter({ has: page.getByRole('heading', { name, exact: true }) }).locator('.panel')
const only = page => page.locator('main .panel').first()
/** No entry, and none before. */
const noEntries = () => message('log', 'ReadResponse', { end: true })
const aside = page => page.locator('aside .panel').first()

/** What a panel says in each state that comes of an error. */
const SAID = {
  building: /being built: 1,200 of 2,400 entries/,
  stopped: /stopped after faults: division by zero/,
  gone: /Not here: no such thing/,
  refused: /signed in as owner, which may not see this: ask another owner/,
  failed: /the server failed/,
  offline: /Not connected\. Trying again\./,
}
const REFUSALS = {
  building: { code: 14, reason: 'VIEW_BUILDING', message: 'the view is not built yet', metadata: { cursor: '1200', head: '2400' }, retryMs: 60_000 },
  stopped: { code: 14, reason: 'VIEW_STOPPED', message: 'division by zero' },
  gone: { code: 5, reason: 'VIEW_UNKNOWN', message: 'no such thing' },
  refused: { code: 7, reason: 'PERMISSION_DENIED', message: 'ask another owner' },
  failed: { code: 13, reason: '', message: 'INTERNAL' },
}

/** Each page with the call that is answered otherwise (`of` is in its bytes), where its panel is, what stands there, and what
    stands there when there is nothing. `whole` is what stands on a page whose panel is there for errors alone. Panels that show rows of views are also being built, or stopped. */
const PAGES = [
  { name: 'Today', at: () => '#/demo', call: 'ViewService/QueryView', of: 'follow_ups', panel: section('Follow up'), value: 'li', empty: /Every meeting was followed up/, view: 'follow_ups' },
  { name: 'Network', at: () => '#/demo/network', call: 'ViewService/QueryView', of: 'strength', panel: only, value: 'canvas', view: 'strength' },
  { name: 'People', at: () => '#/demo/people', call: 'ViewService/QueryView', of: 'strength', panel: only, whole: 'main tbody tr', view: 'strength' },
  { name: 'Person', at: () => `#/demo/people/${pair[0]}`, call: 'ViewService/QueryView', of: 'strength', panel: aside, value: 'table', empty: /No ties yet/, view: 'strength' },
  { name: 'Person: holds', at: () => `#/demo/people/${pair[0]}`, call: 'RecordsService/ListHolds', panel: page => page.locator('h2:text-is("Their words") + .panel'), value: 'li', empty: /No hold keeps their words/ },
  { name: 'Person: erasure', at: () => `#/demo/people/${erased}`, call: 'RecordsService/GetErasure', panel: page => page.locator('.erasure .panel'), value: '.note' },
  { name: 'Two people: the entries', at: () => `#/demo/pairs/${pair.join('/')}`, call: 'LogService/Read', panel: page => page.locator('main section > .panel'), value: '.chip', empty: /Nothing is recorded/, nothing: noEntries },
  { name: 'Two people: why', at: () => `#/demo/pairs/${pair.join('/')}`, call: 'ViewService/ExplainRow', panel: aside, value: 'h2', views: true },
  { name: 'Organisations', at: () => '#/demo/organisations', call: 'ViewService/QueryView', of: 'bridges', panel: only, value: 'tbody tr', view: 'bridges' },
  { name: 'Organisation', at: () => '#/demo/organisations/mossbridge', call: 'ViewService/QueryView', of: 'bridges', panel: section('Bridges to other organisations'), value: 'tbody tr', empty: /Nobody here is tied to anybody of another organisation yet/, view: 'bridges' },
  { name: 'Two organisations', at: () => '#/demo/organisations/mossbridge/larkspur', call: 'ViewService/ExplainRow', panel: only, value: '.picture', empty: /The report has no row of the two/, views: true },
  { name: 'Follow-ups', at: () => '#/demo/follow-ups', call: 'ViewService/QueryView', of: 'follow_up_latency', panel: page => page.locator('.latency .panel'), value: 'tbody tr', empty: /Nobody of an organisation has met anybody/, view: 'follow_up_latency' },
  { name: 'Introductions', at: () => '#/demo/introductions', call: 'ViewService/QueryView', of: 'referrers', panel: page => page.locator('.referrers .panel'), value: 'tbody tr', empty: /Nobody has introduced anybody yet/, view: 'referrers' },
  { name: 'Views and reports', at: () => '#/demo/views', call: 'ViewService/ListViews', panel: only, value: 'li', empty: /This network has no views yet/ },
  { name: 'A view', at: () => '#/demo/views/strength', call: 'ViewService/QueryView', of: 'strength', panel: only, value: 'tbody tr', empty: /No rows\./, view: 'strength' },
  { name: 'Why', at: () => `#/demo/views/strength/why/${pair.join(',')}`, call: 'ViewService/ExplainRow', panel: only, value: 'dl', views: true },
  { name: 'Log', at: () => '#/demo/log', call: 'LogService/Read', panel: only, value: 'li', empty: /Nothing is recorded here yet/, nothing: noEntries },
  { name: 'Entry', at: () => '#/demo/log/100', call: 'LogService/Read', panel: only, value: '.sentence' },
  { name: 'Audit: an entry', at: () => '#/demo/audit?entry=100', call: 'LogService/Read', panel: only, value: '.note.done' },
  { name: 'Plugins', at: () => '#/demo/plugins', call: 'PluginService/ListPlugins', panel: only, value: 'li', empty: /No plugin is installed/ },
  { name: 'Plugin', at: () => '#/demo/plugins/strength_30', call: 'PluginService/ListPlugins', panel: only, value: '.versions li' },
  { name: 'Plugin: what would change', at: () => '#/demo/plugins/strength_30', call: 'PluginService/DiffPlugin', panel: section('What would change'), value: 'tbody tr', views: true },
  { name: 'Members', at: () => '#/demo/members', call: 'MemberService/ListMembers', panel: only, value: 'tbody tr', empty: /Nobody is a member yet/ },
  { name: 'Access', at: () => '#/demo/access', call: 'NetworkService/ListTokens', panel: only, value: 'tbody tr', empty: /There is no token that you may see/ },
  { name: 'Operations', at: () => '#/operations', call: 'AdminService/GetStatus', panel: only, value: 'tbody tr' },
]
const STATES = ['loading', 'value', 'empty', 'building', 'stopped', 'gone', 'refused', 'offline', 'failed']

/** Whether a page can be in a state. */
function has(page, state) {
  if (state === 'empty') return page.empty !== undefined
  return (state !== 'building' && state !== 'stopped') || page.view !== undefined || page.views === true
}

/** Pages that are used again: a new one costs as much as what it shows. */
const idle = []
async function leave(page) {
  await page.unrouteAll({ behavior: 'ignoreErrors' })
  await page.goto('about:blank')
  idle.push(page)
}

/** Opens a page of the table with its call answered by `answered`. */
async function opened(one, answered) {
  const page = idle.pop() ?? (await context.newPage())
  await page.route(`**/kith.v1.${one.call}`, async route => {
    const isIt = !one.of || route.request().postDataBuffer()?.includes(one.of)
    await (isIt ? answered(route) : route.continue())
  })
  await page.goto(kithd.base + one.at())
  await page.waitForSelector('main h1, main .panel')
  return page
}

/** Waits for what the page is for. */
const stands = (page, one) => (one.whole ? page.locator(one.whole) : one.panel(page).locator(one.value)).first().waitFor()

const drive = {
  async loading(one) {
    let go
    const held = new Promise(done => (go = done))
    const page = await opened(one, async route => (await held, await route.continue()))
    if (one.whole) await page.locator(one.whole).first().waitFor()
    else {
      await one.panel(page).locator('.skeleton').first().waitFor({ state: 'attached' })
      assert.equal(await one.panel(page).first().getAttribute('aria-busy'), 'true')
    }
    go()
    await stands(page, one)
    return page
  },
  async value(one) {
    const page = await opened(one, route => route.continue())
    await stands(page, one)
    assert.equal(await page.locator('.panel > .state').count(), 0)
    return page
  },
  async empty(one) {
    const page = await opened(one, async route => route.fulfill(one.nothing ? await one.nothing() : answer(Buffer.alloc(0))))
    await one.panel(page).getByText(one.empty).first().waitFor()
    return page
  },
  async offline(one) {
    let isDown = true
    const page = await opened(one, route => (isDown ? route.abort() : route.continue()))
    await one.panel(page).getByText(SAID.offline).first().waitFor()
    isDown = false
    await one.panel(page).getByText(SAID.offline).first().waitFor({ state: 'detached', timeout: 15_000 })
    await stands(page, one)
    return page
  },
}
for (const state of Object.keys(REFUSALS)) {
  drive[state] = async one => {
    const page = await opened(one, route => route.fulfill(refusal(REFUSALS[state])))
    await one.panel(page).getByText(SAID[state]).first().waitFor()
    const shown = one.panel(page).locator(':scope > .state').first()
    assert.equal(await shown.locator('svg').count(), 1, 'an icon beside the words')
    if (state === 'stopped') assert.equal(await shown.getByRole('link').getAttribute('href'), one.view ? `#/demo/plugins/${one.view}` : '#/demo/plugins')
    if (state === 'building') assert.equal(await shown.locator('progress').getAttribute('value'), '1200')
    if (state === 'failed') await shown.getByRole('button', { name: 'Try again' }).waitFor()
    return page
  }
}

for (const one of PAGES) {
  // What is not connected waits for the console to try again: other cells use that time.
  describe(one.name, { concurrency: 3 }, () => {
    for (const state of STATES.filter(state => has(one, state))) {
      it(state, async () => {
        const page = await drive[state](one)
        assert.ok((await page.locator('nav a').count()) > 8, 'the frame stands')
        await leave(page)
      })
    }
  })
}

it('the table for people is this one', async () => {
  const head = `| page | ${STATES.join(' | ')} |\n|---|${STATES.map(() => ':-:').join('|')}|\n`
  const table = head + PAGES.map(one => `| ${one.name} | ${STATES.map(state => (has(one, state) ? '✓' : '–')).join(' | ')} |\n`).join('')
  const readme = await readFile(new URL('README.md', import.meta.url), 'utf8')
  assert.ok(readme.includes(table), `e2e/README.md has another table than:\n${table}`)
})

describe('what concerns more than a panel', () => {
  const today = PAGES[0]

  it('the other panels do not care', async () => {
    const page = await drive.failed(today)
    await page.locator('section li').nth(3).waitFor()
    await page.close()
  })

  it('a server that is busy is asked again in silence', async () => {
    let left = 2
    const page = await opened(today, route => (left-- > 0 ? route.fulfill(refusal({ code: 8, reason: 'RATE_LIMITED', message: 'slow down', retryMs: 200 })) : route.continue()))
    await today.panel(page).locator('li').first().waitFor({ timeout: 10_000 })
    assert.doesNotMatch(await page.locator('main').innerText(), /slow down/)
    await page.close()
  })

  it('a session that ends leads to sign in with the way back', async () => {
    const page = await context.newPage()
    await page.route('**/kith.v1.ViewService/QueryView', route => route.fulfill(refusal({ code: 16, reason: 'TOKEN_INVALID', message: 'the token was revoked' })))
    await page.goto(`${kithd.base}#/demo`)
    await page.getByText('You were signed out: the token was revoked').waitFor()
    assert.match(decodeURIComponent(new URL(page.url()).hash), /^#\/login\?to=#\/demo$/)
    await page.close()
  })

  it('a chunk of another build says to reload, and never mixes two', async () => {
    const { page } = await open(context, kithd, '#/demo')
    await page.route('**/assets/People-*.js', route => route.fulfill({ status: 404 }))
    await page.getByRole('link', { name: 'People' }).click()
    await page.getByText('Kith was updated.').waitFor()
    await page.close()
  })
})
