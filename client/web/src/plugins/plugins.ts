// Plugins: their calls, and what their versions are to each other. Loaded with the pages that show them.
import { calls } from 'kith-client'
import { Scope } from 'kith-client/gen/event'
import { PluginService, type Plugin, type PluginVersion, type UnseenPlugin } from 'kith-client/gen/plugin'
import type { View } from 'kith-client/gen/view'
import { connection } from '../state/server'
import { listViews } from '../state/views'
import { standingOf, type Standing } from '../words/views'

export const pluginCalls = calls(connection, PluginService)

/** The plugins that somebody installed, the views that are built in, and what owners may not see but end. */
export interface All {
  readonly plugins: readonly Plugin[]
  readonly builtIn: readonly View[]
  readonly unseen: readonly UnseenPlugin[]
  readonly head: number
}

export async function listAll(network: string, signal: AbortSignal): Promise<All> {
  const [plugins, views] = await Promise.all([listPlugins(network, signal), listViews(network, signal)])
  const names = new Set(plugins.plugins.map(plugin => plugin.name))
  return { ...plugins, builtIn: views.filter(view => !names.has(view.name)) }
}

async function listPlugins(network: string, signal: AbortSignal): Promise<Omit<All, 'builtIn'>> {
  const first = await pluginCalls.listPlugins({ network }, { signal })
  const plugins = [...first.plugins]
  for (let pageToken = first.nextPageToken; pageToken; ) {
    const page = await pluginCalls.listPlugins({ network, pageToken }, { signal })
    plugins.push(...page.plugins)
    pageToken = page.nextPageToken
  }
  return { plugins, unseen: first.unseen, head: Number(first.head) }
}

/** The version that answers. */
export const answering = (plugin: Plugin): PluginVersion | undefined => plugin.versions.find(version => version.active)

export const newest = (plugin: Plugin): PluginVersion | undefined => plugin.versions.at(-1)

/** The version that a rollback would make answer. */
export const previous = (plugin: Plugin): PluginVersion | undefined => plugin.versions.find(version => version.before)

export const isOfOrganisation = (plugin: Plugin): boolean => plugin.scope === Scope.ORGANISATION

/** How a version is doing. Views are kept for the version that answers, the previous one and the newest. */
export function standingOfVersion(version: PluginVersion): Standing {
  if (version.problem) return { name: 'does not run', tone: 'late', icon: 'warn' }
  return version.view ? standingOf(version.view) : { name: 'no view is kept', tone: '', icon: 'minus' }
}

/** A setting, and what it is in each version; undefined where a version leaves it to the plugin. */
export interface Setting {
  readonly name: string
  readonly values: readonly (string | undefined)[]
  readonly differs: boolean
}

/** Every setting that a version names, those within others by their path. */
export function settingsOf(versions: readonly { readonly settings: string }[]): Setting[] {
  const all = versions.map(version => flat(read(version.settings)))
  const names = [...new Set(all.flatMap(one => [...one.keys()]))]
  return names.map(name => {
    const values = all.map(one => one.get(name))
    return { name, values, differs: new Set(values).size > 1 }
  })
}

function read(settings: string): unknown {
  try {
    return JSON.parse(settings || '{}')
  } catch {
    return settings
  }
}

function flat(value: unknown, path = '', found = new Map<string, string>()): Map<string, string> {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) for (const [name, inner] of Object.entries(value)) flat(inner, path ? `${path}.${name}` : name, found)
  else if (path || value !== undefined) found.set(path || 'settings', JSON.stringify(value))
  return found
}

/** Bytes in one message of an upload. */
const PIECE_BYTES = 256 * 1024

/** The messages of an upload: the first says what it is, all carry bytes of it. */
export async function* pieces<P>(plugin: P, file: Blob | undefined): AsyncGenerator<{ plugin?: P; data?: Uint8Array }> {
  yield { plugin }
  for (let at = 0; file && at < file.size; at += PIECE_BYTES) yield { data: new Uint8Array(await file.slice(at, at + PIECE_BYTES).arrayBuffer()) }
}
