// Where the console is: network, page, rest of the path, and state, all in the fragment. The server sees none of it, so
// ids of people reach no log of addresses, and every address opens again as the same picture.

/** A place in the console. `page` is empty for Today; `login` and `operations` have no network. */
export interface Place {
  readonly network: string
  readonly page: string
  readonly rest: readonly string[]
  readonly state: Readonly<Record<string, string>>
}

/** Pages that belong to the server and not to a network. */
export const SERVER_PAGES: readonly string[] = ['login', 'operations']

const LENGTH_MAX = 4096

/** The place that a fragment names. What cannot be read is left out. */
export function parse(hash: string): Place {
  const text = hash.slice(0, LENGTH_MAX).replace(/^#?\/?/, '')
  const [path, query = ''] = splitOnce(text, '?')
  const parts = path.split('/').map(decoded).filter(part => part !== '')
  const state: Record<string, string> = {}
  for (const [name, value] of new URLSearchParams(query)) if (value !== '') state[name] = value
  const [first = '', ...others] = parts
  if (SERVER_PAGES.includes(first)) return { network: '', page: first, rest: others, state }
  const [page = '', ...rest] = others
  return { network: first, page, rest, state }
}

/** The fragment of a place: equal places have equal fragments. */
export function format({ network, page, rest, state }: Place): string {
  const parts = (SERVER_PAGES.includes(page) ? [page, ...rest] : [network, page, ...rest]).filter(part => part !== '')
  const query = new URLSearchParams(Object.entries(state).filter(([, value]) => value !== '').sort(([a], [b]) => (a < b ? -1 : 1)))
  const path = parts.map(encodeURIComponent).join('/').replaceAll('%40', '@')
  const text = query.toString().replaceAll('%2C', ',')
  return `#/${path}${text && '?'}${text}`
}

/** The same place with other state; null takes a part out. */
export function changed(place: Place, change: Readonly<Record<string, string | null>>): Place {
  const state = { ...place.state }
  for (const [name, value] of Object.entries(change)) {
    if (value === null || value === '') delete state[name]
    else state[name] = value
  }
  return { ...place, state }
}

function splitOnce(text: string, by: string): [string, string?] {
  const at = text.indexOf(by)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return ''
  }
}
