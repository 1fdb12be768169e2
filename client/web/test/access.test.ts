// access.ts is no second truth: it is held to every case that server/core/tests/may.rs exports from `may`.
import { readFileSync } from 'node:fs'
import { Role } from 'kith-client/gen/event'
import { describe, expect, it } from 'vitest'
import { isFor, pageAt } from '../src/pages'
import { may, mayEnd, mayErase, mayLetIn, mayLift, mayRetract, type Action, type Caller } from '../src/state/access'

interface Who {
  readonly role: string
  readonly organisation: string
  readonly whole_server: boolean
}
interface Case extends Who {
  readonly may: boolean
}
const { actions, retractions, members } = JSON.parse(readFileSync(new URL('../../../tests/fixtures/may.json', import.meta.url), 'utf8')) as {
  readonly actions: readonly (Case & { readonly action: Action })[]
  readonly retractions: readonly (Case & { readonly recorded_by: string; readonly of: string; readonly is_retractable: boolean })[]
  readonly members: readonly (Who & { readonly of: string; readonly has_owner: boolean; readonly let_in: boolean; readonly end: boolean })[]
}

const roles: Readonly<Record<string, Role>> = { 'reader': Role.READER, 'recorder': Role.RECORDER, 'analyst': Role.ANALYST, 'auditor': Role.AUDITOR, 'records-officer': Role.RECORDS_OFFICER, 'owner': Role.OWNER, 'operator': Role.OPERATOR }
const caller = ({ role, organisation, whole_server }: Who): Caller => ({ principal: 'person:amina', role: roles[role]!, person: '', organisation, wholeServer: whole_server })
const said = (one: Who) => `${one.role} of "${one.organisation}"${one.whole_server ? ', whole server' : ''}`

/** Every action, so that one that access.ts gains is also exported. */
const all: Readonly<Record<Action, true>> = {
  'administer server': true,
  'operate server': true,
  'administer tokens': true,
  'administer tokens of network': true,
  'record': true,
  'record for organisation': true,
  'add organisation': true,
  'change plugin of network': true,
  'change plugin of organisation': true,
  'erase': true,
}

it('the cases are all roles, with and without an organisation, in one network and on the whole server', () => {
  expect(new Set(actions.map(one => one.action))).toEqual(new Set(Object.keys(all)))
  for (const action of Object.keys(all)) expect(new Set(actions.filter(one => one.action === action).map(said)).size).toBe(7 * 2 * 2)
})

describe.each(Object.keys(all) as Action[])('%s', action => {
  it('is for whom the server says', () => {
    for (const one of actions.filter(found => found.action === action)) expect(may(caller(one), action), said(one)).toBe(one.may)
  })
})

it('an entry is withdrawn by whom the server says', () => {
  expect(retractions.length).toBeGreaterThan(100)
  for (const one of retractions) {
    const entry = { recordedBy: one.recorded_by, organisation: one.of, isRetractable: one.is_retractable }
    expect(mayRetract(caller(one), entry), `${said(one)}: ${JSON.stringify(entry)}`).toBe(one.may)
  }
})

it('people are let into an organisation, and their memberships ended, by whom the server says', () => {
  expect(members.length).toBe(7 * 2 * 2 * 3 * 2)
  for (const one of members) {
    const of = `${said(one)}: of "${one.of}"${one.has_owner ? ', which has an owner' : ''}`
    expect(mayLetIn(caller(one), one.of, one.has_owner), of).toBe(one.let_in)
    expect(mayEnd(caller(one), one.of), of).toBe(one.end)
  }
})

const erasers = actions.filter(one => one.action === 'erase')

it('whoever belongs to no organisation erases the words of any, all others those of their own', () => {
  for (const one of erasers) {
    expect(mayErase(caller(one), 'riverside'), said(one)).toBe(one.may)
    for (const other of ['hillside', '']) expect(mayErase(caller(one), other), `${said(one)}: of "${other}"`).toBe(one.may && one.organisation === '')
  }
})

it("a hold is lifted by the organisation that set it, and any by the network's owner", () => {
  for (const one of erasers) {
    const isNetworksOwner = one.role === 'owner' && one.organisation === ''
    for (const of of ['', 'riverside', 'hillside']) expect(mayLift(caller(one), of), `${said(one)}: of "${of}"`).toBe(one.may && (one.organisation === of || isNetworksOwner))
  }
})

it('Access is a page for owners, and for whoever speaks for a person: their calendar feeds are there', () => {
  const access = pageAt('access')!
  const who = (role: Role, person: string) => {
    const me = { ...caller({ role: 'reader', organisation: '', whole_server: false }), role, person }
    return isFor(access, { me, may: action => may(me, action) })
  }
  expect([who(Role.OWNER, ''), who(Role.READER, 'amina'), who(Role.READER, '')]).toEqual([true, true, false])
})
