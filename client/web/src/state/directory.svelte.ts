// The people and organisations of the network, in memory only. Names are details that can be erased: a person without one
// is shown by id, as is everybody while names are off.
import { KithError } from 'kith-client'
import { server } from './server'
import { prefs } from './prefs.svelte'
import { tail } from './tail.svelte'
import { folded, visible } from '../words/value'

export interface Person {
  readonly id: string
  readonly handle: number
  /** Empty if it is not known, or erased. */
  readonly name: string
  readonly role: string
  /** Id of their organisation; may be empty. */
  readonly organisation: string
  /** Position of the entry that added them. */
  readonly position: number
  /** The person that this id means after a merge; empty without one. */
  readonly mergedInto: string
  /** Whether their words are erased: there is no name, and nothing can be recorded with them. */
  readonly isErased: boolean
}

export interface Organisation {
  readonly id: string
  readonly name: string
  /** Its colour, 0 to 7, in order of the directory: the ninth repeats the first, and the name tells. */
  readonly colour: number
}

/** Above this, people are asked for by organisation. */
const PEOPLE_MAX = 50_000
const PAGE = 10_000
const RELOAD_EVERY_MS = 2000

class Directory {
  people = $state.raw<ReadonlyMap<string, Person>>(new Map())
  organisations = $state.raw<ReadonlyMap<string, Organisation>>(new Map())
  isLoaded = $state(false)
  /** Whether the network has more people than are kept here. */
  isCut = $state(false)
  error = $state.raw<Error | undefined>()

  #network = ''
  #abort: AbortController | undefined
  #index = $derived(Array.from(this.people.values(), person => [folded(`${person.name} ${person.id}`), person] as const))
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor() {
    tail.onDirectory(() => (this.#timer ??= setTimeout(() => void this.#load(), RELOAD_EVERY_MS)))
  }

  /** Reads the directory of a network. */
  open(network: string): void {
    if (network === this.#network) return
    this.#network = network
    this.people = new Map()
    this.organisations = new Map()
    this.isLoaded = false
    void this.#load()
  }

  again(): void {
    void this.#load()
  }

  async #load(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#abort?.abort()
    const network = this.#network
    const abort = (this.#abort = new AbortController())
    if (!network) return
    try {
      const [organisations, people] = await Promise.all([readOrganisations(network, abort.signal), readPeople(network, abort.signal)])
      if (abort.signal.aborted) return
      this.organisations = new Map(organisations.map(({ id, name }, i) => [id, { id, name: visible(name), colour: i % 8 }]))
      this.people = new Map(people.map(person => [person.id, person]))
      this.isCut = people.length >= PEOPLE_MAX
      this.isLoaded = true
      this.error = undefined
    } catch (error) {
      if (abort.signal.aborted) return
      this.error = error instanceof Error ? error : new Error(String(error))
      if (error instanceof KithError && error.isRetryable) this.#timer = setTimeout(() => void this.#load(), RELOAD_EVERY_MS)
    }
  }

  person(id: string): Person | undefined {
    return this.people.get(id)
  }

  isErased(id: string): boolean {
    return this.people.get(id)?.isErased ?? false
  }

  /** Whether the words of one of these people are erased: then nothing can be recorded with them. */
  isAnyErased(ids: readonly string[]): boolean {
    return ids.some(id => this.isErased(id))
  }

  /** The person that an id means after merges. */
  whoIs(id: string): string {
    let now = id
    for (let steps = 0; steps < 64; steps++) {
      const next = this.people.get(now)?.mergedInto
      if (!next) break
      now = next
    }
    return now
  }

  /** A person's name as it is shown: their id where there is no name, or names are off. */
  name(id: string): string {
    const name = prefs.namesOff ? '' : this.people.get(id)?.name
    return name || id
  }

  /** The first word of a name, for sentences in which the whole name stands nearby. */
  first(id: string): string {
    const name = this.name(id)
    return name === id ? id : (name.split(' ')[0] ?? name)
  }

  /** "geriatrician · Mossbridge Hospital" */
  about(id: string): string {
    const person = this.people.get(id)
    const organisation = person && this.organisations.get(person.organisation)?.name
    return [person?.role, organisation].filter(Boolean).join(' · ')
  }

  organisationOf(id: string): Organisation | undefined {
    return this.organisations.get(this.people.get(id)?.organisation ?? '')
  }

  organisationName(id: string): string {
    return this.organisations.get(id)?.name ?? id
  }

  /** The first word of an organisation's name, or all of it where another one begins alike. */
  shortName(id: string): string {
    const name = this.organisationName(id)
    const word = name.split(' ')[0] ?? name
    const alike = [...this.organisations.values()].filter(other => other.name.split(' ')[0] === word)
    return alike.length > 1 ? name : word
  }

  /** The colour of a person's organisation, as a value of CSS. */
  colour(id: string): string {
    const organisation = this.organisationOf(id)
    return organisation ? `var(--o${organisation.colour})` : 'var(--ink-3)'
  }

  organisationColour(id: string): string {
    const organisation = this.organisations.get(id)
    return organisation ? `var(--o${organisation.colour})` : 'var(--ink-3)'
  }

  /** People whose name or id has words that begin so, best first: no case, no accents. */
  search(text: string, most: number, allow: (person: Person) => boolean = () => true): Person[] {
    const words = folded(text).split(/\s+/).filter(Boolean)
    if (words.length === 0) return []
    const found: { person: Person; rank: number }[] = []
    for (const [index, person] of this.#index) {
      if (person.mergedInto || !words.every(word => index.includes(word)) || !allow(person)) continue
      const starts = words.filter(word => index.startsWith(word) || index.includes(` ${word}`)).length
      found.push({ person, rank: (index.startsWith(words[0]!) ? 2 : 0) + starts })
    }
    return found.sort((a, b) => b.rank - a.rank || a.person.name.localeCompare(b.person.name)).slice(0, most).map(({ person }) => person)
  }
}

async function readPeople(network: string, signal: AbortSignal): Promise<Person[]> {
  const people: Person[] = []
  for (let pageToken = ''; ; ) {
    const page = await server.directory.listPeople({ network, pageSize: PAGE, pageToken }, { signal })
    for (const person of page.people) {
      people.push({
        id: person.id,
        handle: person.handle,
        name: visible(person.name),
        role: visible(person.role),
        organisation: person.organisation,
        position: Number(person.position),
        mergedInto: person.mergedInto,
        isErased: person.erased,
      })
    }
    pageToken = page.nextPageToken
    if (!pageToken || people.length >= PEOPLE_MAX) return people
  }
}

async function readOrganisations(network: string, signal: AbortSignal): Promise<{ id: string; name: string }[]> {
  const organisations: { id: string; name: string }[] = []
  for (let pageToken = ''; ; ) {
    const page = await server.directory.listOrganisations({ network, pageSize: PAGE, pageToken }, { signal })
    organisations.push(...page.organisations)
    pageToken = page.nextPageToken
    if (!pageToken) return organisations
  }
}

export const directory = new Directory()
