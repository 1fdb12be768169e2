// What the browser keeps about this person's liking: nothing about anybody else.

export type Theme = 'system' | 'light' | 'dark'

interface Kept {
  theme: Theme
  /** Times in UTC instead of the own zone. */
  utc: boolean
  /** Single keys are off. */
  keysOff: boolean
  /** Pseudonyms instead of names, for shared screens. */
  namesOff: boolean
}

const KEY = 'kith.prefs'
const FIRST: Kept = { theme: 'system', utc: false, keysOff: false, namesOff: false }

function read(): Kept {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}')
    const kept = found && typeof found === 'object' ? (found as Partial<Kept>) : {}
    return {
      theme: kept.theme === 'light' || kept.theme === 'dark' ? kept.theme : 'system',
      utc: kept.utc === true,
      keysOff: kept.keysOff === true,
      namesOff: kept.namesOff === true,
    }
  } catch {
    return FIRST
  }
}

class Prefs {
  #kept = $state.raw(read())

  constructor() {
    this.#show()
    window.addEventListener('storage', event => {
      if (event.key !== KEY) return
      this.#kept = read()
      this.#show()
    })
  }

  get theme() { return this.#kept.theme }
  get utc() { return this.#kept.utc }
  get keysOff() { return this.#kept.keysOff }
  get namesOff() { return this.#kept.namesOff }

  set(change: Partial<Kept>): void {
    this.#kept = { ...this.#kept, ...change }
    this.#show()
    try {
      localStorage.setItem(KEY, JSON.stringify(this.#kept))
    } catch {
      // A browser that keeps nothing: it holds for this page.
    }
  }

  #show(): void {
    const { theme } = this.#kept
    if (theme === 'system') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = theme
  }
}

export const prefs = new Prefs()
