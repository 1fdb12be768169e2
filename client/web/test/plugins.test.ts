// What a plugin's versions are set to and how each is doing, tokens that end, and figures since the page opened.
import { ViewState, type View } from 'kith-client/gen/view'
import type { PluginVersion } from 'kith-client/gen/plugin'
import { describe, expect, it, vi } from 'vitest'

vi.stubGlobal('location', new URL('http://127.0.0.1/'))

const { pieces, settingsOf, standingOfVersion } = await import('../src/plugins/plugins')
const { endAfter, isValid, quoted, standingOfToken } = await import('../src/access/tokens')
const { Since } = await import('../src/state/since.svelte')

const DAY = 86_400_000

async function all<T>(answers: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const answer of answers) found.push(answer)
  return found
}

describe('settings', () => {
  it('stand beside each other, by their path, and say which differ', () => {
    const found = settingsOf([{ settings: '{"half_life_days":90,"weights":{"met":2}}' }, { settings: '{"half_life_days":30,"pace":8}' }, { settings: '{"half_life_days":30,"pace":8,"weights":{}}' }])
    expect(found).toEqual([
      { name: 'half_life_days', values: ['90', '30', '30'], differs: true },
      { name: 'weights.met', values: ['2', undefined, undefined], differs: true },
      { name: 'pace', values: [undefined, '8', '8'], differs: true },
    ])
  })
  it('nothing is set, or not as JSON', () => {
    expect(settingsOf([{ settings: '{}' }, { settings: '' }])).toEqual([])
    expect(settingsOf([{ settings: 'no' }])).toEqual([{ name: 'settings', values: ['"no"'], differs: false }])
  })
})

describe('how a version is doing', () => {
  const version = (view: Partial<View> | undefined, problem = '') => ({ view: view && { inputs: [], ...view }, problem }) as unknown as PluginVersion
  it.each<[string, string, PluginVersion]>([
    ['running', 'done', version({ state: ViewState.RUNNING })],
    ['being built', 'due', version({ state: ViewState.BUILDING })],
    ['stopped', 'late', version({ state: ViewState.STOPPED })],
    ['paused', 'due', version({ state: ViewState.PAUSED })],
    ['waits for room on the disk', 'late', version({ state: ViewState.WAITING_FOR_ROOM })],
    ['report', '', version({ state: ViewState.RUNNING, inputs: ['strength'] })],
    ['unknown', '', version({ state: 17 as ViewState })],
    ['does not run', 'late', version(undefined, 'its component is missing')],
    ['no view is kept', '', version(undefined)],
  ])('%s', (name, tone, of) => expect(standingOfVersion(of)).toMatchObject({ name, tone, icon: expect.any(String) }))
})

it('an upload says first what it is, and then carries every byte once', async () => {
  const bytes = Uint8Array.from({ length: 600_000 }, (_, i) => i % 251)
  const sent = await all(pieces({ name: 'x' }, new Blob([bytes])))
  expect(sent[0]).toEqual({ plugin: { name: 'x' } })
  expect(sent.slice(1).map(one => [one.plugin, one.data!.length])).toEqual([[undefined, 262_144], [undefined, 262_144], [undefined, 75_712]])
  expect(Buffer.concat(sent.slice(1).map(one => one.data!)).equals(bytes)).toBe(true)
  expect(await all(pieces({ name: 'x' }, undefined))).toHaveLength(1)
})

describe('tokens', () => {
  const at = (ms: number) => ({ seconds: BigInt(ms / 1000), nanos: 0 }) as never
  const now = 1000 * DAY
  it.each<[string, string, boolean, object]>([
    ['valid, without an end', 'done', true, {}],
    ['valid', 'done', true, { expiresAt: at(now + 14 * DAY) }],
    ['ends in 13 d', 'due', true, { expiresAt: at(now + 14 * DAY - 1000) }],
    ['ends within a day', 'due', true, { expiresAt: at(now + 1000) }],
    ['ended', 'late', false, { expiresAt: at(now) }],
    ['revoked', 'late', false, { expiresAt: at(now + DAY), revokedAt: at(now - DAY) }],
  ])('%s', (name, tone, good, token) => {
    expect(standingOfToken(token, now)).toMatchObject({ name, tone })
    expect(isValid(token, now)).toBe(good)
  })
  it('days are whole and more than none; nothing is no end', () => {
    expect([endAfter(' 90 ', now), endAfter('', now)]).toEqual([now + 90 * DAY, undefined])
    for (const no of ['0', '-1', '1.5', 'ten', '1e3', '100000']) expect(endAfter(no, now)).toBe('invalid')
  })
  it('words for a shell are quoted where they have to be', () => {
    expect([quoted('http://127.0.0.1:7420'), quoted('t-abc.token'), quoted("a b'c")]).toEqual(['http://127.0.0.1:7420', 't-abc.token', `'a b'\\''c'`])
  })
})

it('figures since the page opened: rates, shares, and a server that began anew', () => {
  const since = new Since()
  expect([since.rate('entries'), since.rates('entries')]).toEqual([0, []])
  since.add(0, { entries: 10, us: 100, commits: 1 })
  since.add(0, { entries: 99 })
  since.add(2000, { entries: 30, us: 500, commits: 3 })
  since.add(4000, { entries: 30, us: 500, commits: 3 })
  since.add(6000, { entries: 2, us: 0, commits: 0 })
  expect(since.values('entries')).toEqual([10, 30, 30, 2])
  expect(since.rates('entries')).toEqual([10, 0, 0])
  expect(since.shares('us', 'commits')).toEqual([200, 200, 200])
  for (let i = 0; i < 200; i++) since.add(10_000 + i, { entries: i })
  expect(since.values('entries')).toHaveLength(120)
})
