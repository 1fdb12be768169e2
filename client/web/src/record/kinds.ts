// What can be recorded with the dialog, and the words by which it is asked for.

export type RecordKind = 'met' | 'followed_up' | 'asked' | 'helped' | 'referred' | 'answered'

export const recordKinds: readonly { readonly kind: RecordKind; readonly name: string; readonly words: readonly string[] }[] = [
  { kind: 'met', name: 'met', words: ['met', 'meet'] },
  { kind: 'followed_up', name: 'followed up', words: ['followed', 'followed_up', 'followup', 'follow'] },
  { kind: 'asked', name: 'asked', words: ['asked', 'ask'] },
  { kind: 'helped', name: 'helped', words: ['helped', 'help'] },
  { kind: 'referred', name: 'introduced', words: ['introduced', 'introduce', 'referred', 'refer'] },
  { kind: 'answered', name: 'answered', words: ['answered', 'answer'] },
]

/** The kind that a word means. */
export const kindOf = (word: string): RecordKind | undefined => recordKinds.find(({ words }) => words.includes(word))?.kind
