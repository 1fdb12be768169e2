// The log as this browser first saw it. Its key and newest verified checkpoint are kept, every newer one must continue
// them, and nothing is overwritten by what contradicts until the person says so.
import type { Entry, Growth, KeptLog, KnownLog, Receipt, SignedCheckpoint, Standing } from 'kith-client'
import { base, server } from './server'

const EVERY_MS = 10_000
const RETRY_MS = 15_000

/** Where logs are kept; a browser that keeps nothing still verifies, from the page's first sight on. */
const store = {
  getItem: (name: string): string | null => {
    try {
      return localStorage.getItem(name)
    } catch {
      return null
    }
  },
  setItem: (name: string, value: string): void => localStorage.setItem(name, value),
}

class Known {
  /** How the log stands; undefined until it was checked. */
  standing = $state.raw<Standing | undefined>()
  isChecking = $state(false)
  /** Why the last check did not come to an end. */
  error = $state('')

  /** Verification is loaded once the page stands. */
  #log: Promise<KnownLog> | undefined
  #network = ''
  #checkedAt = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  /** What is kept of the log. */
  get kept(): KeptLog | undefined {
    return this.standing?.kept
  }

  get isVerified(): boolean {
    return this.standing?.state === 'verified'
  }

  open(network: string): void {
    if (network === this.#network) return
    this.#network = network
    clearTimeout(this.#timer)
    Object.assign(this, { standing: undefined, isChecking: false, error: '' })
    this.#checkedAt = 0
    this.#log = network ? openLog(network) : undefined
    if (this.#log) void this.check()
  }

  /** Holds the newest checkpoint against what is kept. */
  async check(note?: string): Promise<void> {
    const log = this.#log
    if (!log || this.isChecking) return
    this.isChecking = true
    this.#checkedAt = Date.now()
    try {
      const known = await log
      const standing = note ? await known.hear(note) : await known.check()
      if (log !== this.#log) return
      this.standing = standing
      this.error = ''
    } catch (error) {
      if (log !== this.#log) return
      this.error = error instanceof Error ? error.message : String(error)
      this.#later(RETRY_MS)
    } finally {
      if (log === this.#log) this.isChecking = false
    }
  }

  /** A checkpoint that came by itself; checked at most every ten seconds. */
  hear(note: string | undefined): void {
    if (!note || !this.isVerified) return
    this.#later(Math.max(0, this.#checkedAt + EVERY_MS - Date.now()), note)
  }

  #later(ms: number, note?: string): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.check(note), ms)
  }

  /** Takes what contradicts, because the person says so. */
  async accept(): Promise<void> {
    const log = await this.#log
    if (log && this.standing) this.standing = { state: 'verified', kept: log.accept(this.standing) }
  }

  /** Proves that an entry is in the log with these very bytes. Throws what speaks against it. */
  async prove(entry: Pick<Entry, 'event' | 'position' | 'bytes'>, signal?: AbortSignal): Promise<Receipt> {
    const log = await this.#log
    if (!log) throw new Error('no log is open')
    const receipt = await log.prove(entry, signal)
    const { kept } = log
    if (kept && this.isVerified) this.standing = { state: 'verified', kept }
    return receipt
  }

  /** Proves that the log continues an earlier checkpoint of it. Throws what speaks against it. */
  async growth(earlier: SignedCheckpoint, signal?: AbortSignal): Promise<Growth> {
    const log = await this.#log
    if (!log) throw new Error('no log is open')
    return log.growth(earlier, signal)
  }
}

async function openLog(network: string): Promise<KnownLog> {
  const { KnownLog } = await import('./verify')
  return new KnownLog(server.audit, network, store, base)
}

export const known = new Known()
