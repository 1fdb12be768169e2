// The current place as state of the page, and how to change it. A page, a selection, a filter is an entry of the
// browser's history; what moves, such as a slider, replaces the entry.
import { changed, format, parse, SERVER_PAGES, type Place } from './route'

class Current {
  place = $state.raw<Place>(parse(location.hash))

  constructor() {
    window.addEventListener('hashchange', () => this.#show(parse(location.hash)))
    window.addEventListener('popstate', () => this.#show(parse(location.hash)))
  }

  /** The network that was open last: pages of the server lead back to it. */
  #last = $state(this.place.network)

  #show(place: Place): void {
    this.place = place
    if (place.network) this.#last = place.network
  }

  get network(): string {
    return this.place.network
  }

  /** The network that pages of the server lead back to; empty until there is one. */
  get home(): string {
    return this.#last
  }

  /** Names the network that pages of the server lead to, for an address without one. */
  lead(network: string): void {
    this.#last ||= network
  }

  get page(): string {
    return this.place.page
  }

  get rest(): readonly string[] {
    return this.place.rest
  }

  /** A part of the state; empty if it is not set. */
  get(name: string): string {
    return this.place.state[name] ?? ''
  }

  /** A part of the state that is a list. */
  list(name: string): string[] {
    return this.get(name).split(',').filter(Boolean)
  }

  /** Changes parts of the state; null takes a part out. */
  set(change: Record<string, string | null>, { replace = false } = {}): void {
    this.go(changed(this.place, change), { replace })
  }

  go(place: Place, { replace = false } = {}): void {
    const fragment = format(place)
    if (fragment === format(this.place)) return
    if (replace) history.replaceState(null, '', fragment)
    else history.pushState(null, '', fragment)
    this.#show(place)
  }

  /** Opens a page of this network. */
  open(page: string, ...rest: string[]): void {
    this.go(parse(this.link(page, ...rest)))
  }

  /** The address of a page of this network. */
  link(page: string, ...rest: string[]): string {
    return this.linkWith({}, page, ...rest)
  }

  /** The address of a page of this network with state. */
  linkWith(state: Record<string, string>, page: string, ...rest: string[]): string {
    return format({ network: SERVER_PAGES.includes(page) ? '' : this.#last, page, rest, state })
  }

  /** The address of this page with other state. */
  here(change: Record<string, string | null>): string {
    return format(changed(this.place, change))
  }
}

export const place = new Current()
