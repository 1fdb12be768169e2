// Where things are, for pages that lead to each other.
import { place } from '../state/place.svelte'
import type { Row } from '../state/rows'

/** Two people, in one order, whoever is named first. */
export function pairLink(a: string, b: string, state: Record<string, string> = {}): string {
  return place.linkWith(state, 'pairs', ...[a, b].sort())
}

/** Why a row of a view is so. */
export function whyLink(view: string, row: Row): string {
  return place.linkWith(row.item ? { row: String(row.item) } : {}, 'views', view, 'why', row.key.join(','))
}

export const entryLink = (position: number): string => place.link('log', String(position))
