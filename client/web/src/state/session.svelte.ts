// Who is signed in. The session is a cookie that scripts cannot read; `WhoAmI` says whose it is.
import { KithError } from 'kith-client'
import { may, mayErase, mayLift, mayRetract, type Action, type Caller, type Recorded } from './access'
import { base, server } from './server'

export interface Me extends Caller {
  readonly credential: string
  readonly networks: readonly string[]
  readonly sessionEndsAt: number | undefined
  readonly serverVersion: string
}

/** `asking` until the first answer; `out` asks to sign in; `offline` asks again by itself. */
type Status = 'asking' | 'in' | 'out' | 'offline'

class Session {
  status = $state<Status>('asking')
  me = $state.raw<Me | undefined>()
  /** Why somebody has to sign in again, in the server's words; empty at a first visit. */
  ended = $state('')
  #retry: ReturnType<typeof setTimeout> | undefined

  async ask(network: string): Promise<void> {
    clearTimeout(this.#retry)
    try {
      const answer = await server.sessions.whoAmI({ network })
      this.me = {
        principal: answer.principal,
        role: answer.role,
        person: answer.person,
        organisation: answer.organisation,
        wholeServer: answer.reach?.server ?? false,
        networks: answer.reach?.networks ?? [],
        credential: answer.credential?.id ?? '',
        sessionEndsAt: milliseconds(answer.credential?.sessionEndsAt),
        serverVersion: answer.serverVersion,
      }
      this.status = 'in'
      this.ended = ''
    } catch (error) {
      this.#failed(error, network)
    }
  }

  #failed(error: unknown, network: string): void {
    if (isSignedOut(error)) {
      // At a first visit nothing has ended.
      this.end(this.me ? error.message : '')
    } else if (error instanceof KithError && error.reason === 'NETWORK_UNKNOWN' && network) {
      void this.ask('')
    } else {
      this.status = this.me ? 'in' : 'offline'
      this.#retry = setTimeout(() => void this.ask(network), 3000)
    }
  }

  /** Every call that is refused for its token ends the session here. */
  end(why: string): void {
    this.status = 'out'
    this.me = undefined
    this.ended = why
  }

  async signOut(): Promise<void> {
    await fetch(`${base}/session`, { method: 'DELETE', headers: { 'x-kith-console': '1' } }).catch(() => undefined)
    this.end('')
  }

  may(action: Action): boolean {
    return this.me !== undefined && may(this.me, action)
  }

  mayErase(organisation: string): boolean {
    return this.me !== undefined && mayErase(this.me, organisation)
  }

  mayLift(organisation: string): boolean {
    return this.me !== undefined && mayLift(this.me, organisation)
  }

  mayRetract(entry: Recorded): boolean {
    return this.me !== undefined && mayRetract(this.me, entry)
  }
}

/** Whether a call was refused because its token or session is not valid any more. */
export const isSignedOut = (error: unknown): error is KithError => error instanceof KithError && error.code === UNAUTHENTICATED
const UNAUTHENTICATED = 16

const milliseconds = (time: { seconds: bigint } | undefined): number | undefined => time && Number(time.seconds) * 1000

export const session = new Session()
