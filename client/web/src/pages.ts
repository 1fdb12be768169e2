// Every page: where it is, what it is called, who sees it, and the code that is loaded when it opens. A page gets nothing
// handed in: it reads `place`, and asks.
import type { Component } from 'svelte'
import type { Action } from './state/access'
import type { IconName } from './ui/icons'

export interface Page {
  /** The first part of its path after the network; empty is Today. */
  readonly path: string
  readonly name: string
  readonly icon: IconName
  /** The key after `g`; empty for pages that need to be told what they are about. */
  readonly key: string
  readonly load: (rest: readonly string[]) => Promise<{ default: Component }>
  /** Only for callers who may do one of these. */
  readonly needs?: readonly Action[]
  /** Those who speak for a person find something of their own there, whatever they may do. */
  readonly isOfPerson?: boolean
  /** It stands below the line. */
  readonly isLow?: boolean
  /** It has no place in the rail, but stands for pages that are reached from others. */
  readonly under?: string
}

export const pages: readonly Page[] = [
  { path: '', name: 'Today', icon: 'today', key: 't', load: () => import('./pages/Today.svelte') },
  { path: 'network', name: 'Network', icon: 'network', key: 'n', load: () => import('./pages/Network.svelte') },
  { path: 'people', name: 'People', icon: 'people', key: 'p', load: ([id]) => (id ? import('./pages/Person.svelte') : import('./pages/People.svelte')) },
  { path: 'pairs', name: 'Two people', icon: 'people', key: '', load: () => import('./pages/Pair.svelte'), under: 'people' },
  { path: 'organisations', name: 'Organisations', icon: 'organisation', key: 'b', load: ([a, b]) => (b ? import('./pages/Bridge.svelte') : a ? import('./pages/Organisation.svelte') : import('./pages/Organisations.svelte')), under: 'network' },
  { path: 'follow-ups', name: 'Follow-ups', icon: 'follow', key: 'f', load: () => import('./pages/FollowUps.svelte') },
  { path: 'introductions', name: 'Introductions', icon: 'intro', key: 'i', load: () => import('./pages/Introductions.svelte') },
  { path: 'views', name: 'Views and reports', icon: 'views', key: 'v', load: ([name, why]) => (why === 'why' ? import('./pages/Why.svelte') : name ? import('./pages/View.svelte') : import('./pages/Views.svelte')) },
  { path: 'log', name: 'Log', icon: 'log', key: 'l', load: ([position]) => (position ? import('./pages/Entry.svelte') : import('./pages/Log.svelte')) },
  { path: 'audit', name: 'Audit', icon: 'audit', key: 'd', load: () => import('./pages/Audit.svelte'), isLow: true },
  { path: 'plugins', name: 'Plugins', icon: 'plugins', key: 'u', load: ([name]) => (name ? import('./pages/Plugin.svelte') : import('./pages/Plugins.svelte')), needs: ['change plugin of network', 'change plugin of organisation'], isLow: true },
  { path: 'operations', name: 'Operations', icon: 'operations', key: 'o', load: () => import('./pages/Operations.svelte'), needs: ['operate server'], isLow: true },
  { path: 'members', name: 'Members', icon: 'members', key: 'm', load: () => import('./pages/Members.svelte'), isLow: true },
  { path: 'access', name: 'Access', icon: 'access', key: 'a', load: () => import('./pages/Access.svelte'), needs: ['administer tokens'], isOfPerson: true, isLow: true },
]

/** Whether a page is for somebody. */
export const isFor = (page: Page, who: { may: (action: Action) => boolean; me: { readonly person: string } | undefined }): boolean =>
  !page.needs || page.needs.some(action => who.may(action)) || (page.isOfPerson === true && !!who.me?.person)

export const pageAt = (path: string): Page | undefined => pages.find(page => page.path === path)
