// Figures since the page was opened: the server keeps no history of them.

import { untrack } from 'svelte'

/** As many as a small chart shows. */
const KEPT_MAX = 120

interface Sample {
  readonly at: number
  readonly figures: Readonly<Record<string, number>>
}

export class Since {
  #samples = $state.raw<readonly Sample[]>([])

  /** Adds figures of a time; those of the same time are those that are there. An effect that adds is not run again by it. */
  add(at: number, figures: Readonly<Record<string, number>>): void {
    const samples = untrack(() => this.#samples)
    if (samples.at(-1)?.at !== at) this.#samples = [...samples, { at, figures }].slice(-KEPT_MAX)
  }

  /** A figure, oldest first. */
  values(name: string): number[] {
    return this.#samples.flatMap(({ figures }) => figures[name] ?? [])
  }

  /** How much a count grew a second, from each time to the next. A count that fell began anew. */
  rates(name: string): number[] {
    return this.#steps((before, after) => ((after.figures[name] ?? 0) - (before.figures[name] ?? after.figures[name] ?? 0)) / ((after.at - before.at) / 1000))
  }

  /** How much a count grew a second, over all that is kept. */
  rate(name: string): number {
    const rates = this.rates(name)
    return rates.length > 0 ? rates.reduce((sum, one) => sum + one, 0) / rates.length : 0
  }

  /** How much one count grew for each one of another, from each time to the next; where that stood still, as before. */
  shares(name: string, of: string): number[] {
    let last = 0
    return this.#steps((before, after) => {
      const grown = (after.figures[of] ?? 0) - (before.figures[of] ?? 0)
      if (grown > 0) last = ((after.figures[name] ?? 0) - (before.figures[name] ?? 0)) / grown
      return last
    })
  }

  #steps(step: (before: Sample, after: Sample) => number): number[] {
    return this.#samples.slice(1).map((after, i) => Math.max(0, step(this.#samples[i]!, after)))
  }
}
