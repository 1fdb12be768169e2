import { describe, expect, it, vi } from 'vitest'
import { ladder, partnerOf, sideOf, standings } from '../src/state/bridges'
import type { Row } from '../src/state/rows'

vi.mock('../src/state/server', () => ({ server: {} }))

const row = (a: string, b: string, values: Row['values']): Row => ({ key: [a, b], item: 0, evidence: 0, values })
const rows = [
  row('moss', 'moss', { people_a: 17, ties: 12, density: 0.1 }),
  row('moss', 'lark', { ties: 5, redundancy: 1, people_a: 17, people_b: 11, tied_a: 1, tied_b: 5 }),
  row('moss', 'fern', { ties: 28, redundancy: 9 }),
  row('moss', 'none', { ties: 0, redundancy: 0 }),
  row('fern', 'lark', { ties: 3, redundancy: 2 }),
]

describe('standings', () => {
  it('sums what rows say of an organisation, the weakest bridge first', () => {
    const moss = standings(rows).get('moss')!
    expect(moss).toMatchObject({ people: 17, inside: 12, density: 0.1, across: 33, silent: ['none'] })
    expect(moss.bridges.map(bridge => partnerOf(bridge, 'moss'))).toEqual(['lark', 'fern'])
  })
  it('knows organisations without a row of their own', () => {
    expect(standings(rows).get('lark')).toMatchObject({ people: undefined, inside: 0, across: 8 })
    expect(standings(rows).get('none')).toMatchObject({ across: 0, bridges: [], silent: ['moss'] })
    expect(standings([]).size).toBe(0)
  })
  it('has figures by the side that an organisation stands on', () => {
    const bridge = rows[1]!
    expect([sideOf(bridge, 'moss', 'people'), sideOf(bridge, 'lark', 'people'), sideOf(bridge, 'lark', 'tied')]).toEqual([17, 11, 5])
    expect(sideOf(rows[2]!, 'fern', 'people')).toBeUndefined()
  })
})

describe('ladder', () => {
  it('puts the strongest first, and others near those they are tied to', () => {
    const { left, right, lines } = ladder([{ a: 'ada', b: 'zoe', score: 3 }, { a: 'bram', b: 'yan', score: 40 }, { a: 'bram', b: 'xia', score: 10 }, { a: 'ada', b: 'xia', score: 1 }])
    expect(left).toEqual(['bram', 'ada'])
    expect(right).toEqual(['yan', 'xia', 'zoe'])
    expect(lines[0]).toEqual({ from: 1, to: 2, score: 3 })
    expect(lines).toHaveLength(4)
  })
  it('of nothing is empty', () => expect(ladder([])).toEqual({ left: [], right: [], lines: [] }))
})
