// The live end of the network's log, as state of the page: how long the log is, whether the page hears of it, and who wants
// to know when it has grown. One stream serves all tabs of a browser.
import type { TailState, Tick } from 'kith-client'
import { base, server } from './server'
import { session } from './session.svelte'

const GROWTH_EVERY_MS = 1000
/** A stream that breaks for so short a time is not told to anybody. */
const QUIET_MS = 3000
const TROUBLES = ['LOG_POISONED', 'LOG_ROLLED_BACK', 'SHUTTING_DOWN']

class Tail {
  /** The log's last position; undefined until it is known. */
  head = $state<number | undefined>()
  /** Since when the page does not hear of new entries; undefined while it does. */
  lostAt = $state<number | undefined>()
  /** The newest signed checkpoint, as a note. */
  checkpoint = $state.raw<string | undefined>()
  /** The log continues another history than the one that this page knew. */
  isRestored = $state(false)
  /** What the server says is wrong with it. */
  trouble = $state.raw<TailState['error']>()

  #network = ''
  #stop: AbortController | undefined
  readonly #growth = new Set<() => void>()
  readonly #directory = new Set<() => void>()
  #hasGrown = false
  #timer: ReturnType<typeof setTimeout> | undefined
  #lost: ReturnType<typeof setTimeout> | undefined

  constructor() {
    document.addEventListener('visibilitychange', () => this.#tellGrowth())
  }

  /** Follows a network; an empty name follows nothing. */
  follow(network: string): void {
    if (network === this.#network) return
    this.#stop?.abort()
    clearTimeout(this.#lost)
    this.#lost = undefined
    Object.assign(this, { head: undefined, lostAt: undefined, checkpoint: undefined, isRestored: false, trouble: undefined })
    this.#network = network
    if (!network) return
    const { signal } = (this.#stop = new AbortController())
    void this.#start(network, `${base} ${network} ${session.me?.credential ?? ''}`, signal)
  }

  /** The stream is loaded once the page stands. */
  async #start(network: string, name: string, signal: AbortSignal): Promise<void> {
    const { followTail } = await import('./follow')
    if (signal.aborted) return
    const onTick = (tick: Tick) => signal.aborted || this.#hear(tick)
    const onState = (state: TailState) => signal.aborted || this.#become(state)
    followTail({ log: server.log, network, name, signal, onTick, onState })
  }

  /** Calls back when the log has grown: at most once a second, and in a hidden tab when it is shown again. */
  onGrowth(call: () => void): () => void {
    this.#growth.add(call)
    return () => this.#growth.delete(call)
  }

  /** Calls back when people, organisations or administration have changed. */
  onDirectory(call: () => void): () => void {
    this.#directory.add(call)
    return () => this.#directory.delete(call)
  }

  #hear(tick: Tick): void {
    this.isRestored ||= tick.reset
    if (tick.checkpoint) this.checkpoint = tick.checkpoint
    if (tick.entries.length > 0 || tick.reset) for (const call of this.#directory) call()
    const isNews = this.head !== undefined && tick.head !== this.head
    this.head = tick.head
    if (!isNews) return
    this.#hasGrown = true
    this.#timer ??= setTimeout(() => this.#tellGrowth(), GROWTH_EVERY_MS)
  }

  #tellGrowth(): void {
    this.#timer = undefined
    if (!this.#hasGrown || document.hidden) return
    this.#hasGrown = false
    for (const call of this.#growth) call()
  }

  #become({ connected, since, error }: TailState): void {
    if (error?.reason === 'TOKEN_INVALID') return session.end(error.message)
    this.trouble = error && TROUBLES.includes(error.reason) ? error : undefined
    if (connected) {
      clearTimeout(this.#lost)
      this.#lost = undefined
      this.lostAt = undefined
    } else {
      this.#lost ??= setTimeout(() => (this.lostAt = since), QUIET_MS)
    }
  }
}

export const tail = new Tail()
