// The colours of the page for a canvas, which takes no custom properties: read through an element that wears them.

export interface Colours {
  readonly ink: string
  readonly ink3: string
  readonly page: string
  readonly line: string
  readonly accent: string
  readonly signal: string
  /** Ties across organisations. */
  readonly tie: string
  readonly groups: readonly string[]
  readonly font: string
}

export function readColours(box: HTMLElement, isLarge: boolean): Colours {
  const probe = document.createElement('span')
  probe.hidden = true
  box.append(probe)
  const read = (name: string) => {
    probe.style.color = `var(--${name})`
    return hex(getComputedStyle(probe).color)
  }
  const [ink, page] = [read('ink'), read('page')]
  const colours: Colours = {
    ink,
    ink3: read('ink-3'),
    page,
    line: read('line'),
    accent: read('accent'),
    signal: read('signal'),
    tie: mixed(ink, page, isLarge ? 0.11 : 0.26),
    groups: [0, 1, 2, 3, 4, 5, 6, 7].map(i => read(`o${i}`)),
    font: getComputedStyle(box).fontFamily,
  }
  probe.remove()
  return colours
}

/** Part of a colour on the page's: translucent ties would darken where they cross. */
export function mixed(colour: string, page: string, part: number): string {
  const [over, under] = [channels(colour), channels(page)]
  return toHex(over.map((value, i) => Math.round(value * part + under[i]! * (1 - part))))
}

const channels = (colour: string): number[] => [1, 3, 5].map(at => parseInt(colour.slice(at, at + 2), 16))
const toHex = (values: readonly number[]): string => `#${values.map(value => value.toString(16).padStart(2, '0')).join('')}`
const hex = (rgb: string): string => toHex((rgb.match(/\d+/g) ?? ['0', '0', '0']).slice(0, 3).map(Number))
