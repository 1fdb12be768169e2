// Calls for whoever runs the server, and how it stands.
import { calls } from 'kith-client'
import { AdminService, Health, type GetStatusResponse, type NetworkStatus } from 'kith-client/gen/admin'
import { connection } from '../state/server'
import type { Standing } from '../words/views'

export const admin = calls(connection, AdminService)

/** How the server is, with all its networks. */
export async function readStatus(signal: AbortSignal): Promise<GetStatusResponse> {
  const status = await admin.getStatus({}, { signal })
  const networks: NetworkStatus[] = [...status.networks]
  for (let pageToken = status.nextPageToken; pageToken; ) {
    const page = await admin.getStatus({ pageToken }, { signal })
    networks.push(...page.networks)
    pageToken = page.nextPageToken
  }
  return { ...status, networks }
}

export const standings: Readonly<Record<Health, Standing>> = {
  [Health.UNSPECIFIED]: { name: 'in an unknown state', tone: 'due', icon: 'info' },
  [Health.SERVING]: { name: 'serving', tone: 'done', icon: 'check' },
  [Health.DISK_FULL]: { name: 'read-only: the disk is full', tone: 'late', icon: 'warn' },
  [Health.ROLLED_BACK]: { name: 'read-only: the log was rolled back', tone: 'late', icon: 'warn' },
  [Health.POISONED]: { name: 'read-only: a commit failed', tone: 'late', icon: 'warn' },
}
