// What kinds of entries are called, and their icons. A custom type is called by its own name.
import type { Entry } from 'kith-client'
import type { IconName } from '../ui/icons'

const names: Readonly<Record<string, string>> = { referred: 'introduced', retracted: 'withdrawn', newer: 'of a later version' }
const habits = ['met', 'followed_up', 'asked', 'helped', 'referred', 'answered', 'retracted']
const directory = ['person_added', 'person_changed', 'people_merged']

/** "followed up" */
export const kindName = (kind: string): string => names[kind.split(':')[0]!] ?? (kind.startsWith('custom:') ? kind.slice(7) : kind.replaceAll('_', ' '))

export function kindIcon(kind: string): IconName {
  if (habits.includes(kind)) return kind as IconName
  if (kind.startsWith('custom:')) return 'custom'
  if (directory.includes(kind)) return 'people'
  return kind === 'organisation_added' ? 'organisation' : 'administration'
}

/** Whether an entry can be withdrawn by anybody at all. */
export const isRetractable = (entry: Entry): boolean =>
  (habits.includes(entry.kind) && entry.kind !== 'retracted') || entry.kind.startsWith('custom:') || entry.kind === 'people_merged'
