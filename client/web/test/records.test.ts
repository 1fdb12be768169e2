// Erasing words and holding them: what is said about it, and where erased details stand in their entry.
import { ERASURE_REASONS, HOLD_REASONS, KithError, commitment, met, type Detail } from 'kith-client'
import { describe, expect, it, vi } from 'vitest'

vi.stubGlobal('location', new URL('http://127.0.0.1/'))

const { counted, erasureReason, holdReason, refused, saying } = await import('../src/records/records')
const { recordedDetails } = await import('../src/records/details')

it('says how much would be erased', () => {
  expect(counted({ details: 57, sharedDetails: 12, others: 8 })).toBe('57 details, 12 of them also about 8 others')
  expect(counted({ details: 1, sharedDetails: 1, others: 1 })).toBe('1 detail, 1 of them also about 1 other')
  expect(counted({ details: 0, sharedDetails: 0, others: 0 })).toBe('0 details')
})

it('every reason has words of its own, and one of a later version stands as it is', () => {
  const all = [...ERASURE_REASONS, 'restored'].map(erasureReason)
  expect(new Set(all).size).toBe(8)
  for (const words of all) expect(words).toMatch(/^[a-z ]+$/)
  expect(HOLD_REASONS.map(holdReason)).toEqual(['an inquiry', 'a legal claim', 'a statutory duty', 'a complaint', 'another reason'])
  for (const later of ['later', 'constructor']) expect([erasureReason(later), holdReason(later)]).toEqual([later, later])
})

describe('what the server says against it', () => {
  const refusal = (reason: string, metadata = {}) => refused(new KithError('refused', 'as the server says', { reason, metadata })).message
  it('a hold names its cases', () => {
    expect(refusal('PERSON_HELD', { references: 'INQ-7' })).toBe('Their words are held for INQ-7: whoever set the hold has to lift it first.')
    expect(refusal('PERSON_HELD', { references: 'A,B,C' })).toContain('held for A, B and C:')
    expect(refusal('PERSON_HELD')).toContain('held for a case:')
  })
  it('others are told in words, and what has none as the server says it', () => {
    expect(refusal('PERMISSION_DENIED')).toBe('As the server says.')
    expect(refusal('PERSON_ERASED')).toMatch(/erased already/)
    expect(refusal('ALREADY_EXISTS')).toMatch(/another case/)
    expect(refusal('REQUEST_INVALID')).toBe('as the server says')
    expect([refused(new TypeError('no')).message, refused('no').message]).toEqual(['no', 'no'])
  })
  it('a call throws it', async () => {
    await expect(saying(Promise.reject(new KithError('refused', '', { reason: 'PERSON_ERASED' })))).rejects.toThrow('erased already')
    expect(await saying(Promise.resolve(7))).toBe(7)
  })
})

describe('details of an entry', () => {
  const note = (text: string) => ({ kind: 'note' as const, subjects: ['amina'], text })
  const { event, details } = met(['amina', 'ben'], { details: ['first', 'second', 'third'].map(note) })
  const [first, second, third] = details as [Detail, Detail, Detail]

  it('stand where they were recorded, erased ones in their place', () => {
    expect(recordedDetails({ event, details: [third, first], erased: [{ index: 1, position: 40 }] })).toEqual([
      { index: 0, detail: first },
      { index: 1, erasedBy: 40 },
      { index: 2, detail: third },
    ])
  })
  it('are missing where they are not to be seen', () => {
    expect(recordedDetails({ event, details: [second], erased: [] })).toEqual([{ index: 1, detail: second }])
    expect(recordedDetails({ event, details: [], erased: [] })).toEqual([])
  })
  it('come last, without a place, if they were not recorded', () => {
    const other = { ...first, text: 'another' }
    expect(event.commitments).not.toContainEqual(commitment(other))
    expect(recordedDetails({ event, details: [other, first], erased: [] })).toEqual([{ index: 0, detail: first }, { index: undefined, detail: other }])
  })
  it('are not shown once erased, whatever a server sends', () => {
    expect(recordedDetails({ event, details: [first], erased: [{ index: 0, position: 40 }] })).toEqual([{ index: 0, erasedBy: 40 }])
  })
})
