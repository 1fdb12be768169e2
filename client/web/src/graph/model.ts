// What the graph page knows: people in groups (organisations), ties between them, and what hangs on whom. Plain numbers:
// a person and a group are indexes.

export interface Tie {
  readonly a: number
  readonly b: number
  readonly score: number
}

export interface Bridge {
  /** Two groups, the lower index first. */
  readonly a: number
  readonly b: number
  /** Tied pairs of people. */
  readonly ties: number
  /** All pairs that could be tied. */
  readonly possible: number
  /** People to lose until nobody across is tied. */
  readonly redundancy: number
  /** On whom all ties hang, if that is one person: both ends if it is one tie. */
  readonly holders: readonly number[]
}

/** Of each pair of groups that is tied: on how many people its ties hang. The weakest come first. */
export function bridges(groups: ArrayLike<number>, groupCount: number, ties: readonly Tie[]): Bridge[] {
  const sizes = new Array<number>(groupCount).fill(0)
  for (let i = 0; i < groups.length; i++) sizes[groups[i]]++
  const across = new Map<number, [number, number][]>()
  for (const tie of ties) {
    const [a, b] = groups[tie.a] < groups[tie.b] ? [tie.a, tie.b] : [tie.b, tie.a]
    if (groups[a] === groups[b]) continue
    const key = groups[a] * groupCount + groups[b]
    const pairs = across.get(key)
    if (pairs) pairs.push([a, b])
    else across.set(key, [[a, b]])
  }
  const found = Array.from(across, ([key, pairs]): Bridge => {
    const [a, b] = [Math.floor(key / groupCount), key % groupCount]
    const redundancy = matching(pairs)
    return { a, b, ties: pairs.length, possible: sizes[a]! * sizes[b]!, redundancy, holders: redundancy === 1 ? holdersOf(pairs) : [] }
  })
  return found.sort((x, y) => x.redundancy - y.redundancy || x.ties - y.ties || x.a - y.a || x.b - y.b)
}

/** The people who are in every pair. */
function holdersOf(pairs: readonly [number, number][]): number[] {
  return pairs[0]!.filter(person => pairs.every(pair => pair.includes(person)))
}

/** The size of a maximum matching of two sides: as many people cover all pairs (König 1931), so as many hold them. */
export const matching = (pairs: readonly (readonly [number, number])[]): number => matched(pairs).mate.size

/** The fewest people who are in every pair: those of the first side that a path of a maximum matching does not reach from
 * a person without a mate, and those of the second that it does. */
export function cover(pairs: readonly (readonly [number, number])[]): number[] {
  const { next, mate } = matched(pairs)
  const hasMate = new Set(mate.values())
  const [reached, others] = [new Set<number>(), new Set<number>()]
  const waiting = [...next.keys()].filter(a => !hasMate.has(a))
  for (let a = waiting.pop(); a !== undefined; a = waiting.pop()) {
    reached.add(a)
    for (const b of next.get(a)!) {
      others.add(b)
      const back = mate.get(b)
      if (back !== undefined && !reached.has(back)) waiting.push(back)
    }
  }
  return [...[...next.keys()].filter(a => !reached.has(a)), ...others]
}

function matched(pairs: readonly (readonly [number, number])[]): { next: Map<number, number[]>; mate: Map<number, number> } {
  const next = new Map<number, number[]>()
  const mate = new Map<number, number>()
  for (const [a, b] of pairs) {
    const others = next.get(a)
    if (others) others.push(b)
    else next.set(a, [b])
  }
  const grow = (a: number, seen: Set<number>): boolean => {
    for (const b of next.get(a)!) {
      if (seen.has(b)) continue
      seen.add(b)
      const other = mate.get(b)
      if (other === undefined || grow(other, seen)) {
        mate.set(b, a)
        return true
      }
    }
    return false
  }
  for (const a of next.keys()) grow(a, new Set())
  return { next, mate }
}

/** Bridges of several ties that hang on one person: at most six, those of most ties first. */
export const singles = (found: readonly Bridge[]): Bridge[] =>
  found.filter(bridge => bridge.redundancy === 1 && bridge.ties > 1).sort((x, y) => y.ties - x.ties).slice(0, 6)

const MIN = 5

/** From which strength ties are shown first: 5, more where that leaves over 3 ties a person, less where it leaves under 1. */
export function firstMin(people: number, ties: readonly Tie[]): number {
  const left = (min: number) => ties.reduce((count, tie) => count + Number(tie.score >= min), 0)
  let min = MIN
  while (min < 100 && left(min) > 3 * people) min++
  while (min > 1 && min <= MIN && left(min) < people) min--
  return min
}

/** Each person's ties, strongest first. */
export function tiesOf(person: number, ties: readonly Tie[]): Tie[] {
  return ties.filter(tie => tie.a === person || tie.b === person).sort((x, y) => y.score - x.score)
}

export const otherEnd = (tie: Tie, person: number): number => (tie.a === person ? tie.b : tie.a)
