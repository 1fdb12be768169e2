// What the dialog records: from what was typed to a sentence, to faults beside their fields, to an event. No page in here.
import { answered, asked, followedUp, helped, KithError, met, parseOn, referred, type Answer, type Entry, type EventOptions, type NewEvent, type Scope } from 'kith-client'
import { showDay, showShortDate, dayAt } from '../words/time'
import { listed } from '../words/value'
import type { RecordKind } from './kinds'

export interface Form {
  readonly kind: RecordKind
  /** In the order of the sentence: who did it comes first. */
  readonly people: readonly string[]
  /** As typed; empty means now. */
  readonly when: string
  /** The entry that it is about, or that is answered. */
  readonly about: Entry | undefined
  readonly category: string
  readonly answer: Answer
  readonly place: string
  readonly note: string
  readonly scope: Scope
}

export type FieldName = 'people' | 'when' | 'about' | 'category' | 'place' | 'note' | 'scope'
export type Faults = Partial<Record<FieldName, string>>

/** How many people a kind takes. */
export const sizes: Readonly<Record<RecordKind, readonly [number, number]>> = { met: [2, 64], followed_up: [2, 64], asked: [2, 64], helped: [2, 2], referred: [3, 3], answered: [1, 1] }

/** The kinds of entries that one of this kind can be about. */
export const aboutKinds: Readonly<Record<RecordKind, readonly string[]>> = { met: [], followed_up: ['met'], asked: [], helped: ['asked'], referred: [], answered: ['referred'] }

/** What a category is made of: what is typed becomes that, as far as it can. */
export const category = (typed: string): string => typed.trim().toLowerCase().replace(/\s+/g, '-').replace(/[^a-z0-9_-]/g, '')

/** The time that was typed, in milliseconds. Throws what is wrong with it. */
export const timeOf = (when: string, now: number): number => (when.trim() ? parseOn(when.trim(), now) : now)

/** What keeps the form from being recorded. */
export function check(form: Form, now: number): Faults {
  const faults: Faults = {}
  const [least, most] = sizes[form.kind]
  const missing = least - form.people.length
  if (missing > 0) faults.people = form.people.length === 0 ? 'Who was it?' : `${missing === 1 ? 'One more person' : `${missing} more people`}, please`
  if (form.people.length > most) faults.people = `Only ${most === 1 ? 'one person' : `${most} people`}`
  if (form.kind === 'asked' && !category(form.category)) faults.category = 'What for, in a word or two?'
  if (form.kind === 'answered' && form.about?.kind !== 'referred') faults.about = 'Which introduction?'
  try {
    timeOf(form.when, now)
  } catch (error) {
    faults.when = error instanceof Error ? error.message : String(error)
  }
  return faults
}

/** Makes the event. It is made once: whoever sends it again sends this one. */
export function make(form: Form, now: number): NewEvent {
  const { kind, people, about } = form
  const [first = '', second = '', third = ''] = people
  const options: EventOptions = {
    on: timeOf(form.when, now),
    scope: form.scope,
    ...(form.place.trim() && { place: form.place.trim() }),
    ...(form.note.trim() && { note: form.note.trim() }),
  }
  const withAbout = { ...options, ...(about && { about: about.event.id }) }
  switch (kind) {
    case 'met':
      return met(people, options)
    case 'followed_up':
      return followedUp(first, people.slice(1), withAbout)
    case 'asked':
      return asked(first, people.slice(1), category(form.category), options)
    case 'helped':
      return helped(first, second, { ...withAbout, ...(category(form.category) && { category: category(form.category) }) })
    case 'referred':
      return referred(first, second, third, options)
    case 'answered': {
      const introduced = about?.event.fact
      const subjects = introduced?.kind === 'referred' ? [...new Set([first, introduced.person, introduced.to])] : [first]
      return answered(about?.event.id ?? '', first, form.answer, { ...options, subjects })
    }
  }
}

/** One sentence that says what will be recorded: "You and Nico Gooseberry met today." */
export function say(form: Form, me: string, nameOf: (id: string) => string, now: number): string {
  const name = (id: string, isFirst = false) => (id !== me ? nameOf(id) : isFirst ? 'You' : 'you')
  const [first = '', ...others] = form.people
  const blank = '…'
  const who = first ? name(first, true) : blank
  const rest = others.length > 0 ? listed(others.map(id => name(id))) : blank
  const when = day(form.when, now)
  switch (form.kind) {
    case 'met':
      return `${listed(form.people.length > 1 ? [who, ...others.map(id => name(id))] : [who, blank])} met${when}.`
    case 'followed_up':
      return `${who} followed up with ${rest}${form.about ? ` on the meeting of ${showShortDate(form.about.event.occurredAt, false)}` : ''}${when}.`
    case 'asked':
      return `${who} asked ${rest} for help with ${category(form.category) || blank}${when}.`
    case 'helped':
      return `${who} helped ${rest}${category(form.category) ? ` with ${category(form.category)}` : ''}${when}.`
    case 'referred':
      return `${who} introduced ${others[0] ? name(others[0]) : blank} to ${others[1] ? name(others[1]) : blank}${when}.`
    case 'answered': {
      const fact = form.about?.event.fact
      const what = fact?.kind === 'referred' ? `${name(fact.referrer)} introduced ${name(fact.person)} to ${name(fact.to)}` : blank
      const said = { accepted: `${who} welcomed it`, declined: `${who} declined it`, met: 'the two have met' }[form.answer]
      return `${what.charAt(0).toUpperCase()}${what.slice(1)}: ${said}${when}.`
    }
  }
}

function day(when: string, now: number): string {
  let time: number
  try {
    time = timeOf(when, now)
  } catch {
    return ''
  }
  const local = (ms: number) => dayAt(ms - new Date(ms).getTimezoneOffset() * 60_000)
  const ago = local(now) - local(time)
  return ago === 0 ? ' today' : ago === 1 ? ' yesterday' : ` on ${showDay(local(time))}`
}

const fields: readonly (readonly [RegExp, FieldName])[] = [
  [/\.(people|by|with|of|helper|helped|referrer|person|to)\b/, 'people'],
  [/\.(about|referral)\b/, 'about'],
  [/\.category\b/, 'category'],
  [/occurred_at/, 'when'],
  [/\.scope\b/, 'scope'],
  [/details/, 'note'],
]

/** The field that an error of the server is about. */
export function fieldOf(error: unknown): FieldName | undefined {
  if (!(error instanceof KithError)) return undefined
  return fields.find(([pattern]) => pattern.test(error.field))?.[1]
}
