// Every state of a panel, by a server that refuses one call of the page: the panel says it, and nothing else on the page
// changes. The refusals are those of the server, byte for byte as it sends them.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { launch, open, person } from './browser.mjs'
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

const bytes = (field, value) => Buffer.concat([Buffer.from([(field << 3) | 2, value.length]), Buffer.from(value)])
const any = (type, value) => bytes(3, Buffer.concat([bytes(1, `type.googleapis.com/google.rpc.${type}`), bytes(2, value)]))

/** A refusal in gRPC-web: the status in the headers, with its details. */
function refusal({ code, reason, message, metadata = {}, retryMs }) {
  const pairs = Object.entries(metadata).map(([key, value]) => bytes(3, Buffer.concat([bytes(1, key), bytes(2, value)])))
  const info = any('ErrorInfo', Buffer.concat([bytes(1, reason), bytes(2, 'kith.v1'), ...pairs]))
  const nanos = (retryMs ?? 0) * 1e6
  const varint = Buffer.from(Array.from({ length: 5 }, (_, i) => ((nanos / 2 ** (7 * i)) & 0x7f) | (i < 4 ? 0x80 : 0)))
  const retry = retryMs ? any('RetryInfo', bytes(1, Buffer.concat([Buffer.from([0x10]), varint]))) : Buffer.alloc(0)
  const status = Buffer.concat([Buffer.from([0x08, code]), bytes(2, message), info, retry])
  return { status: 200, headers: { 'content-type': 'application/grpc-web+proto', 'grpc-status': String(code), 'grpc-message': encodeURIComponent(message), 'grpc-status-details-bin': status.toString('base64').replace(/=+$/, '') } }
}

/** Today with the questions to one view refused. */
async function refused(context, answer) {
  const page = await context.newPage()
  await page.route('**/kith.v1.ViewService/QueryView', async route => {
    const asksForIt = route.request().postDataBuffer()?.includes('follow_ups')
    if (asksForIt) await route.fulfill(typeof answer === 'function' ? answer() : answer)
    else await route.continue()
  })
  await page.goto(`${kithd.base}#/demo`)
  await page.getByRole('heading', { name: 'Help' }).waitFor()
  return page
}
const panel = page => page.locator('section').filter({ has: page.getByRole('heading', { name: 'Follow up' }) })

describe('a panel says in which state it is, and the others do not care', () => {
  const cases = [
    ['building', { code: 14, reason: 'VIEW_BUILDING', message: 'the view is not built yet', metadata: { cursor: '1200', head: '2400' }, retryMs: 60_000 }, /being built: 1,200 of 2,400 entries/],
    ['stopped', { code: 14, reason: 'VIEW_STOPPED', message: 'division by zero' }, /stopped after faults: .*division by zero/],
    ['gone', { code: 5, reason: 'VIEW_UNKNOWN', message: 'no view follow_ups' }, /Not here: no view follow_ups/],
    ['refused', { code: 7, reason: 'PERMISSION_DENIED', message: 'ask an owner' }, /signed in as owner.*ask an owner/s],
    ['failed', { code: 3, reason: 'REQUEST_INVALID', message: 'sort: no such column' }, /sort: no such column/],
    ['failed, without a reason', { code: 13, reason: '', message: 'INTERNAL' }, /failed|INTERNAL/],
  ]
  for (const [state, answer, words] of cases) {
    it(state, async () => {
      const context = await person(browser, kithd)
      const page = await refused(context, refusal(answer))
      await panel(page).getByText(words).waitFor({ timeout: 10_000 })
      assert.ok((await page.locator('section li').count()) > 3, 'the other panels have their rows')
      await context.close()
    })
  }

  it('offline, and back by itself', async () => {
    const context = await person(browser, kithd)
    let isDown = true
    const page = await context.newPage()
    await page.route('**/kith.v1.ViewService/QueryView', route => (isDown ? route.abort() : route.continue()))
    await page.goto(`${kithd.base}#/demo`)
    await panel(page).getByText('Not connected. Trying again.').waitFor()
    isDown = false
    await panel(page).locator('li').first().waitFor({ timeout: 10_000 })
    await context.close()
  })

  it('a server that is busy is asked again in silence', async () => {
    const context = await person(browser, kithd)
    let left = 2
    const page = await context.newPage()
    await page.route('**/kith.v1.ViewService/QueryView', route => (left-- > 0 ? route.fulfill(refusal({ code: 8, reason: 'RATE_LIMITED', message: 'slow down', retryMs: 200 })) : route.continue()))
    await page.goto(`${kithd.base}#/demo`)
    await panel(page).locator('li').first().waitFor({ timeout: 10_000 })
    assert.doesNotMatch(await page.locator('main').innerText(), /slow down/)
    await context.close()
  })

  it('a session that ends leads to sign in with the way back', async () => {
    const context = await person(browser, kithd)
    const page = await context.newPage()
    await page.route('**/kith.v1.ViewService/QueryView', route => route.fulfill(refusal({ code: 16, reason: 'TOKEN_INVALID', message: 'the token was revoked' })))
    await page.goto(`${kithd.base}#/demo`)
    await page.getByText('You were signed out: the token was revoked').waitFor()
    assert.match(decodeURIComponent(new URL(page.url()).hash), /^#\/login\?to=#\/demo$/)
    await context.close()
  })
})

it('a chunk of another build says to reload, and never mixes two', async () => {
  const context = await person(browser, kithd)
  const { page } = await open(context, kithd, '#/demo')
  await page.route('**/assets/People-*.js', route => route.fulfill({ status: 404 }))
  await page.getByRole('link', { name: 'People' }).click()
  await page.getByText('Kith was updated.').waitFor()
  await context.close()
})
