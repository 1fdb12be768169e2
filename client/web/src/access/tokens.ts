// Tokens: all of a network's, and how each stands.
import { Role } from 'kith-client/gen/event'
import type { Token } from 'kith-client/gen/network'
import { server } from '../state/server'
import { DAY_MS } from '../words/time'
import type { Standing } from '../words/views'

/** A token that ends within so many days is marked. */
export const SOON_DAYS = 14

/** All tokens of a network; for whoever is no owner only the calendar feeds of their own person can be asked for. */
export async function listTokens(network: string, signal: AbortSignal, { feeds = false } = {}): Promise<Token[]> {
  const tokens: Token[] = []
  for (let pageToken = ''; ; ) {
    const page = await server.networks.listTokens({ network, feeds, pageSize: 10_000, pageToken }, { signal })
    tokens.push(...page.tokens)
    pageToken = page.nextPageToken
    if (!pageToken) return tokens
  }
}

type Ends = Pick<Token, 'expiresAt' | 'revokedAt'> & Partial<Pick<Token, 'invitation'>>
export const ms = (time: { readonly seconds: bigint } | undefined): number | undefined => time && Number(time.seconds) * 1000

/** Whether it is the secret of a calendar's address, and opens nothing else. */
export const isFeed = (token: Pick<Token, 'id'>): boolean => token.id.startsWith('feed-')

/** Whether it still opens anything. */
export const isValid = (token: Ends, now: number): boolean => token.revokedAt === undefined && (ms(token.expiresAt) ?? Infinity) > now

const joining = (person: string, time: Token['issuedAt']) => `${person} ${time?.seconds}.${time?.nanos}`

/** The invitations that were used up: each ends in the moment in which its person's token is issued. */
export function used(tokens: readonly Token[]): ReadonlySet<Token> {
  const issued = new Set(tokens.filter(token => token.person && token.role === Role.UNSPECIFIED).map(token => joining(token.person, token.issuedAt)))
  return new Set(tokens.filter(token => token.invitation && token.revokedAt && issued.has(joining(token.person, token.revokedAt))))
}

/** How a token stands at a time: what has ended, and what ends soon, is marked. */
export function standingOfToken(token: Ends, now: number): Standing {
  if (token.revokedAt) return { name: 'revoked', tone: 'late', icon: 'x' }
  const end = ms(token.expiresAt)
  if (end === undefined) return { name: 'valid, without an end', tone: 'done', icon: 'check' }
  if (end <= now) return { name: 'ended', tone: 'late', icon: 'warn' }
  const days = Math.floor((end - now) / DAY_MS)
  // An invitation ends soon in any case: it is no reason for a mark.
  if (token.invitation && days > 0) return { name: `open for ${days} d`, tone: 'done', icon: 'check' }
  if (days >= SOON_DAYS) return { name: 'valid', tone: 'done', icon: 'check' }
  return { name: days === 0 ? 'ends within a day' : `ends in ${days} d`, tone: 'due', icon: 'follow' }
}

/** When a token ends that is good for so many days; undefined for one without an end. */
export function endAfter(days: string, now: number): number | undefined | 'invalid' {
  const text = days.trim()
  if (text === '') return undefined
  return /^[1-9]\d{0,4}$/.test(text) ? now + Number(text) * DAY_MS : 'invalid'
}

/** A word for a shell, quoted where it has to be. */
export const quoted = (word: string): string => (/^[\w./:@-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)
