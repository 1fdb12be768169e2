// Erasing words and holding them: the calls, and how what they say is written.
import { calls, KithError, type ErasedPerson, type ErasureReason, type HoldReason } from 'kith-client'
import { RecordsService } from 'kith-client/gen/records'
import { connection } from '../state/server'
import { count, listed, many, sentence } from '../words/value'

export const records = calls(connection, RecordsService)

/** Why words are erased, after "because". */
const erasureReasons: Readonly<Record<ErasureReason | 'restored', string>> = {
  'not-needed': 'the words are no longer needed',
  'withdrawn': 'consent was withdrawn',
  'objected': 'the person objected',
  'unlawful': 'the words were kept unlawfully',
  'legal-duty': 'the law requires it',
  'child': 'the words were collected from a child',
  'error': 'the words are wrong',
  'restored': 'a restored backup had brought the words back',
}
/** What words are held for. */
const holdReasons: Readonly<Record<HoldReason, string>> = {
  'inquiry': 'an inquiry',
  'legal-claim': 'a legal claim',
  'statutory': 'a statutory duty',
  'complaint': 'a complaint',
  'other': 'another reason',
}

const wordsOf = (reasons: Readonly<Record<string, string>>, reason: string): string => (Object.hasOwn(reasons, reason) ? reasons[reason]! : reason)
export const erasureReason = (reason: string): string => wordsOf(erasureReasons, reason)
export const holdReason = (reason: string): string => wordsOf(holdReasons, reason)

/** "57 details, 12 of them also about 8 others". */
export function counted({ details, sharedDetails, others }: Pick<ErasedPerson, 'details' | 'sharedDetails' | 'others'>): string {
  return many(details, 'detail') + (sharedDetails > 0 ? `, ${count(sharedDetails)} of them also about ${many(others, 'other')}` : '')
}

/** What the server says against an erasure or a hold, in words. */
export function refused(error: unknown): Error {
  if (!(error instanceof KithError)) return error instanceof Error ? error : new Error(String(error))
  switch (error.reason) {
    case 'PERSON_HELD':
      return new Error(`Their words are held for ${listed((error.metadata.references ?? '').split(',').filter(Boolean)) || 'a case'}: whoever set the hold has to lift it first.`)
    case 'PERMISSION_DENIED':
      return new Error(sentence(error.message))
    case 'PERSON_ERASED':
      return new Error('Their words are erased already: there is nothing left to hold.')
    case 'ALREADY_EXISTS':
      return new Error('Others hold them for this case already: name another case.')
    default:
      return error
  }
}

/** Runs a call; throws what the server says against it, in words. */
export const saying = <T>(call: Promise<T>): Promise<T> => call.catch((error: unknown) => Promise.reject(refused(error)))
