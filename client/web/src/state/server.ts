// The calls of the server that this page came from, below whatever prefix a proxy puts it. The session's cookie says who
// calls; this page never holds a token. Calls that few pages make stand in modules of their own and are loaded with them:
// calls(connection, PluginService) in state/plugins.ts.
import { calls, type Connection } from 'kith-client'
import { AuditService } from 'kith-client/gen/audit'
import { DirectoryService } from 'kith-client/gen/directory'
import { LogService } from 'kith-client/gen/log'
import { NetworkService } from 'kith-client/gen/network'
import { SessionService } from 'kith-client/gen/session'
import { ViewService } from 'kith-client/gen/view'

export const base = new URL('.', location.href).href.replace(/[?#].*$/, '').replace(/\/$/, '')

export const connection: Connection = { server: base }

export const server = {
  audit: calls(connection, AuditService),
  directory: calls(connection, DirectoryService),
  log: calls(connection, LogService),
  networks: calls(connection, NetworkService),
  sessions: calls(connection, SessionService),
  views: calls(connection, ViewService),
}
