// A question and its states, without a page: what an error becomes, and that growth never starves a slow answer.
import { KithError } from 'kith-client'
import { beforeAll, describe, expect, it, vi } from 'vitest'

vi.stubGlobal('location', new URL('http://127.0.0.1/'))
vi.stubGlobal('addEventListener', () => undefined)
vi.stubGlobal('window', { addEventListener: () => undefined })
vi.stubGlobal('document', { addEventListener: () => undefined, hidden: false, documentElement: { dataset: {} } })
vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => undefined })

let store: typeof import('../src/state/store.svelte')
beforeAll(async () => {
  store = await import('../src/state/store.svelte')
})

const refused = (reason: string) => new KithError('refused', reason, { reason })

describe('what an error becomes', () => {
  it.each([
    ['building', refused('VIEW_BUILDING')],
    ['stopped', refused('VIEW_STOPPED')],
    ['gone', refused('VIEW_UNKNOWN')],
    ['gone', refused('PERSON_UNKNOWN')],
    ['refused', refused('PERMISSION_DENIED')],
    ['offline', new KithError('unreachable', 'no')],
    ['offline', new KithError('timed_out', 'no')],
    ['failed', new KithError('server_failed', 'no')],
    ['failed', refused('REQUEST_INVALID')],
    ['failed', new TypeError('no')],
  ])('%s', (state, error) => expect(store.stateOf(error)).toBe(state))
})

/** A call that ends when it is told to. */
function slow() {
  const ends: ((value: number) => void)[] = []
  const call = vi.fn((_: AbortSignal) => new Promise<number>(done => ends.push(done)))
  return { call, end: async (value: number) => (ends.shift()!(value), await Promise.resolve(), await Promise.resolve(), await Promise.resolve()) }
}

it('loading, value, and what was there stays while a new question waits', async () => {
  const answer = new store.Ask<number>()
  const { call, end } = slow()
  answer.ask({ key: 'one', call })
  expect([answer.state, answer.isAsking]).toEqual(['loading', true])
  await end(1)
  expect([answer.state, answer.value, answer.isAsking]).toEqual(['value', 1, false])
  answer.ask({ key: 'two', call })
  expect([answer.state, answer.value, answer.isStale]).toEqual(['value', 1, true])
  await end(2)
  expect([answer.value, answer.isStale]).toEqual([2, false])
})

it('a question that is asked again is not asked twice, a new one aborts the old one', async () => {
  const answer = new store.Ask<number>()
  const { call } = slow()
  answer.ask({ key: 'one', call })
  answer.ask({ key: 'one', call })
  expect(call).toHaveBeenCalledTimes(1)
  answer.ask({ key: 'two', call })
  expect(call.mock.calls[0]![0].aborted).toBe(true)
})

it('growth asks again, but never gives up a call that is on its way', async () => {
  const answer = new store.Ask<number>()
  const { call, end } = slow()
  answer.ask({ key: 'one', call })
  await end(1)
  answer.refresh()
  answer.refresh()
  answer.refresh()
  expect(call).toHaveBeenCalledTimes(2)
  expect(call.mock.calls[1]![0].aborted).toBe(false)
  await end(2)
  expect(answer.value).toBe(2)
  expect(call).toHaveBeenCalledTimes(3)
})

it('a server that is busy is asked again in silence, and the answer is awaited all the while', async () => {
  vi.useFakeTimers()
  const answer = new store.Ask<number>()
  const call = vi.fn(async () => 1).mockRejectedValueOnce(refused('RATE_LIMITED'))
  answer.ask({ key: 'one', call })
  await vi.advanceTimersByTimeAsync(100)
  expect([answer.state, answer.isAsking]).toEqual(['loading', true])
  await vi.advanceTimersByTimeAsync(1000)
  expect([answer.state, answer.value, answer.isAsking]).toEqual(['value', 1, false])
  expect(call).toHaveBeenCalledTimes(2)
  vi.useRealTimers()
})

it('an answer that cannot change is not asked again, and nothing is empty', async () => {
  const answer = new store.Ask<number>()
  const { call, end } = slow()
  answer.ask({ key: 'one', call, isLive: false, isEmpty: value => value === 0 })
  await end(0)
  answer.refresh()
  expect([answer.state, call.mock.calls.length]).toEqual(['empty', 1])
})

it('what is renewed is asked again after its time, and not while the page is hidden', async () => {
  vi.useFakeTimers()
  const answer = new store.Ask<number>()
  const { call, end } = slow()
  answer.ask({ key: 'one', call, renewMs: 1000 })
  await end(1)
  vi.stubGlobal('document', { ...document, hidden: true })
  vi.advanceTimersByTime(3000)
  expect(call).toHaveBeenCalledTimes(1)
  vi.stubGlobal('document', { ...document, hidden: false })
  vi.advanceTimersByTime(1000)
  expect(call).toHaveBeenCalledTimes(2)
  await end(2)
  expect([answer.value, answer.state]).toEqual([2, 'value'])
  answer.stop()
  vi.advanceTimersByTime(3000)
  expect(call).toHaveBeenCalledTimes(2)
  vi.useRealTimers()
})
