// Keys of the whole console and of the page that is open. Single keys are off in fields and can be switched off
// altogether; `g` waits for the next key however long it takes.
import { untrack } from 'svelte'
import { place } from './place.svelte'
import { prefs } from './prefs.svelte'

export interface Key {
  /** As `KeyboardEvent.key` says it. */
  readonly key: string
  /** What it does, for the list of all keys. */
  readonly about: string
  readonly run: () => void
}

class Keys {
  /** The layers of keys, the newest last: a page's, a dialog's. */
  #layers = $state.raw<readonly (readonly Key[])[]>([])
  /** Whether `g` was pressed and the next key is a destination. */
  isGoing = $state(false)

  constructor() {
    window.addEventListener('keydown', event => this.#press(event))
  }

  get all(): readonly Key[] {
    return this.#layers.flat()
  }

  /** Adds keys until the returned function is called. */
  add(keys: readonly Key[]): () => void {
    this.#layers = [...this.#layers, keys]
    return () => untrack(() => (this.#layers = this.#layers.filter(layer => layer !== keys)))
  }

  #press(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
    if (prefs.keysOff || isField(event.target) || document.querySelector('dialog[open]') || place.get('record')) return
    const found = this.#layers.findLast(layer => layer.some(key => key.key === event.key))?.find(key => key.key === event.key)
    if (!found) return
    event.preventDefault()
    found.run()
  }
}

const isField = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) && !(target instanceof HTMLInputElement && ['checkbox', 'radio', 'button', 'range'].includes(target.type))

export const keys = new Keys()

/** Keys of a component, as long as it is there. Called while it is made. */
export function useKeys(list: () => readonly Key[]): void {
  $effect(() => {
    const added = list()
    return untrack(() => keys.add(added))
  })
}
