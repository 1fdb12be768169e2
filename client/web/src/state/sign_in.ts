// Exchanges a token's secret, or a code of `kith console`, for a session. Neither is kept.
import { base } from './server'
import { session } from './session.svelte'

const WORDS_MAX = 300

/** Signs in. Throws what the server says against it. */
export async function signIn(by: { readonly token: string } | { readonly code: string }): Promise<void> {
  const headers: Record<string, string> = { 'x-kith-console': '1' }
  if ('token' in by) headers['authorization'] = `Bearer ${by.token}`
  const body = 'code' in by ? new URLSearchParams({ code: by.code }) : undefined
  const response = await fetch(`${base}/session`, { method: 'POST', headers, body, cache: 'no-store' }).catch(() => undefined)
  if (!response) throw new Error('The server cannot be reached.')
  if (!response.ok) throw new Error(await said(response))
  session.status = 'asking'
  await session.ask('')
}

async function said(response: Response): Promise<string> {
  const text = response.headers.get('content-type')?.startsWith('text/plain') ? (await response.text()).trim() : ''
  return text.slice(0, WORDS_MAX) || `The server answered with HTTP status ${response.status}.`
}
