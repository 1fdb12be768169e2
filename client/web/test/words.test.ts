import { describe, expect, it } from 'vitest'
import { dayOf, isoDay, showAgo } from '../src/words/time'
import { bytes, folded, initials, listed, sentence, shortened, visible } from '../src/words/value'

it('days are read as UTC days, and only real ones', () => {
  expect(dayOf('1970-01-02')).toBe(1)
  expect(isoDay(dayOf('2026-11-27')!)).toBe('2026-11-27')
  for (const no of ['2026-02-30', '2026-13-01', '27.11.2026', '', '2026-1-1']) expect(dayOf(no)).toBeUndefined()
})

it('what shows nothing is shown, and joiners stay where a script needs them', () => {
  expect(visible('a\u200bb\u202ec\u0000')).toBe('aU+200BbU+202EcU+0000')
  expect(visible('می‌خواهم')).toBe('می‌خواهم')
  expect(visible('one\ntwo')).toBe('one\ntwo')
  expect(visible('a\u200db')).toBe('aU+200Db')
})

it('a message is told as a sentence', () => {
  expect(sentence('the proof has 3 hashes')).toBe('The proof has 3 hashes.')
  expect(sentence('Try again.')).toBe('Try again.')
})

it('search knows no case and no accents', () => {
  expect(folded('Ľubica ŞAHİN')).toBe('lubica sahin')
})

describe('initials', () => {
  it.each([['Ada Quillfeather', 'AQ'], ['Nico', 'N'], ['Dr. (Ada) van der Berg', 'DB'], ['', '?'], ['山田 太郎', '山太'], ['ليلى حسن', 'لح']])('%s', (name, letters) => expect(initials(name)).toBe(letters))
})

it('lists, bytes and ages read as a person would say them', () => {
  expect([listed([]), listed(['A']), listed(['A', 'B']), listed(['A', 'B', 'C'])]).toEqual(['', 'A', 'A and B', 'A, B and C'])
  expect([bytes(512), bytes(1536), bytes(44_023_414_784n)]).toEqual(['512 B', '1.5 KiB', '41 GiB'])
  expect([showAgo(0, 59_000), showAgo(0, 240_000), showAgo(0, 7_200_000), showAgo(0, 86_400_000 * 3)]).toEqual(['just now', '4 min ago', '2 h ago', '3 d ago'])
})

it('a name that is too long is cut between letters', () => {
  expect(shortened('Ada Quillfeather', 26)).toBe('Ada Quillfeather')
  expect(shortened('Bartholomew Featherstonehaugh', 13)).toBe('Bartholomew…')
  expect(shortened('👩‍⚕️👩‍⚕️👩‍⚕️', 2)).toBe('👩‍⚕️…')
  expect(shortened('a'.repeat(4000), 26)).toHaveLength(26)
})
