// Entries of the log, newest first, page after page.
import { KithError, readEntries, readEntry, uuidBytes, type Entry } from 'kith-client'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { Direction, type FilterSchema } from 'kith-client/gen/log'
import { server } from './server'
import { count } from '../words/value'

export interface EntriesRead {
  readonly entries: readonly Entry[]
  /** Whether there are no older ones. */
  readonly isEnd: boolean
}

const PAGE = 200

/** The newest entries that match a filter themselves, at least `most` of them if there are so many. */
export async function readNewest(network: string, filter: MessageInitShape<typeof FilterSchema>, most: number, signal: AbortSignal, before = 0): Promise<EntriesRead> {
  const entries: Entry[] = []
  for (let after = BigInt(before); ; ) {
    const answer = await server.log.read({ network, after, filter, limit: Math.min(PAGE, most), direction: Direction.BACKWARD, matchingOnly: true }, { signal })
    entries.push(...readEntries(answer))
    if (answer.end || entries.length >= most) return { entries, isEnd: answer.end }
    after = answer.next
  }
}

const unknown = (what: string) => new KithError('refused', what, { reason: 'EVENT_UNKNOWN' })

/** The entry at a position. */
export async function entryAt(network: string, position: number, signal?: AbortSignal): Promise<Entry> {
  const answer = await server.log.read({ network, after: BigInt(position - 1), limit: 1, direction: Direction.FORWARD }, { signal }).catch((error: unknown) => {
    // It is not waited for: an entry of this position may never be.
    throw error instanceof KithError && error.reason === 'POSITION_AHEAD' ? unknown(error.message) : error
  })
  const entry = readEntries(answer).find(found => found.position === position)
  if (!entry) throw unknown(`no entry ${count(position)} that you may see`)
  return entry
}

/** The entry of an event's id. */
export async function entryOf(network: string, id: string, signal?: AbortSignal): Promise<Entry> {
  const event = uuidBytes(id)
  if (!event) throw unknown('this is not the id of an event')
  return readEntry((await server.audit.getInclusionProof({ network, event }, { signal })).entry)
}
