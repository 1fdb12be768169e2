import { describe, expect, it } from 'vitest'
import { bridges, cover, firstMin, matching, singles, type Tie } from '../src/graph/model'
import { hull } from '../src/graph/hull'

/** The least number of people that are in every pair, by trying all. */
function least(pairs: readonly (readonly [number, number])[], people: number): number {
  let fewest = people
  for (let set = 0; set < 1 << people; set++) {
    const size = set.toString(2).replaceAll('0', '').length
    if (size < fewest && pairs.every(([a, b]) => set & (1 << a) || set & (1 << b))) fewest = size
  }
  return fewest
}

const random = (seed: number) => () => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
  return seed / 2 ** 32
}

it('a matching is as large as the fewest people who hold all ties', () => {
  const next = random(7)
  for (let round = 0; round < 300; round++) {
    const [left, right] = [1 + Math.floor(next() * 6), 1 + Math.floor(next() * 6)]
    const pairs: [number, number][] = []
    for (let a = 0; a < left; a++) for (let b = 0; b < right; b++) if (next() < 0.35) pairs.push([a, left + b])
    expect(matching(pairs)).toBe(least(pairs, left + right))
    const holders = cover(pairs)
    expect(holders).toHaveLength(matching(pairs))
    expect(pairs.every(([a, b]) => holders.includes(a) || holders.includes(b))).toBe(true)
  }
})

describe('bridges', () => {
  const groups = Uint16Array.from([0, 0, 1, 1, 2])
  const tie = (a: number, b: number): Tie => ({ a, b, score: 10 })

  it('several ties that share one person hang on that one', () => {
    const found = bridges(groups, 3, [tie(2, 0), tie(3, 0), tie(0, 1)])
    expect(found).toEqual([{ a: 0, b: 1, ties: 2, possible: 4, redundancy: 1, holders: [0] }])
    expect(singles(found)).toHaveLength(1)
  })
  it('one tie hangs on either end and is no single', () => {
    const found = bridges(groups, 3, [tie(4, 1)])
    expect(found[0]).toMatchObject({ redundancy: 1, holders: [1, 4] })
    expect(singles(found)).toEqual([])
  })
  it('ties that share nobody hang on as many people as they are', () => {
    expect(bridges(groups, 3, [tie(0, 2), tie(1, 3)])[0]).toMatchObject({ redundancy: 2, holders: [] })
  })
  it('ties inside an organisation are no bridge', () => expect(bridges(groups, 3, [tie(0, 1), tie(2, 3)])).toEqual([]))
})

it('first shows from 5, more of a dense network and less of a sparse one', () => {
  const ties = (scores: number[]) => scores.map((score, i): Tie => ({ a: i, b: i + 1, score }))
  expect(firstMin(10, ties(Array.from({ length: 20 }, () => 6)))).toBe(5)
  expect(firstMin(2, ties([...Array.from({ length: 30 }, () => 9), 50, 60]))).toBe(10)
  expect(firstMin(10, ties(Array.from({ length: 12 }, () => 3.5)))).toBe(3)
  expect(firstMin(10, [])).toBe(1)
})

it('a hull goes around its points, however few', () => {
  expect(hull([])).toEqual([])
  expect(hull([[1, 1]])).toEqual([[1, 1]])
  expect(hull([[0, 0], [4, 0], [4, 4], [0, 4], [2, 2]])).toHaveLength(4)
})
