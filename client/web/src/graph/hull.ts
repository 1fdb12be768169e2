// The ground of an organisation: the outline of the nearest 93 % of its people, computed once per layout.

export type Point = readonly [number, number]

const KEPT = 0.93
const ALL_MAX = 30

export function hull(points: readonly Point[]): Point[] {
  const sorted = [...nearest(points)].sort((a, b) => a[0] - b[0] || a[1] - b[1])
  if (sorted.length < 3) return sorted
  return [...half(sorted), ...half(sorted.reverse())]
}

function nearest(points: readonly Point[]): readonly Point[] {
  if (points.length < ALL_MAX) return points
  const middle = [0, 1].map(axis => points.reduce((sum, point) => sum + point[axis]!, 0) / points.length)
  const far = (point: Point) => Math.hypot(point[0] - middle[0]!, point[1] - middle[1]!)
  const limit = points.map(far).sort((a, b) => a - b)[Math.floor(points.length * KEPT)]!
  return points.filter(point => far(point) <= limit)
}

/** One side of the outline (Andrew 1979). */
function half(sorted: readonly Point[]): Point[] {
  const side: Point[] = []
  for (const point of sorted) {
    while (side.length > 1 && turn(side.at(-2)!, side.at(-1)!, point) <= 0) side.pop()
    side.push(point)
  }
  side.pop()
  return side
}

const turn = (o: Point, a: Point, b: Point): number => (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0])
