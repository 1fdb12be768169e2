// What the report `bridges` says of organisations, and what their ties across look like.
import { figure, number, type Row } from './rows'

/** One organisation between the others. */
export interface Standing {
  readonly id: string
  /** Its people; undefined where the report has no row of it alone. */
  people: number | undefined
  /** Tied pairs of its own people, and their share of all possible ones. */
  inside: number
  density: number
  /** Ties to people of other organisations. */
  across: number
  /** Its rows with others that it is tied to, the weakest first. */
  readonly bridges: Row[]
  /** Others that have people and that it is not tied to. */
  readonly silent: string[]
}

/** Every organisation that the rows name. */
export function standings(rows: readonly Row[]): Map<string, Standing> {
  const all = new Map<string, Standing>()
  const of = (id: string) => {
    const one = all.get(id) ?? { id, people: undefined, inside: 0, density: 0, across: 0, bridges: [], silent: [] }
    all.set(id, one)
    return one
  }
  for (const row of rows) {
    const [a = '', b = ''] = row.key
    const ties = number(row, 'ties')
    if (a === b) {
      Object.assign(of(a), { people: number(row, 'people_a'), inside: ties, density: number(row, 'density') })
      continue
    }
    for (const [id, partner] of [[a, b], [b, a]] as const) {
      const one = of(id)
      one.across += ties
      if (ties > 0) one.bridges.push(row)
      else one.silent.push(partner)
    }
  }
  for (const one of all.values()) one.bridges.sort((x, y) => number(x, 'redundancy') - number(y, 'redundancy') || number(x, 'ties') - number(y, 'ties'))
  return all
}

/** The other organisation of a row. */
export const partnerOf = (row: Row, id: string): string => row.key.find(one => one !== id) ?? id

/** A figure of the first or second organisation of a row, by its name without `_a` or `_b`. */
export const sideOf = (row: Row, id: string, name: 'people' | 'tied'): number | undefined => figure(row, `${name}_${row.key[0] === id ? 'a' : 'b'}`)

/** Two people who are tied, the first of the first organisation. */
export interface Across {
  readonly a: string
  readonly b: string
  readonly score: number
}

export interface Ladder {
  readonly left: readonly string[]
  readonly right: readonly string[]
  /** Ties between the two, by their places. */
  readonly lines: readonly { readonly from: number; readonly to: number; readonly score: number }[]
}

/** Two columns of people and the ties between them: whoever has most strength across stands first, and the others stand
 * near those they are tied to, so that few lines cross. */
export function ladder(ties: readonly Across[]): Ladder {
  const sums = new Map<string, number>()
  for (const { a, score } of ties) sums.set(a, (sums.get(a) ?? 0) + score)
  const left = [...sums.keys()].sort((x, y) => sums.get(y)! - sums.get(x)!)
  const placeOf = new Map(left.map((id, i) => [id, i]))
  const weights = new Map<string, [number, number]>()
  for (const { a, b, score } of ties) {
    const [sum, weight] = weights.get(b) ?? [0, 0]
    weights.set(b, [sum + score * placeOf.get(a)!, weight + score])
  }
  const middle = (id: string) => weights.get(id)![0] / weights.get(id)![1]
  const right = [...weights.keys()].sort((x, y) => middle(x) - middle(y))
  const otherPlace = new Map(right.map((id, i) => [id, i]))
  return { left, right, lines: ties.map(({ a, b, score }) => ({ from: placeOf.get(a)!, to: otherPlace.get(b)!, score })) }
}
