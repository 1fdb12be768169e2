// ForceAtlas2 on plain arrays, off the page's thread. The same input gives the same picture: everybody starts at a place
// that follows from their number. The library's own worker is made of a Blob, which the policy forbids; its step is not.
import iterate from 'graphology-layout-forceatlas2/iterate'

export interface Job {
  readonly groups: Uint16Array
  readonly groupCount: number
  /** Three numbers a tie: two people, and its weight. */
  readonly edges: Float32Array
  readonly width: number
  readonly height: number
  /** Widths of the names that must not cover each other; absent where only some are shown. */
  readonly labels?: Float32Array
}

export interface Done {
  /** Two numbers a person, around 0. */
  readonly xy: Float32Array
  readonly isLast: boolean
}

/** Numbers that the library keeps of a node and of an edge. */
const PER_NODE = 10
const PER_EDGE = 3
/** How strongly ties pull across and inside organisations, and everybody to the anchor of their own. */
const ACROSS = 0.12
const INSIDE = 0.6
const HOME = 0.9
const APART = 40
const RADIUS = 21
/** Above this, fewer steps, and pictures on the way. */
const MANY = 800
const STEPS = { few: 900, many: 120, between: 40 }
/** Height of a dot with its name. */
const LABEL_HEIGHT = 37
const GOLDEN_ANGLE = Math.PI * (3 - Math.sqrt(5))

onmessage = ({ data }: MessageEvent<Job>) => {
  const { groups } = data
  const people = groups.length
  const nodes = startPlaces(data)
  const links = makeLinks(data, nodes)
  const settings = {
    linLogMode: false,
    outboundAttractionDistribution: false,
    adjustSizes: false,
    edgeWeightInfluence: 1,
    scalingRatio: APART,
    strongGravityMode: false,
    gravity: 0,
    slowDown: 4,
    barnesHutOptimize: people > MANY,
    barnesHutTheta: 0.8,
  }
  const tell = (isLast: boolean) => {
    const xy = places(nodes, people)
    stretch(xy, data.width, data.height)
    if (data.labels) part(xy, data.labels, data.width, data.height)
    postMessage({ xy, isLast } satisfies Done, { transfer: [xy.buffer] })
  }
  const isLarge = people > MANY
  if (isLarge) tell(false)
  for (let step = 1; step <= (isLarge ? STEPS.many : STEPS.few); step++) {
    iterate(settings, nodes, links)
    if (isLarge && step % STEPS.between === 0) tell(false)
  }
  tell(true)
}

/** Organisations sit around a circle, each on an arc as long as it has people; their people start on a sunflower there. */
function startPlaces({ groups, groupCount, edges }: Job): Float32Array {
  const people = groups.length
  const sizes = new Float64Array(groupCount)
  for (const group of groups) sizes[group]!++
  const order = ring(groups, groupCount, edges)
  const arcs = Array.from(sizes, size => Math.sqrt(size) + 1)
  const round = arcs.reduce((sum, arc) => sum + arc, 0)
  const radius = groupCount < 2 ? 0 : RADIUS * Math.sqrt(people)
  const nodes = new Float32Array((people + groupCount) * PER_NODE)
  let turn = -Math.PI / 2 - (arcs[order[0] ?? 0]! / round) * Math.PI
  for (const group of order) {
    const half = (arcs[group]! / round) * Math.PI
    turn += half
    put(nodes, people + group, radius * Math.cos(turn), -radius * Math.sin(turn), true)
    turn += half
  }
  const seats = new Float64Array(groupCount)
  for (let i = 0; i < people; i++) {
    const anchor = (people + groups[i]!) * PER_NODE
    const seat = seats[groups[i]!]!++
    const far = 9 * Math.sqrt(seat + 0.5)
    put(nodes, i, nodes[anchor]! + far * Math.cos(seat * GOLDEN_ANGLE), nodes[anchor + 1]! + far * Math.sin(seat * GOLDEN_ANGLE), false)
  }
  return nodes
}

/** A node as the library keeps it: x, y, forces, mass, convergence, size, whether it is fixed. */
function put(nodes: Float32Array, node: number, x: number, y: number, isFixed: boolean): void {
  nodes.set([x, y, 0, 0, 0, 0, 1, 1, 4, Number(isFixed)], node * PER_NODE)
}

