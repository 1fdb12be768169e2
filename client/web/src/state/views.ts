// The views of a network with how they are doing, on as many pages as it takes.
import type { View } from 'kith-client/gen/view'
import { server } from './server'

export async function listViews(network: string, signal: AbortSignal): Promise<View[]> {
  const views: View[] = []
  for (let pageToken = ''; ; ) {
    const page = await server.views.listViews({ network, pageToken }, { signal })
    views.push(...page.views)
    pageToken = page.nextPageToken
    if (!pageToken) return views
  }
}
