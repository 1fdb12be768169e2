// What the page hands out itself, as a file or to the clipboard: nothing is asked of the server.
import { toasts } from './toast.svelte'

export function save(name: string, type: string, content: BlobPart): void {
  const address = URL.createObjectURL(new Blob([content], { type }))
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}

/** Copies a text, and says so; whether it was copied. Pages without TLS may not, and say that. */
export async function copy(text: string, what: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    toasts.say(`${what} is copied`)
    return true
  } catch {
    toasts.say('This browser does not let this page copy: select the text and copy it', { isFault: true })
    return false
  }
}
