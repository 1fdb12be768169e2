import { KithError, type Entry } from 'kith-client'
import { describe, expect, it } from 'vitest'
import { category, check, fieldOf, make, say, type Form } from '../src/record/form'
import { kindOf } from '../src/record/kinds'

const now = Date.parse('2026-11-28T15:00:00Z')
const form = (change: Partial<Form>): Form => ({ kind: 'met', people: ['me', 'nico'], when: '', about: undefined, category: '', answer: 'accepted', place: '', note: '', scope: 'network', ...change })
const entry = (kind: string, fact: object): Entry => ({ kind, position: 7, event: { id: '018f0000-0000-7000-8000-000000000001', occurredAt: Date.parse('2026-11-20T12:00:00Z'), fact } }) as unknown as Entry
const introduction = entry('referred', { kind: 'referred', referrer: 'ada', person: 'me', to: 'tilda' })
const names: Record<string, string> = { nico: 'Nico Gooseberry', ada: 'Ada', tilda: 'Tilda' }
const said = (change: Partial<Form>) => say(form(change), 'me', id => names[id] ?? id, now)

describe('one sentence says what will be recorded', () => {
  it.each<[string, Partial<Form>]>([
    ['You and Nico Gooseberry met today.', {}],
    ['You, Nico Gooseberry and Ada met yesterday.', { people: ['me', 'nico', 'ada'], when: 'yesterday' }],
    ['You and … met today.', { people: ['me'] }],
    ['Nico Gooseberry followed up with you today.', { kind: 'followed_up', people: ['nico', 'me'] }],
    ['You asked Ada and Tilda for help with discharge-letters today.', { kind: 'asked', people: ['me', 'ada', 'tilda'], category: 'Discharge letters' }],
    ['Ada helped you with … today.'.replace(' with …', ''), { kind: 'helped', people: ['ada', 'me'] }],
    ['You introduced Ada to … today.', { kind: 'referred', people: ['me', 'ada'] }],
    ['Ada introduced you to Tilda: You welcomed it today.', { kind: 'answered', people: ['me'], about: introduction }],
    ['Ada introduced you to Tilda: the two have met today.', { kind: 'answered', people: ['me'], about: introduction, answer: 'met' }],
  ])('%s', (sentence, change) => expect(said(change)).toBe(sentence))
})

describe('what is missing is said beside its field', () => {
  it.each<[string[], Partial<Form>]>([
    [[], {}],
    [['people'], { people: ['me'] }],
    [['people'], { kind: 'helped', people: ['me', 'nico', 'ada'] }],
    [['category'], { kind: 'asked', category: '!!' }],
    [['about'], { kind: 'answered', people: ['me'] }],
    [['when'], { when: 'the day of the flood' }],
    [['when'], { when: 'tomorrow' }],
  ])('%j', (fields, change) => expect(Object.keys(check(form(change), now))).toEqual(fields))
})

describe('the event has what was typed', () => {
  it.each<[object, Partial<Form>]>([
    [{ kind: 'met', people: ['me', 'nico'] }, {}],
    [{ kind: 'followed_up', by: 'nico', with: ['me'], about: introduction.event.id }, { kind: 'followed_up', people: ['nico', 'me'], about: introduction }],
    [{ kind: 'asked', by: 'me', of: ['nico'], category: 'equipment' }, { kind: 'asked', category: 'Equipment' }],
    [{ kind: 'helped', helper: 'me', helped: 'nico' }, { kind: 'helped' }],
    [{ kind: 'referred', referrer: 'me', person: 'ada', to: 'tilda' }, { kind: 'referred', people: ['me', 'ada', 'tilda'] }],
    [{ kind: 'answered', referral: introduction.event.id, by: 'me', answer: 'declined' }, { kind: 'answered', people: ['me'], about: introduction, answer: 'declined' }],
  ])('%o', (fact, change) => expect(make(form(change), now).event.fact).toMatchObject(fact))

  it('words are about everybody named', () => {
    const made = make(form({ kind: 'answered', people: ['me'], about: introduction, note: ' thank you ' }), now)
    expect(made.details).toMatchObject([{ kind: 'note', text: 'thank you', subjects: ['ada', 'me', 'tilda'].slice(1) }])
  })
  it('a day is noon of that day, nothing is now', () => {
    expect(make(form({}), now).event.occurredAt).toBe(now)
    expect(new Date(make(form({ when: '2026-11-20' }), now).event.occurredAt).getHours()).toBe(12)
  })
})

it('errors of the server find their field', () => {
  const refused = (field: string) => fieldOf(new KithError('refused', 'no', { reason: 'EVENT_INVALID', violations: [{ field, description: '' }] }))
  expect(['events[0].event.met.people', 'event.followed_up.with', 'events[0].event.answered.referral', 'event.occurred_at', 'event.asked.category', 'events[0].details[0].text', 'network'].map(refused)).toEqual(['people', 'people', 'about', 'when', 'category', 'note', undefined])
})

it('words choose the kind, and no name does', () => {
  expect(['met', 'helped', 'introduced', 'nico', 'help'].map(kindOf)).toEqual(['met', 'helped', 'referred', undefined, 'helped'])
  expect(category('  Discharge Letters! ')).toBe('discharge-letters')
})
