import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { checkFiles, foreign, keyFault, originParts } from '../src/state/evidence'

const { notes } = JSON.parse(readFileSync(new URL('../../../tests/fixtures/vectors.json', import.meta.url), 'utf8')) as { notes: Record<'key' | 'other_key' | 'earlier' | 'later' | 'receipt' | 'growth', string> }
const file = (name: string, text: string) => ({ name, bytes: new TextEncoder().encode(text) })
const states = (files: { name: string; bytes: Uint8Array }[], keys = [notes.key]) => checkFiles(files, keys).map(({ state }) => state)

describe('files', () => {
  it('are verified with the key of their log', () => {
    const [checkpoint, receipt] = checkFiles([file('a', notes.later), file('b', notes.receipt)], [notes.key])
    expect(checkpoint).toMatchObject({ name: 'a', state: 'verified', why: '', key: notes.key, evidence: { kind: 'checkpoint' } })
    expect(receipt).toMatchObject({ name: 'b', state: 'verified', entry: { position: 4, kind: 'met' } })
  })
  it('a growth waits for the checkpoint that it starts from, wherever that comes from', () => {
    expect(checkFiles([file('g', notes.growth)], [notes.key])[0]).toMatchObject({ state: 'waits', why: 'it starts from the checkpoint of 2 entries: add that file, too' })
    expect(states([file('g', notes.growth), file('e', notes.earlier)])).toEqual(['verified', 'verified'])
    expect(states([file('g', notes.growth), file('l', notes.later)])).toEqual(['waits', 'verified'])
  })
  it('of an unknown log wait for its key', () => {
    expect(checkFiles([file('a', notes.later)], [])[0]).toMatchObject({ state: 'waits', why: 'it is of the log kith/north/07070707070707070707070707070707, whose key is not known here' })
    expect(states([file('a', notes.later)], ['no key'])).toEqual(['waits'])
  })
  it('that were changed, or are something else, are refused with the reason', () => {
    const changed = notes.later.replace('\n5\n', '\n6\n')
    expect(checkFiles([file('a', changed)], [notes.key])[0]).toMatchObject({ state: 'refused', why: 'the signature is wrong: the text or the signature was changed' })
    expect(checkFiles([file('a', notes.later)], [notes.other_key])[0]).toMatchObject({ state: 'refused' })
    expect(checkFiles([file('a', 'a letter')], [notes.key])[0]).toMatchObject({ state: 'refused', evidence: undefined, why: expect.stringMatching(/^the file is damaged, or not from Kith/) })
  })
})

it('a key says what is wrong with it', () => {
  expect(keyFault(notes.key)).toBe('')
  expect(keyFault('')).toBe('')
  expect(keyFault('kith/north/07+00000000+AQ')).not.toBe('')
})

it('another history of a network is told apart from another log', () => {
  expect(originParts('kith/a/b/c')).toEqual({ network: 'a/b', incarnation: 'c' })
  expect(foreign('kith/demo/01', 'kith/demo/01')).toBe('')
  expect(foreign('kith/demo/01', 'kith/demo/02')).toContain('another history of demo (01)')
  expect(foreign('kith/other/01', 'kith/demo/02')).toBe('it is of another log, kith/other/01; this is kith/demo/02')
})