function makeLinks({ groups, edges }: Job, nodes: Float32Array): Float32Array {
  const [ties, people] = [edges.length / 3, groups.length]
  const links = new Float32Array((ties + people) * PER_EDGE)
  for (let tie = 0; tie < ties; tie++) {
    const [a, b, weight] = edges.subarray(3 * tie, 3 * tie + 3)
    const pull = groups[a!] === groups[b!] ? INSIDE : ACROSS
    links.set([a! * PER_NODE, b! * PER_NODE, weight! * pull], tie * PER_EDGE)
    nodes[a! * PER_NODE + 6]! += 0.6
    nodes[b! * PER_NODE + 6]! += 0.6
  }
  for (let i = 0; i < people; i++) links.set([i * PER_NODE, (people + groups[i]!) * PER_NODE, HOME], (ties + i) * PER_EDGE)
  return links
}

/** Organisations in an order that puts those with many ties beside each other. */
function ring(groups: Uint16Array, groupCount: number, edges: Float32Array): number[] {
  const ties = new Float64Array(groupCount * groupCount)
  for (let at = 0; at < edges.length; at += 3) {
    const [a, b] = [groups[edges[at]!]!, groups[edges[at + 1]!]!]
    if (a === b) continue
    ties[a * groupCount + b]! += edges[at + 2]!
    ties[b * groupCount + a]! += edges[at + 2]!
  }
  const left = new Set(Array.from({ length: groupCount }, (_, group) => group))
  const order: number[] = []
  while (left.size > 0) {
    const last = order.at(-1)
    const weight = (group: number) => (last === undefined ? -group : ties[last * groupCount + group]!)
    const best = [...left].reduce((one, other) => (weight(other) > weight(one) ? other : one))
    order.push(best)
    left.delete(best)
  }
  return order
}

function places(nodes: Float32Array, people: number): Float32Array<ArrayBuffer> {
  const xy = new Float32Array(2 * people)
  for (let i = 0; i < people; i++) xy.set(nodes.subarray(i * PER_NODE, i * PER_NODE + 2), 2 * i)
  return xy
}

/** Stretches a layout to the page's shape: a wide page gets a wide picture. */
function stretch(xy: Float32Array, width: number, height: number): void {
  const [low, high] = [[Infinity, Infinity], [-Infinity, -Infinity]]
  xy.forEach((value, i) => {
    low[i % 2] = Math.min(low[i % 2]!, value)
    high[i % 2] = Math.max(high[i % 2]!, value)
  })
  const fits = [width / (high[0]! - low[0]! || 1), height / (high[1]! - low[1]! || 1)]
  const least = Math.min(...fits)
  xy.forEach((value, i) => (xy[i] = (value - (low[i % 2]! + high[i % 2]!) / 2) * Math.min(fits[i % 2]!, least * 1.7)))
}

/** Moves people apart until no name covers another: each is a box of the name's width, under its dot. */
function part(xy: Float32Array, widths: Float32Array, width: number, height: number): void {
  const limits = [width / 2, height / 2]
  for (let round = 0, moved = true; moved && round < 160; round++) {
    moved = false
    for (let i = 0; i < widths.length; i++) for (let j = i + 1; j < widths.length; j++) moved = push(xy, i, j, (widths[i]! + widths[j]!) / 2 + 8) || moved
    xy.forEach((value, i) => (xy[i] = Math.max(-limits[i % 2]!, Math.min(limits[i % 2]!, value))))
  }
}

function push(xy: Float32Array, i: number, j: number, width: number): boolean {
  const dx = xy[2 * j]! - xy[2 * i]!
  const dy = xy[2 * j + 1]! - xy[2 * i + 1]!
  const over = [width - Math.abs(dx), LABEL_HEIGHT - Math.abs(dy)]
  if (over[0]! <= 0 || over[1]! <= 0) return false
  const axis = over[1]! <= over[0]! * 0.8 ? 1 : 0
  const by = 0.3 * over[axis]! * ((axis ? dy : dx) < 0 ? -1 : 1)
  xy[2 * i + axis]! -= by
  xy[2 * j + axis]! += by
  return true
}
