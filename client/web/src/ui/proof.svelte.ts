// Whether entries are in the log, checked here: their bytes against the kept checkpoint, their words against what was
// recorded with them.
import { isCommitted, type Entry } from 'kith-client'
import { known } from '../state/known.svelte'

const AT_ONCE = 6

export class Proof {
  /** By position: `proved`, or what speaks against it. */
  #found = $state.raw<ReadonlyMap<number, string>>(new Map())
  #asked = $state(0)
  #done = $state(0)

  get isRunning(): boolean {
    return this.#done < this.#asked
  }

  get progress(): { done: number; asked: number } {
    return { done: this.#done, asked: this.#asked }
  }

  of(entry: Entry): string | undefined {
    return this.#found.get(entry.position)
  }

  /** Whether all of these are proved. */
  holds(entries: readonly Entry[]): boolean {
    return entries.length > 0 && entries.every(entry => this.of(entry) === 'proved')
  }

  failures(entries: readonly Entry[]): number {
    return entries.filter(entry => (this.of(entry) ?? 'proved') !== 'proved').length
  }

  async prove(entries: readonly Entry[]): Promise<void> {
    const left = entries.filter(entry => this.of(entry) !== 'proved')
    this.#asked = left.length
    this.#done = 0
    const work = async () => {
      for (let entry = left.shift(); entry; entry = left.shift()) {
        const found = await this.#proveOne(entry)
        this.#found = new Map(this.#found).set(entry.position, found)
        this.#done++
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
  }

  async #proveOne(entry: Entry): Promise<string> {
    try {
      await known.prove(entry)
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
    return entry.details.every(detail => isCommitted(entry.event, detail)) ? 'proved' : 'its words are not those that were recorded'
  }
}
