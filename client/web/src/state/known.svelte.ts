// The log as this browser first saw it. Its key and newest verified checkpoint are kept, every newer one must continue
// them, and nothing is overwritten by what contradicts until the person says so.
import { KnownLog, type Entry, type KeptLog, type Standing } from 'kith-client'
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

  #log: KnownLog | undefined
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
    this.#log = network ? new KnownLog(server.audit, network, store, base) : undefined
    if (this.#log) void this.check()
  }

  /** Holds the newest checkpoint against what is kept. */
  async check(note?: string): Promise<void> {
    const log = this.#log
    if (!log || this.isChecking) return
    this.isChecking = true
    this.#checkedAt = Date.now()
    try {
      const standing = note ? await log.hear(note) : await log.check()
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
  accept(): void {
    if (!this.#log || !this.standing) return
    this.standing = { state: 'verified', kept: this.#log.accept(this.standing) }
  }

  /** Proves that an entry is in the log with these very bytes. Throws what speaks against it. */
  async prove(entry: Pick<Entry, 'event' | 'position' | 'bytes'>, signal?: AbortSignal) {
    if (!this.#log) throw new Error('no log is open')
    const receipt = await this.#log.prove(entry, signal)
    const kept = this.#log.kept
    if (kept && this.isVerified) this.standing = { state: 'verified', kept }
    return receipt
  }
}

export const known = new Known()
