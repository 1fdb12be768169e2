// Numbers and words as the console writes them.

const whole = new Intl.NumberFormat()
const oneDigit = new Intl.NumberFormat(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1 })
const twoDigits = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 })
const rough = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 2 })

/** A whole number: "2,426". Positions come as bigint. */
export const count = (value: number | bigint): string => whole.format(value)
export const one = (value: number): string => oneDigit.format(value)
export const two = (value: number): string => twoDigits.format(value)
/** A large number, roughly: "3,100,000". */
export const roughly = (value: number | bigint): string => rough.format(value)
export const percent = (share: number): string => `${Math.round(share * 100)}\u202f%`

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** Bytes: "41 GiB". */
export function bytes(value: number | bigint): string {
  let rest = Number(value)
  let unit = 0
  while (rest >= 1024 && unit < UNITS.length - 1) {
    rest /= 1024
    unit++
  }
  return `${unit === 0 || rest >= 100 ? Math.round(rest) : Math.round(rest * 10) / 10} ${UNITS[unit]}`
}

/** "1 tie", "3 ties". */
export const many = (value: number, noun: string, nouns = `${noun}s`): string => `${count(value)} ${value === 1 ? noun : nouns}`

/** A message as a sentence: "the proof has 3 hashes" is "The proof has 3 hashes." */
export const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`

/** A name of a column or reason as words: "days_in_contact" is "days in contact". */
export const spaced = (name: string): string => name.replaceAll('_', ' ')

/** "A", "A and B", "A, B and C". */
export function listed(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

// Controls (but ends of lines), marks of direction, private characters; joiners only where no script needs them.
const HIDDEN = /(?![\n\t])[\p{Cc}\p{Co}]|(?!\u200c|\u200d)\p{Cf}|(?<![^\x00-\x7f])[\u200c\u200d]/gu

/** Text of somebody else, with characters that show nothing made visible: "U+200B". */
export function visible(text: string): string {
  return text.replace(HIDDEN, character => `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`)
}

const segments = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
const MARKS = /\p{M}/gu

/** Text to search in: no case, no accents. */
export const folded = (text: string): string => text.normalize('NFKD').replace(MARKS, '').toLowerCase()

/** The beginning of a text that is too long for its place. */
export function shortened(text: string, most: number): string {
  const letters = Array.from(segments.segment(text.slice(0, most * 8)), ({ segment }) => segment)
  return letters.length > most ? `${letters.slice(0, most - 1).join('').trimEnd()}…` : text
}

/** The first letters of a name, for a face. */
export function initials(name: string): string {
  const words = name.split(/[\s-]+/).filter(word => /[\p{L}\p{N}]/u.test(word))
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map(word => first(word ?? ''))
  return letters.join('').toUpperCase() || '?'
}


function first(word: string): string {
  const letter = word.search(/[\p{L}\p{N}]/u)
  return letter < 0 ? '' : ([...segments.segment(word.slice(letter))][0]?.segment ?? '')
}
