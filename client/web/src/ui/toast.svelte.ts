// Short messages at the edge of the page, with at most one thing to do about them.

export interface Toast {
  readonly id: number
  readonly text: string
  readonly action?: { readonly label: string; readonly run: () => void }
  readonly isFault?: boolean
}

const STAY_MS = 10_000
const MOST = 3

class Toasts {
  list = $state.raw<readonly Toast[]>([])
  #next = 1

  say(text: string, more: Omit<Toast, 'id' | 'text'> = {}): void {
    const toast = { id: this.#next++, text, ...more }
    this.list = [...this.list, toast].slice(-MOST)
    setTimeout(() => this.close(toast.id), STAY_MS)
  }

  close(id: number): void {
    this.list = this.list.filter(toast => toast.id !== id)
  }
}

export const toasts = new Toasts()
