// Members: whom a caller is offered to let in, change and remove, how the server's refusals read, and used invitations.
import { KithError } from 'kith-client'
import { Role } from 'kith-client/gen/event'
import type { Member } from 'kith-client/gen/members'
import type { Token } from 'kith-client/gen/network'
import { afterEach, describe, expect, it, vi } from 'vitest'

vi.stubGlobal('location', new URL('http://127.0.0.1/'))

const { faultOf, identityFault, isOfRole, listMembers, members, nameFault, owned, personOf, rightsOf, saying, serviceOf, tokensOf } = await import('../src/access/members')
const { standingOfToken, used } = await import('../src/access/tokens')

const NOW = Date.UTC(2026, 10, 28)
const at = (ms: number) => ({ seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1e6 })
const member = (principal: string, role: Role, organisation = ''): Member => ({ principal, role, organisation, identity: '', position: 1n, changedBy: 'server' }) as unknown as Member
const token = (more: Partial<Token>): Token => ({ id: 't-1', role: Role.READER, person: '', organisation: '', server: false, invitation: false, ...more }) as unknown as Token
const caller = (role: Role, organisation = '') => ({ principal: 'person:amina', role, person: 'amina', organisation, wholeServer: false })

it('a principal is a person, a service, or neither', () => {
  expect(['person:amina', 'service:feeds', 'token:owner', 'server'].map(personOf)).toEqual(['amina', '', '', ''])
  expect(['person:amina', 'service:feeds', 'token:owner', 'server'].map(serviceOf)).toEqual(['', 'feeds', '', ''])
})

describe('an organisation with an owner of its own', () => {
  it('has a member or a valid token with that role', () => {
    expect([...owned([member('person:a', Role.OWNER, 'north'), member('service:b', Role.READER, 'south'), member('person:c', Role.OWNER)], [], NOW)]).toEqual(['north'])
    expect([...owned([], [token({ role: Role.OWNER, organisation: 'east' })], NOW)]).toEqual(['east'])
  })
  it.each<[string, Partial<Token>]>([
    ['an invitation', { invitation: true }],
    ['a token that was revoked', { revokedAt: at(NOW - 1000) as Token['revokedAt'] }],
    ['a token that has ended', { expiresAt: at(NOW - 1000) as Token['expiresAt'] }],
    ['a token of a member', { role: Role.UNSPECIFIED }],
  ])('is not made by %s', (_, more) => {
    expect(owned([], [token({ role: Role.OWNER, organisation: 'east', ...more })], NOW).size).toBe(0)
  })
})

describe('what is offered', () => {
  const all = [member('person:a', Role.OWNER, 'north'), member('person:b', Role.RECORDER, 'south')]
  const every = ['', 'north', 'south']
  it('lets owners of the network in everywhere but where an owner is, and end everything', () => {
    const rights = rightsOf(caller(Role.OWNER), all, [], NOW)
    expect(rights.choices(every)).toEqual(['', 'south'])
    expect(every.map(rights.ends)).toEqual([true, true, true])
    // Whoever is in a closed organisation can be taken out of it, and changed in no other way.
    expect(rights.choices(every, 'north')).toEqual(['', 'south'])
    expect(rights.choices(['south', '', 'south'], 'south')).toEqual(['south', ''])
  })
  it('leaves owners of an organisation their own', () => {
    const rights = rightsOf(caller(Role.OWNER, 'north'), all, [], NOW)
    expect(rights.choices(every)).toEqual(['north'])
    expect(every.map(rights.ends)).toEqual([false, true, false])
    expect(rights.choices(every, 'south'), 'nobody is taken from others').toEqual([])
    expect(rights.choices(every, 'north')).toEqual(['north'])
  })
  it('is nothing for everybody else, and for nobody', () => {
    for (const role of [Role.READER, Role.RECORDER, Role.ANALYST, Role.AUDITOR, Role.RECORDS_OFFICER]) expect(rightsOf(caller(role), all, [], NOW).choices(every)).toEqual([])
    expect(rightsOf(undefined, all, [], NOW).choices(every)).toEqual([])
  })
})

it('what ends with a membership is every valid token of the person, and what ends when they join those of a role', () => {
  const all = [token({ id: 'a', person: 'ada' }), token({ id: 'b', person: 'ada', role: Role.UNSPECIFIED }), token({ id: 'c', person: 'ada', invitation: true }), token({ id: 'd', person: 'ada', revokedAt: at(NOW - 1) as Token['revokedAt'] }), token({ id: 'e' })]
  expect(tokensOf('ada', all, NOW).map(({ id }) => id)).toEqual(['a', 'b', 'c'])
  expect(tokensOf('', all, NOW)).toEqual([])
  expect(tokensOf('ada', all, NOW).filter(isOfRole).map(({ id }) => id)).toEqual(['a'])
})

