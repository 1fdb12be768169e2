// The cases of server/core/src/may.rs that the console mirrors, role by role.
import { Role } from 'kith-client/gen/event'
import { describe, expect, it } from 'vitest'
import { may, mayRetract, type Action, type Caller } from '../src/state/access'

const roles = [Role.READER, Role.RECORDER, Role.ANALYST, Role.AUDITOR, Role.RECORDS_OFFICER, Role.OWNER]
const caller = (role: Role, organisation = '', more: Partial<Caller> = {}): Caller => ({ principal: 'person:amina', role, person: '', organisation, wholeServer: false, ...more })

describe('who may do what: the roles without an organisation, then with one', () => {
  const { RECORDER, ANALYST, RECORDS_OFFICER, OWNER } = Role
  const recorders = [RECORDER, RECORDS_OFFICER, OWNER]
  const cases: [Action, Role[], Role[]][] = [
    ['record', recorders, recorders],
    ['record for organisation', [], recorders],
    ['add organisation', [OWNER], []],
    ['administer tokens', [OWNER], [OWNER]],
    ['administer server', [], []],
    ['change plugin of network', [ANALYST, OWNER], [ANALYST, OWNER]],
    ['change plugin of organisation', [], [ANALYST, OWNER]],
    ['erase', [OWNER], [RECORDS_OFFICER, OWNER]],
  ]
  it.each(cases)('%s', (action, alone, inOrganisation) => {
    expect(roles.filter(role => may(caller(role), action))).toEqual(alone)
    expect(roles.filter(role => may(caller(role, 'riverside'), action))).toEqual(inOrganisation)
  })
  it('only owners who reach the whole server administer it', () => {
    expect(roles.filter(role => may(caller(role, '', { wholeServer: true }), 'administer server'))).toEqual([OWNER])
  })
})

describe('retraction is for the recorder, the officer of the organisation and the owner', () => {
  const own = { recordedBy: 'person:amina', organisation: 'riverside', isRetractable: true }
  const other = { ...own, recordedBy: 'person:ben' }
  it.each<[boolean, Role, string, typeof own]>([
    [true, Role.RECORDER, 'riverside', own],
    [false, Role.RECORDER, 'riverside', other],
    [true, Role.RECORDS_OFFICER, 'riverside', other],
    [false, Role.RECORDS_OFFICER, 'hillside', other],
    [true, Role.RECORDS_OFFICER, '', own],
    [false, Role.RECORDS_OFFICER, '', { ...other, organisation: '' }],
    [true, Role.OWNER, '', other],
    [false, Role.READER, 'riverside', own],
    [false, Role.OWNER, '', { ...other, isRetractable: false }],
  ])('%s for role %s of "%s"', (may, role, organisation, entry) => expect(mayRetract(caller(role, organisation), entry)).toBe(may))
})
