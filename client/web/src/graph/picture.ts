// The drawing: sigma for people and ties, two canvases of our own for the ground of each organisation and for rings. It
// holds no state of the page: it is told what to show, and says what was pointed at.
import Graph from 'graphology'
import Sigma from 'sigma'
import { hull, type Point } from './hull'
import { mixed, readColours, type Colours } from './colours'
import type { Bridge, Tie } from './model'

export interface Look {
  readonly focus: number | undefined
  readonly hover: number | undefined
  readonly onlyAcross: boolean
  /** Groups that are not shown. */
  readonly hidden: ReadonlySet<number>
  readonly bridge: Bridge | undefined
  /** Bridges that hang on one person. */
  readonly singles: readonly Bridge[]
}

export interface Cast {
  readonly names: readonly string[]
  readonly groups: Uint16Array
  readonly groupNames: readonly string[]
  /** For places that the whole name does not fit. */
  readonly groupShorts: readonly string[]
  /** Colour of each group, 0 to 7; -1 for people of no organisation. */
  readonly groupColours: readonly number[]
}

/** What is drawn now, in places of the box: for paper, which takes no canvas of WebGL. */
export interface Drawn {
  readonly width: number
  readonly height: number
  readonly ties: readonly { readonly path: string; readonly colour: string; readonly width: number }[]
  readonly people: readonly { readonly x: number; readonly y: number; readonly r: number; readonly colour: string; readonly name: string }[]
}

export interface Pointed {
  pick(person: number | undefined): void
  hover(person: number | undefined): void
  open(person: number): void
}

interface NodeData {
  x: number
  y: number
  size: number
  label: string | null
  color: string
  group: number
  isIdle: boolean
}
interface EdgeData {
  a: number
  b: number
  size: number
  isAcross: boolean
}

/** Left, top, right, bottom. */
type Box = readonly [number, number, number, number]

const LARGE = 800
const NARROW_PX = 620
const FIRST: Look = { focus: undefined, hover: undefined, onlyAcross: false, hidden: new Set(), bridge: undefined, singles: [] }

export class Picture {
  readonly #graph = new Graph<NodeData, EdgeData>({ type: 'undirected', multi: false })
  readonly #sigma: Sigma<NodeData, EdgeData>
  readonly #ground: CanvasRenderingContext2D
  readonly #rings: CanvasRenderingContext2D
  readonly #isLarge: boolean
  readonly #isNarrow: boolean
  #colours: Colours
  #neighbours: Set<number>[] = []
  /** Who is not dimmed; empty if everybody is as always. */
  #near = new Set<number>()
  #grounds: Point[][] = []
  /** Boxes of names in this frame, where names may not cover each other. */
  #labels: Box[] = []
  #titles: Box[] = []
  #look = FIRST

