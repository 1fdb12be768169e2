// What the page hands out itself, as a file or to the clipboard: nothing is asked of the server.
import type { Standing } from 'kith-client'
import { sentence } from '../words/value'
import { toasts } from './toast.svelte'

export function save(name: string, type: string, content: BlobPart): void {
  const address = URL.createObjectURL(new Blob([content], { type }))
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}

/** Both checkpoints of a log that contradicts what was kept of it: evidence for whoever runs it. */
export function saveBoth(network: string, { kept, found, why }: Exclude<Standing, { state: 'verified' }>): void {
  save(`kith-${network}-checkpoints.txt`, 'text/plain', `${sentence(why)}\n\nkept by this browser, signed by ${kept.key}\n${kept.checkpoint}\nshown by the server now, signed by ${found.key}\n${found.checkpoint}`)
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
