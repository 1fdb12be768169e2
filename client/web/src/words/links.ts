// Where things are, for pages that lead to each other.
import { place } from '../state/place.svelte'
import type { Row } from '../state/rows'

/** Two people, in one order, whoever is named first. */
export function pairLink(a: string, b: string, state: Record<string, string> = {}): string {
  return place.linkWith(state, 'pairs', ...[a, b].sort())
}

/** An organisation, or what ties it to another. */
export const organisationLink = (ids: readonly string[], state: Record<string, string> = {}): string => place.linkWith(state, 'organisations', ...ids)

/** Why a row of a view is so. */
export function whyLink(view: string, row: Row, state: Record<string, string> = {}): string {
  return place.linkWith({ ...state, ...(row.item && { row: String(row.item) }) }, 'views', view, 'why', row.key.join(','))
}

export const entryLink = (position: number): string => place.link('log', String(position))