  constructor(
    private readonly box: HTMLElement,
    private readonly cast: Cast,
    on: Pointed,
  ) {
    this.#isLarge = cast.names.length > LARGE
    this.#isNarrow = box.clientWidth < NARROW_PX && !this.#isLarge
    this.#colours = readColours(box, this.#isLarge)
    cast.names.forEach((label, i) => this.#graph.addNode(i, { x: 0, y: 0, size: 4, label, color: this.#colourOf(i), group: cast.groups[i]!, isIdle: true }))
    this.#sigma = new Sigma(this.#graph, box, {
      allowInvalidContainer: true,
      zIndex: true,
      renderEdgeLabels: false,
      enableEdgeEvents: false,
      minCameraRatio: 0.04,
      maxCameraRatio: 2.5,
      stagePadding: this.#isLarge ? 30 : this.#isNarrow ? 34 : 56,
      labelDensity: this.#isLarge ? 0.35 : this.#isNarrow ? 0.9 : 6,
      labelGridCellSize: this.#isLarge ? 140 : this.#isNarrow ? 90 : 40,
      labelRenderedSizeThreshold: this.#isLarge ? 7 : this.#isNarrow ? 7 : 0,
      labelFont: this.#colours.font,
      labelSize: this.#isLarge ? 11 : 12,
      labelWeight: '500',
      defaultEdgeColor: this.#colours.tie,
      hideEdgesOnMove: cast.names.length > 3000,
      defaultDrawNodeLabel: (context, data, settings) => this.#label(context, data as unknown as NodeData & { forceLabel?: boolean }, settings.labelSize),
      defaultDrawNodeHover: () => {},
      nodeReducer: (node, data) => this.#node(Number(node), data),
      edgeReducer: (_, data) => this.#edge(data),
    })
    this.#ground = this.#layer('ground', { beforeLayer: 'edges' })
    this.#rings = this.#layer('rings', { afterLayer: 'nodes' })
    this.#sigma.resize(true)
    this.#sigma.on('beforeRender', () => (this.#labels = []))
    this.#sigma.on('afterRender', () => this.#paint())
    this.#sigma.on('enterNode', ({ node }) => on.hover(Number(node)))
    this.#sigma.on('leaveNode', () => on.hover(undefined))
    this.#sigma.on('clickNode', ({ node }) => on.pick(Number(node)))
    this.#sigma.on('doubleClickNode', event => {
      event.preventSigmaDefault()
      on.open(Number(event.node))
    })
    this.#sigma.on('clickStage', () => on.pick(undefined))
  }

  #layer(name: string, place: { beforeLayer?: string; afterLayer?: string }): CanvasRenderingContext2D {
    // The types of sigma 3 lack the places that its code takes.
    return this.#sigma.createCanvasContext(name, place as object).getCanvases()[name]!.getContext('2d')!
  }

  setTies(ties: readonly Tie[]): void {
    const strength = new Float64Array(this.cast.names.length)
    this.#neighbours = this.cast.names.map(() => new Set<number>())
    this.#graph.clearEdges()
    for (const { a, b, score } of ties) {
      strength[a]! += score
      strength[b]! += score
      this.#neighbours[a]!.add(b)
      this.#neighbours[b]!.add(a)
      const size = this.#isLarge ? 0.4 + score / 60 : (0.8 + 3.4 * Math.sqrt(score / 60)) * (this.#isNarrow ? 0.6 : 1)
      this.#graph.addUndirectedEdge(a, b, { a, b, size, isAcross: this.cast.groups[a] !== this.cast.groups[b] })
    }
    const most = strength.reduce((one, other) => Math.max(one, other), 1)
    const [least, more] = this.#isLarge ? [1.6, 8] : this.#isNarrow ? [3.5, 6] : [4.5, 9]
    this.#graph.updateEachNodeAttributes((node, data) => {
      const own = strength[Number(node)]!
      return { ...data, isIdle: own === 0, size: own === 0 ? least * 0.65 : least + more * Math.sqrt(own / most) }
    })
    this.refresh()
  }

  place(xy: Float32Array): void {
    this.#graph.updateEachNodeAttributes((node, data) => ({ ...data, x: xy[2 * Number(node)]!, y: -xy[2 * Number(node) + 1]! }))
    const points: Point[][] = this.cast.groupNames.map(() => [])
    this.#graph.forEachNode((_, data) => points[data.group]!.push([data.x, data.y]))
    this.#grounds = points.map(hull)
    this.#sigma.refresh()
  }

  setLook(look: Look): void {
    this.#look = look
    this.refresh()
  }

  setNames(names: readonly string[]): void {
    this.#graph.updateEachNodeAttributes((node, data) => ({ ...data, label: names[Number(node)] ?? '' }))
    this.refresh()
  }

  refresh(): void {
    const one = this.#look.focus ?? this.#look.hover
    this.#near = new Set(one === undefined ? [] : [one, ...(this.#neighbours[one] ?? [])])
    const { bridge } = this.#look
    if (bridge) {
      this.#near = new Set()
      this.#graph.forEachUndirectedEdge((_, { a, b }) => {
        if (this.#isOn(bridge, a, b)) this.#near.add(a).add(b)
      })
    }
    this.#sigma.refresh({ skipIndexation: true })
  }

  /** Takes the colours of the page again, as when it turns dark. */
  recolour(): void {
    this.#colours = readColours(this.box, this.#isLarge)
    this.#graph.updateEachNodeAttributes((node, data) => ({ ...data, color: this.#colourOf(Number(node)) }))
    this.#sigma.setSetting('defaultEdgeColor', this.#colours.tie)
  }

  drawn(): Drawn {
    const sigma = this.#sigma
    const at = (node: string | number) => sigma.framedGraphToViewport(sigma.getNodeDisplayData(node)!)
    const ties = this.#graph.edges().flatMap(edge => {
      const data = sigma.getEdgeDisplayData(edge)
      if (!data || data.hidden) return []
      const [from, to] = this.#graph.extremities(edge).map(at)
      return [{ path: `M${from!.x.toFixed(1)} ${from!.y.toFixed(1)}L${to!.x.toFixed(1)} ${to!.y.toFixed(1)}`, colour: data.color, width: sigma.scaleSize(data.size) }]
    })
    const people = this.#graph.nodes().flatMap(node => {
      const data = sigma.getNodeDisplayData(node)
      return !data || data.hidden ? [] : [{ ...at(node), r: sigma.scaleSize(data.size), colour: data.color, name: this.#isLarge ? '' : (data.label ?? '') }]
    })
    return { ...sigma.getDimensions(), ties, people }
  }

  neighbours(person: number): readonly number[] {
    return [...(this.#neighbours[person] ?? [])]
  }

  /** Where a person is in the box. */
  position(person: number): { x: number; y: number } {
    return this.#sigma.graphToViewport(this.#graph.getNodeAttributes(person))
  }

  fit(): void {
    void this.#sigma.getCamera().animatedReset({ duration: 200 })
  }

  zoom(by: number): void {
    const camera = this.#sigma.getCamera()
    void camera.animate({ ratio: camera.ratio * by }, { duration: 120 })
  }

  centre(person: number): void {
    const data = this.#sigma.getNodeDisplayData(person)
    const camera = this.#sigma.getCamera()
    if (data) void camera.animate({ x: data.x, y: data.y, ratio: Math.min(camera.ratio, this.#isLarge ? 0.18 : 0.7) }, { duration: 220 })
  }

  /** Follows the box when the page changes its shape. */
  resize(): void {
    this.#sigma.resize()
    this.refresh()
  }

  kill(): void {
    this.#sigma.kill()
  }

  #colour(group: number): string {
    return this.#colours.groups[this.cast.groupColours[group]!] ?? this.#colours.ink3
  }

  #colourOf(person: number): string {
    return this.#colour(this.cast.groups[person]!)
  }

  #isOn(bridge: Bridge, a: number, b: number): boolean {
    const [one, other] = [this.cast.groups[a]!, this.cast.groups[b]!]
    return (one === bridge.a && other === bridge.b) || (one === bridge.b && other === bridge.a)
  }

  #node(person: number, data: NodeData) {
    const isDim = this.#near.size > 0 && !this.#near.has(person)
    return {
      ...data,
      hidden: this.#look.hidden.has(data.group),
      color: isDim ? this.#colours.line : data.isIdle ? this.#colours.ink3 : data.color,
      label: isDim ? null : data.label,
      forceLabel: this.#near.has(person) && this.#near.size < 60,
      zIndex: isDim ? 0 : 1,
      highlighted: false,
    }
  }

  #edge(data: EdgeData) {
    const { focus, hover, onlyAcross, hidden, bridge, singles } = this.#look
    const { a, b, isAcross } = data
    const one = focus ?? hover
    const isOff = hidden.has(this.cast.groups[a]!) || hidden.has(this.cast.groups[b]!) || (onlyAcross && !isAcross)
    if (isOff) return { ...data, hidden: true }
    if (bridge) return this.#isOn(bridge, a, b) ? this.#marked(data, bridge.redundancy === 1 ? this.#colours.signal : this.#colours.accent, 1.2) : { ...data, hidden: true }
    if (one !== undefined) return a === one || b === one ? this.#marked(data, this.#colourOf(a === one ? b : a), 0.6) : { ...data, hidden: true }
    if (isAcross && singles.some(single => this.#isOn(single, a, b))) return this.#marked(data, this.#colours.signal, 1)
    return { ...data, color: isAcross ? this.#colours.tie : mixed(this.#colourOf(a), this.#colours.page, this.#isLarge ? 0.2 : 0.36), zIndex: Number(isAcross) }
  }

  #marked(data: EdgeData, color: string, thicker: number) {
    return { ...data, color, size: data.size + thicker, zIndex: 2 }
  }

  /** A name under its dot, with a halo. On narrow and large pictures a name that would cover another is left out. */
  #label(context: CanvasRenderingContext2D, data: NodeData & { forceLabel?: boolean }, size: number): void {
    if (!data.label) return
    context.font = `500 ${size}px ${this.#colours.font}`
    const [x, y] = [data.x, data.y + data.size + size + 1]
    if (this.#isLarge || this.#isNarrow) {
      const isFree = this.#claim(this.#labels, context.measureText(data.label).width, x, y, size)
      if (!isFree && !data.forceLabel) return
    }
    this.#write(context, data.label, x, y, this.#colours.ink, 3.5)
  }

  /** Takes the place of a text, unless another one is there. */
  #claim(boxes: Box[], width: number, x: number, y: number, size: number): boolean {
    const box: Box = [x - width / 2 - 2, y - size, x + width / 2 + 2, y + 3]
    if (boxes.some(other => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1])) return false
    boxes.push(box)
    return true
  }

  #write(context: CanvasRenderingContext2D, text: string, x: number, y: number, colour: string, halo: number): void {
    context.textAlign = 'center'
    context.lineJoin = 'round'
    context.strokeStyle = this.#colours.page
    context.lineWidth = halo
    context.strokeText(text, x, y)
    context.fillStyle = colour
    context.fillText(text, x, y)
    context.textAlign = 'left'
  }

  #paint(): void {
    const { width, height } = this.#sigma.getDimensions()
    for (const context of [this.#ground, this.#rings]) context.clearRect(0, 0, width, height)
    this.#titles = []
    const pad = (this.#isLarge ? 10 : this.#isNarrow ? 16 : 30) / Math.sqrt(this.#sigma.getCamera().ratio)
    this.#grounds.forEach((corners, group) => {
      if (corners.length === 0 || this.#look.hidden.has(group)) return
      const outline = corners.map(([x, y]): Point => {
        const at = this.#sigma.graphToViewport({ x, y })
        return [at.x, at.y]
      })
      this.#paintGround(outline, group, pad)
    })
    const { bridge, singles, focus, hover } = this.#look
    const one = focus ?? hover
    const shown = bridge ? [bridge] : singles
    for (const holder of shown.flatMap(single => single.holders)) if (one === undefined || this.#near.has(holder)) this.#ring(holder, this.#colours.signal, 4)
    if (one !== undefined) this.#ring(one, this.#colours.ink, 3.5)
  }

  #paintGround(outline: readonly Point[], group: number, pad: number): void {
    const context = this.#ground
    const colour = this.#colour(group)
    context.beginPath()
    outline.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)))
    context.closePath()
    context.lineJoin = 'round'
    context.lineWidth = 2 * pad
    context.strokeStyle = context.fillStyle = mixed(colour, this.#colours.page, 0.085)
    context.stroke()
    context.fill()
    const xs = outline.map(point => point[0])
    const [left, right] = [Math.min(...xs), Math.max(...xs)]
    if (right - left < 46) return
    const name = (right - left < 200 ? this.cast.groupShorts : this.cast.groupNames)[group]!
    this.#rings.font = `620 ${this.#isLarge ? 11.5 : 13}px ${this.#colours.font}`
    const [x, y] = [(left + right) / 2, Math.max(14, Math.min(...outline.map(point => point[1])) - pad - 7)]
    if (this.#isLarge && !this.#claim(this.#titles, this.#rings.measureText(name).width, x, y, 12)) return
    this.#write(this.#rings, name, x, y, colour, 4.5)
  }

  #ring(person: number, colour: string, gap: number): void {
    const data = this.#sigma.getNodeDisplayData(person)
    if (!data || data.hidden) return
    const at = this.#sigma.framedGraphToViewport(data)
    this.#rings.beginPath()
    this.#rings.arc(at.x, at.y, this.#sigma.scaleSize(data.size) + gap, 0, 2 * Math.PI)
    this.#rings.lineWidth = 2.25
    this.#rings.strokeStyle = colour
    this.#rings.stroke()
  }
}
