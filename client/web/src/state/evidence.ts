// Files that prove something, checked here: nothing of them is sent. What a file is checked with is a key, and for a proof
// of growth the checkpoint that it starts from, which may be another of the files.
import { readEvidence, verifyEvidence, VerifierKey, type Entry, type Evidence } from 'kith-client'

export interface ProofFile {
  readonly name: string
  readonly bytes: Uint8Array
}

export interface Checked {
  readonly name: string
  /** `waits` for a key, or for the checkpoint that a growth starts from. */
  readonly state: 'verified' | 'refused' | 'waits'
  /** What it is; undefined for what cannot be read. */
  readonly evidence: Evidence | undefined
  /** What speaks against it, or what it waits for. */
  readonly why: string
  /** What a receipt proves. */
  readonly entry: Entry | undefined
  /** The key that it was checked with. */
  readonly key: string
}

/** Checks all files, each with the key of its log among these. */
export function checkFiles(files: readonly ProofFile[], keys: readonly string[]): Checked[] {
  const verifiers = keys.flatMap(key => attempt(() => VerifierKey.parse(key)).value ?? [])
  const read = files.map(file => ({ name: file.name, ...attempt(() => readEvidence(file.bytes)) }))
  const all = read.flatMap(({ value }) => value ?? [])
  return read.map(({ name, value: evidence, why }): Checked => {
    const nothing = { name, evidence, entry: undefined, key: '' }
    if (!evidence) return { ...nothing, state: 'refused', why }
    const { origin } = evidence.checkpoint.unverified
    const key = verifiers.find(one => one.origin === origin)
    if (!key) return { ...nothing, state: 'waits', why: `it is of the log ${origin}, whose key is not known here` }
    const from = evidence.kind === 'growth' ? evidence.growth.from : undefined
    const earlier = from === undefined ? undefined : all.find(({ checkpoint: { unverified } }) => unverified.origin === origin && unverified.size === from)?.checkpoint
    if (from !== undefined && !earlier) return { ...nothing, state: 'waits', key: `${key}`, why: `it starts from the checkpoint of ${from.toLocaleString()} entries: add that file, too` }
    const found = attempt(() => ({ entry: verifyEvidence(evidence, key, earlier) }))
    return found.value ? { ...nothing, state: 'verified', why: '', entry: found.value.entry, key: `${key}` } : { ...nothing, state: 'refused', why: found.why, key: `${key}` }
  })
}

/** Why a text is no key; empty for one. */
export const keyFault = (text: string): string => (text ? attempt(() => VerifierKey.parse(text)).why : '')

/** The network and the incarnation that a log's origin names: "kith/demo/0190…". */
export function originParts(origin: string): { network: string; incarnation: string } {
  const [, network = '', incarnation = ''] = /^kith\/(.+)\/([^/]+)$/.exec(origin) ?? []
  return { network, incarnation }
}

/** Why a checkpoint cannot be one of the log with this origin; empty if it can. */
export function foreign(of: string, here: string): string {
  if (of === here) return ''
  const [there, own] = [originParts(of), originParts(here)]
  if (there.network && there.network === own.network) return `it is of another history of ${own.network} (${there.incarnation}): the log was restored or made anew between the two`
  return `it is of another log, ${of}; this is ${here}`
}

function attempt<T>(make: () => T): { value: T | undefined; why: string } {
  try {
    return { value: make(), why: '' }
  } catch (error) {
    return { value: undefined, why: error instanceof Error ? error.message : String(error) }
  }
}
