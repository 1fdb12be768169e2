// The details of an entry, in the order in which they were recorded.
import { commitment, toHex, type Detail, type Entry } from 'kith-client'

/** A detail: its words, or the position of the entry that erased it. */
export interface Recorded {
  /** Its index among the event's details; none for words that were not recorded. */
  readonly index: number | undefined
  readonly detail?: Detail
  readonly erasedBy?: number
}

/** The details of an entry that are there or were erased. Those that are missing are not for the caller to see. */
export function recordedDetails({ event, details, erased }: Pick<Entry, 'event' | 'details' | 'erased'>): Recorded[] {
  const rest = new Map(details.map(detail => [toHex(commitment(detail)), detail]))
  const own = event.commitments.flatMap((bytes, index): Recorded[] => {
    const erasedBy = erased.find(one => one.index === index)?.position
    const key = toHex(bytes)
    const detail = rest.get(key)
    rest.delete(key)
    return erasedBy !== undefined ? [{ index, erasedBy }] : detail ? [{ index, detail }] : []
  })
  return [...own, ...Array.from(rest.values(), detail => ({ index: undefined, detail }))]
}