it('names and URIs of services are those that the server takes', () => {
  for (const name of ['feeds', 'a', 'a_b-9', 'x'.repeat(32)]) expect(nameFault(name), name).toBe('')
  for (const name of ['', 'Feeds', 'a b', 'é', 'service:feeds', 'x'.repeat(33)]) expect(nameFault(name), name).toMatch(/32 small letters/)
  for (const uri of ['spiffe://example.org/feeds', 'urn:x', `a:${'b'.repeat(254)}`]) expect(identityFault(uri), uri).toBe('')
  for (const uri of ['', 'feeds', '://x', '1a:b', 'a:', 'a:b c', 'a:é', `a:${'b'.repeat(255)}`]) expect(identityFault(uri), uri).toMatch(/^A URI/)
})

describe('what the server says against it', () => {
  const error = (reason: string, more = {}, kind: 'refused' | 'unreachable' = 'refused') => new KithError(kind, 'this token may not', { reason, ...more })
  it('stands at its field, if the form has it', () => {
    const violations = [{ field: 'identity', description: '' }]
    expect(faultOf(error('ALREADY_EXISTS', { violations }), ['identity'])).toEqual({ field: 'identity', text: 'Another member signs in with this URI: give each service one of its own.' })
    expect(faultOf(error('ALREADY_EXISTS', { violations }), ['role']).field).toBe('')
    expect([faultOf(error('PERSON_UNKNOWN'), ['person']).field, faultOf(error('ORGANISATION_UNKNOWN'), ['organisation']).field]).toEqual(['person', 'organisation'])
  })
  it('is said in words', () => {
    expect(faultOf(error('MEMBER_UNKNOWN')).text).toMatch(/no member any more/)
    expect(faultOf(error('RIGHTS_CHANGED')).text).toMatch(/has just changed.*look at the list/)
    expect(faultOf(error('PERMISSION_DENIED')).text).toBe('This token may not.')
    expect(faultOf(error('', {}, 'unreachable')).text).toMatch(/^This token may not\. It may have been recorded/)
    expect([faultOf(new TypeError('no')).text, faultOf('no').text]).toEqual(['no', 'no'])
  })
  it('a call throws it', async () => {
    await expect(saying(Promise.reject(error('MEMBER_UNKNOWN')))).rejects.toThrow('no member any more')
    expect(await saying(Promise.resolve(7))).toBe(7)
  })
})

describe('the list', () => {
  afterEach(() => vi.restoreAllMocks())
  const signal = new AbortController().signal
  it('is read page by page', async () => {
    const pages = [{ members: [member('person:a', Role.READER)], nextPageToken: 'next', position: 9n }, { members: [member('person:b', Role.READER)], nextPageToken: '', position: 9n }]
    const call = vi.spyOn(members, 'listMembers').mockImplementation(({ pageToken }) => Promise.resolve((pageToken ? pages[1] : pages[0]) as never))
    const found = await listMembers('demo', {}, signal)
    expect(found.position).toBe(9)
    expect(found.all.map(({ principal }) => principal)).toEqual(['person:a', 'person:b'])
    expect(call.mock.calls.map(([request]) => [request.asOf, request.knownAt])).toEqual([[undefined, undefined], [undefined, undefined]])
  })
  it('is asked as of the last moment of a day, or as of an entry, which counts before a day', async () => {
    const call = vi.spyOn(members, 'listMembers').mockResolvedValue({ members: [], nextPageToken: '', position: 0n } as never)
    await listMembers('demo', { day: 20_000 }, signal)
    await listMembers('demo', { day: 20_000, position: 7 }, signal)
    expect(call.mock.calls[0]?.[0].knownAt).toEqual({ seconds: 20_001n * 86_400n - 1n, nanos: 999_000_000 })
    expect([call.mock.calls[1]?.[0].asOf, call.mock.calls[1]?.[0].knownAt]).toEqual([7n, undefined])
  })
})

describe('an invitation', () => {
  const invitation = (more: Partial<Token>) => token({ id: 'invite-1', person: 'ada', invitation: true, expiresAt: at(NOW + 6.5 * 86_400_000) as Token['expiresAt'], ...more })
  it('is open for days, and marked in its last one', () => {
    expect(standingOfToken(invitation({}), NOW)).toMatchObject({ name: 'open for 6 d', tone: 'done' })
    expect(standingOfToken(invitation({ expiresAt: at(NOW + 3_600_000) as Token['expiresAt'] }), NOW)).toMatchObject({ name: 'ends within a day', tone: 'due' })
    expect(standingOfToken(invitation({ expiresAt: at(NOW - 1) as Token['expiresAt'] }), NOW).name).toBe('ended')
  })
  it('is used if its person got a token in the moment in which it ended', () => {
    const when = at(NOW - 5) as NonNullable<Token['issuedAt']>
    const [spent, taken, open] = [invitation({ revokedAt: when }), invitation({ person: 'ben', revokedAt: when }), invitation({})]
    expect(used([spent, taken, open, token({ person: 'ada', role: Role.UNSPECIFIED, issuedAt: when }), token({ person: 'ben', role: Role.READER, issuedAt: when })])).toEqual(new Set([spent]))
  })
})
