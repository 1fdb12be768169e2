// The calls of the server that this page came from, below whatever prefix a proxy puts it. The session's cookie says who
// calls; this page never holds a token.
import { services } from 'kith-client'

export const base = new URL('.', location.href).href.replace(/[?#].*$/, '').replace(/\/$/, '')

export const server = services({ server: base })
