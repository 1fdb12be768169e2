// Members of a network: the calls, whom the caller may let in or end, and what the server says against it.
import { calls, KithError } from 'kith-client'
import { Role } from 'kith-client/gen/event'
import { MemberService, type Member } from 'kith-client/gen/members'
import type { Token } from 'kith-client/gen/network'
import { mayEnd, mayLetIn, type Caller } from '../state/access'
import { connection } from '../state/server'
import { DAY_MS } from '../words/time'
import { sentence } from '../words/value'
import { isValid } from './tokens'

export const members = calls(connection, MemberService)

export interface Members {
  readonly all: readonly Member[]
  /** The position of which they are. */
  readonly position: number
}

/** Members as of the end of a day, or as of an entry; of neither as of now. */
export async function listMembers(network: string, { day, position }: { day?: number | undefined; position?: number | undefined }, signal: AbortSignal): Promise<Members> {
  const all: Member[] = []
  const end = day === undefined ? undefined : (day + 1) * DAY_MS - 1
  const at = position !== undefined ? { asOf: BigInt(position) } : end !== undefined ? { knownAt: { seconds: BigInt(Math.floor(end / 1000)), nanos: (end % 1000) * 1e6 } } : {}
  for (let pageToken = ''; ; ) {
    const page = await members.listMembers({ network, ...at, pageSize: 10_000, pageToken }, { signal })
    all.push(...page.members)
    pageToken = page.nextPageToken
    if (!pageToken) return { all, position: Number(page.position) }
  }
}

const after = (prefix: string, principal: string): string => (principal.startsWith(prefix) ? principal.slice(prefix.length) : '')
/** The id of the person that a principal is; empty for others. */
export const personOf = (principal: string): string => after('person:', principal)
/** The name of the service that a principal is; empty for others. */
export const serviceOf = (principal: string): string => after('service:', principal)

/** The organisations that have an owner of their own, a member or whoever holds a token: those let people in alone. */
export function owned(all: readonly Member[], tokens: readonly Token[], now: number): ReadonlySet<string> {
  const isOwners = (of: { readonly role: Role }) => of.role === Role.OWNER
  const theirs = [...all.filter(isOwners), ...tokens.filter(token => isOwners(token) && !token.invitation && isValid(token, now))]
  return new Set(theirs.map(one => one.organisation).filter(Boolean))
}

/** What a caller may do with members of each organisation, or of none. */
export interface Rights {
  letsIn: (organisation: string) => boolean
  ends: (organisation: string) => boolean
  /** Of these organisations, those that somebody can be made a member of: `now` is the one that they are a member of. */
  choices: (of: Iterable<string>, now?: string) => string[]
}

export function rightsOf(caller: Caller | undefined, all: readonly Member[], tokens: readonly Token[], now: number): Rights {
  const closed = owned(all, tokens, now)
  const letsIn = (organisation: string) => caller !== undefined && mayLetIn(caller, organisation, closed.has(organisation))
  const ends = (organisation: string) => caller !== undefined && mayEnd(caller, organisation)
  const choices = (of: Iterable<string>, before?: string) => [...new Set(of)].filter(one => letsIn(one) && (before === undefined || before === one || ends(before)))
  return { letsIn, ends, choices }
}

/** What speaks for a person and ends with the membership: tokens, and invitations. */
export const tokensOf = (person: string, tokens: readonly Token[], now: number): Token[] => tokens.filter(token => person !== '' && token.person === person && isValid(token, now))

/** Whether a token gives a role of its own: it ends when its person joins. */
export const isOfRole = (token: Token): boolean => token.role !== Role.UNSPECIFIED && !token.invitation

/** Why a name or URI of a service does not fit; empty if it does. */
export const nameFault = (name: string): string => (/^[a-z0-9_-]{1,32}$/.test(name) ? '' : 'Up to 32 small letters without accents, digits, _ and -')
export const identityFault = (uri: string): string => (/^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/i.test(uri) && uri.length <= 256 ? '' : 'A URI of up to 256 characters, such as spiffe://example.org/feeds')

/** What speaks against a change, and the field where it stands; the field is empty if it is none of the form's. */
export interface Fault {
  readonly field: string
  readonly text: string
}

export function faultOf(error: unknown, fields: readonly string[] = []): Fault {
  const text = said(error)
  if (!(error instanceof KithError)) return { field: '', text }
  const field = error.reason === 'PERSON_UNKNOWN' ? 'person' : error.reason === 'ORGANISATION_UNKNOWN' ? 'organisation' : (error.field.split('.').at(-1) ?? '')
  return { field: fields.includes(field) ? field : '', text }
}

function said(error: unknown): string {
  if (!(error instanceof KithError)) return error instanceof Error ? error.message : String(error)
  switch (error.reason) {
    case 'MEMBER_UNKNOWN':
      return 'This is no member any more: somebody ended the membership meanwhile.'
    case 'ALREADY_EXISTS':
      return 'Another member signs in with this URI: give each service one of its own.'
    case 'RIGHTS_CHANGED':
      return 'What you may do here has just changed, and this may have been recorded: look at the list before you try again.'
  }
  const isUnsure = !error.hadNoEffect && (error.kind === 'unreachable' || error.kind === 'timed_out')
  return sentence(error.message) + (isUnsure ? ' It may have been recorded: look at the list before you try again.' : '')
}

/** Runs a call; throws what the server says against it, in words. */
export const saying = <T>(call: Promise<T>): Promise<T> => call.catch((error: unknown) => Promise.reject(new Error(said(error))))
