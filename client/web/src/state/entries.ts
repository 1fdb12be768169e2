// Entries of the log, newest first, page after page.
import { readEntries, type Entry } from 'kith-client'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { Direction, type FilterSchema } from 'kith-client/gen/log'
import { server } from './server'

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
