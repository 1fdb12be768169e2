// What views and reports are about and how they are doing, in words.
import { ViewState, type View } from 'kith-client/gen/view'
import type { IconName } from '../ui/icons'

export const isReport = (view: View): boolean => view.inputs.length > 0

const keys: Readonly<Record<string, string>> = { pair: 'two people', directed_pair: 'two people, one way', person: 'person', organisation: 'organisation', organisation_pair: 'two organisations' }

/** What a row is about, by `View.key`. */
export const about = (key: string): string => keys[key] ?? key

/** How something is doing: a word, a colour, and the icon beside it. */
export interface Standing {
  readonly name: string
  readonly tone: 'done' | 'due' | 'late' | ''
  readonly icon: IconName
}

const standings: Readonly<Record<ViewState, Standing>> = {
  [ViewState.UNSPECIFIED]: { name: 'unknown', tone: '', icon: 'info' },
  [ViewState.BUILDING]: { name: 'being built', tone: 'due', icon: 'operations' },
  [ViewState.RUNNING]: { name: 'running', tone: 'done', icon: 'check' },
  [ViewState.STOPPED]: { name: 'stopped', tone: 'late', icon: 'warn' },
  [ViewState.PAUSED]: { name: 'paused', tone: 'due', icon: 'pause' },
  [ViewState.WAITING_FOR_ROOM]: { name: 'waits for room on the disk', tone: 'late', icon: 'warn' },
}

/** A report follows nothing: it is computed when it is asked. */
const report: Standing = { name: 'report', tone: '', icon: 'bridge' }

export const standingOf = (view: View): Standing => (isReport(view) ? report : (standings[view.state] ?? standings[ViewState.UNSPECIFIED]))
