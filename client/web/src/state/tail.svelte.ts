// The live end of the network's log: one stream for a browser. One tab leads and tells the others; without locks (a page
// without TLS) each tab has its own. The filter lets no entry through but those of the directory and administration, so a
// message is a tick: how long the log is now, and at times a signed checkpoint.
import { KithError } from 'kith-client'
import { base, server } from './server'
import { isSignedOut, session } from './session.svelte'

/** What the leading tab tells the others. */
interface Tick {
  readonly head?: number
  readonly incarnation?: string
  readonly isLive: boolean
  /** Entries of the directory or of administration were among the new ones. */
  readonly directory?: boolean
  /** A signed checkpoint, as text. */
  readonly checkpoint?: string
  /** The log continues another history than the one this tail knew. */
  readonly isRestored?: boolean
  /** What the server says of itself: `LOG_POISONED`, `LOG_ROLLED_BACK`, `SHUTTING_DOWN` with its words. */
  readonly trouble?: { readonly reason: string; readonly message: string }
}

const NOTHING = 'custom:kith.console/none.v1'
const SILENCE_MS = 40_000
const WAITS_MS = [1000, 2000, 4000, 8000, 15_000, 30_000]
const GROWTH_EVERY_MS = 1000
/** A stream that breaks for so long only is not told to anybody. */
const QUIET_MS = 3000

class Tail {
  /** The log's last position; undefined until it is known. */
  head = $state<number | undefined>()
  /** Whether the page hears of new entries. */
  isLive = $state(true)
  /** Since when it does not. */
  lostAt = $state<number | undefined>()
  checkpoint = $state.raw<string | undefined>()
  isRestored = $state(false)
  trouble = $state.raw<Tick['trouble']>()

  #network = ''
  #incarnation = ''
  #stop: AbortController | undefined
  #channel: BroadcastChannel | undefined
  #growth = new Set<() => void>()
  #directory = new Set<() => void>()
  #grown = false
  #timer: ReturnType<typeof setTimeout> | undefined
  #lost: ReturnType<typeof setTimeout> | undefined

  constructor() {
    document.addEventListener('visibilitychange', () => this.#tellGrowth())
  }

  /** Follows a network; an empty name follows nothing. */
  follow(network: string): void {
    if (network === this.#network) return
    this.#stop?.abort()
    this.#channel?.close()
    Object.assign(this, { head: undefined, isLive: true, lostAt: undefined, checkpoint: undefined, isRestored: false, trouble: undefined })
    this.#network = network
    this.#incarnation = ''
    if (!network) return
    const stop = (this.#stop = new AbortController())
    const name = `kith tail ${base} ${network}`
    if ('BroadcastChannel' in globalThis) {
      this.#channel = new BroadcastChannel(name)
      this.#channel.onmessage = ({ data }: MessageEvent<Tick>) => this.#hear(data)
    }
    if ('locks' in navigator) void navigator.locks.request(name, { signal: stop.signal }, () => this.#lead(network, stop.signal)).catch(() => undefined)
    else void this.#lead(network, stop.signal)
    void this.#readHead(network, stop.signal)
  }

  /** Calls back when the log has grown: at most once a second, and in a hidden tab when it is shown again. */
  onGrowth(call: () => void): () => void {
    this.#growth.add(call)
    return () => this.#growth.delete(call)
  }

  /** Calls back when people, organisations or administration may have changed. */
  onDirectory(call: () => void): () => void {
    this.#directory.add(call)
    return () => this.#directory.delete(call)
  }

  /** A tab that does not lead asks once where the log is. */
  async #readHead(network: string, signal: AbortSignal): Promise<void> {
    try {
      const { position } = await server.log.head({ network }, { signal })
      if (this.head === undefined && !signal.aborted) this.head = Number(position)
    } catch {
      // The stream says what is wrong.
    }
  }

  async #lead(network: string, signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      try {
        await this.#stream(network, signal, () => (failures = 0))
      } catch (error) {
        if (signal.aborted || this.#isOver(error)) return
      }
      const wait = WAITS_MS[Math.min(failures++, WAITS_MS.length - 1)]!
      await sleep(wait * (0.75 + Math.random() / 2), signal)
    }
  }

  async #stream(network: string, signal: AbortSignal, works: () => void): Promise<void> {
    const start = await server.log.head({ network }, { signal })
    this.#tell({ head: Number(start.position), incarnation: hex(start.incarnation), isLive: true })
    const cursor = { position: start.position, incarnation: start.incarnation }
    const request = { network, cursor, filter: { kinds: [NOTHING] }, withCheckpoints: true }
    for await (const message of server.log.subscribe(request, { signal, timeoutMs: SILENCE_MS })) {
      works()
      this.#tell({
        isLive: true,
        directory: message.entries.length > 0,
        ...(message.cursor && { head: Number(message.cursor.position) }),
        ...(message.checkpoint && { checkpoint: message.checkpoint.checkpoint }),
      })
    }
  }

  /** Whether trying again is of no use; says what is wrong otherwise. */
  #isOver(error: unknown): boolean {
    if (!(error instanceof KithError)) return false
    if (isSignedOut(error)) session.end(error.message)
    const trouble = ['LOG_POISONED', 'LOG_ROLLED_BACK', 'SHUTTING_DOWN'].includes(error.reason) ? { reason: error.reason, message: error.message } : undefined
    this.#tell({ isLive: false, ...(trouble && { trouble }) })
    return ['TOKEN_INVALID', 'NETWORK_UNKNOWN', 'PERMISSION_DENIED'].includes(error.reason)
  }

  #tell(tick: Tick): void {
    this.#channel?.postMessage(tick)
    this.#hear(tick)
  }

  #hear(tick: Tick): void {
    this.#setLive(tick.isLive)
    this.trouble = tick.trouble ?? (tick.isLive ? undefined : this.trouble)
    if (tick.incarnation) {
      this.isRestored ||= this.#incarnation !== '' && this.#incarnation !== tick.incarnation
      this.#incarnation = tick.incarnation
    }
    if (tick.checkpoint) this.checkpoint = tick.checkpoint
    if (tick.directory) for (const call of this.#directory) call()
    if (tick.head === undefined || tick.head === this.head) return
    const isFirst = this.head === undefined
    this.head = tick.head
    if (isFirst) return
    this.#grown = true
    this.#timer ??= setTimeout(() => this.#tellGrowth(), GROWTH_EVERY_MS)
  }

  #tellGrowth(): void {
    this.#timer = undefined
    if (!this.#grown || document.hidden) return
    this.#grown = false
    for (const call of this.#growth) call()
  }

  #setLive(isLive: boolean): void {
    if (isLive) {
      clearTimeout(this.#lost)
      this.#lost = undefined
      this.isLive = true
      this.lostAt = undefined
    } else if (this.isLive && this.#lost === undefined) {
      const at = Date.now()
      this.#lost = setTimeout(() => {
        this.isLive = false
        this.lostAt = at
      }, QUIET_MS)
    }
  }
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')

const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise(done => {
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', () => (clearTimeout(timer), done()), { once: true })
  })

export const tail = new Tail()
