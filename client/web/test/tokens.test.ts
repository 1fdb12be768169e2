// Contrast of every pair of colours that the console puts together, computed from app.css (WCAG 2.2, 1.4.3 and 1.4.11).
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const css = readFileSync(new URL('../src/app.css', import.meta.url), 'utf8')
const tokens = new Map(Array.from(css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g), ([, name, light, dark]) => [name!, { light: light!, dark: dark! }]))

type Mode = 'light' | 'dark'
const channels = (hex: string) => [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16) / 255)
const luminance = (hex: string) => {
  const [r, g, b] = channels(hex).map(value => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!
}
function contrast(one: string, other: string, mode: Mode): number {
  const [a, b] = [one, other].map(name => luminance(tokens.get(name)![mode])).sort((x, y) => y - x)
  return (a! + 0.05) / (b! + 0.05)
}

const grounds = ['page', 'panel', 'well']
const words = ['ink', 'ink-2', 'ink-3', 'accent', 'late', 'due', 'done', 'signal', ...[0, 1, 2, 3, 4, 5, 6, 7].map(n => `o${n}`)]
const own: [string, string][] = [['accent', 'accent-soft'], ['ink', 'accent-soft'], ['accent-ink', 'accent'], ['late', 'late-soft'], ['ink', 'late-soft'], ['due', 'due-soft'], ['ink', 'due-soft'], ['done', 'done-soft'], ['ink', 'done-soft'], ['ink-2', 'late-soft'], ['ink-2', 'due-soft'], ['signal', 'late-soft']]

describe.each(['light', 'dark'] as const)('%s', mode => {
  it.each(words.flatMap(word => grounds.map(ground => [word, ground] as const)))('%s on %s is read', (word, ground) => {
    expect(contrast(word, ground, mode)).toBeGreaterThanOrEqual(4.5)
  })
  it.each(own)('%s on %s is read', (word, ground) => {
    expect(contrast(word, ground, mode)).toBeGreaterThanOrEqual(4.5)
  })
  it.each(['page', 'panel'])('the edge of a control is seen on %s', ground => {
    expect(contrast('edge', ground, mode)).toBeGreaterThanOrEqual(3)
  })
})
