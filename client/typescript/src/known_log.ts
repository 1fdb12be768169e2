// A log as its reader first saw it: the key and the newest checkpoint are kept, and every later one must continue it.
//
// Nothing kept is ever overwritten by what contradicts it: only the reader decides that, by `accept`.
import type { Calls } from "./services.js";
import type { AuditService } from "./gen/kith/v1/audit_pb.js";
import { equal } from "./bytes.js";
import type { Entry } from "./entry.js";
import { KithError } from "./errors.js";
import { uuidBytes } from "./ids.js";
import { Growth, Receipt, SignedCheckpoint, type Checkpoint } from "./verify/checkpoint.js";
import { VerifierKey } from "./verify/note.js";
import { verifyConsistency } from "./verify/tree.js";

/** Where logs are kept: `localStorage` is one. */
export interface LogStore {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
}

/** What is kept of a log. */
export interface KeptLog {
  /** The log's public key. */
  readonly key: string;
  /** The newest verified checkpoint, as a signed note. */
  readonly checkpoint: string;
  /** Its size. */
  readonly size: number;
  /** When it was verified. */
  readonly checkedAt: number;
  /** The size of the first checkpoint, and when it was seen. */
  readonly firstSize: number;
  readonly firstSeenAt: number;
}

/** How a log stands to what was kept of it. */
export type Standing =
  /** It only grew since it was first seen. */
  | { readonly state: "verified"; readonly kept: KeptLog }
  /** Another key signs, a restored log continues another history, or history was rewritten: with what contradicts. */
  | { readonly state: "other_key" | "restored" | "rewritten"; readonly kept: KeptLog; readonly found: { readonly key: string; readonly checkpoint: string }; readonly why: string };

/** The calls that it takes. */
export type ProofCalls = Pick<Calls<typeof AuditService>, "getCheckpoint" | "getConsistencyProof" | "getInclusionProof">;

/** What the server shows now. */
interface Found {
  readonly key: VerifierKey;
  readonly signed: SignedCheckpoint;
  readonly checkpoint: Checkpoint;
}

/** A log that somebody reads, held against what was kept of it. */
export class KnownLog {
  readonly #audit: ProofCalls;
  readonly #network: string;
  readonly #store: LogStore;
  readonly #name: string;
  /** For stores that refuse to keep anything. */
  #unstored: string | null = null;

  /** `server` is the address under which the log is kept, if the store is not that address's own. */
  constructor(audit: ProofCalls, network: string, store: LogStore, server = "") {
    this.#audit = audit;
    this.#network = network;
    this.#store = store;
    this.#name = `kith/log/${server}/${network}`;
  }

  /** What is kept; `undefined` before the first check. */
  get kept(): KeptLog | undefined {
    return readKept(this.#store.getItem(this.#name) ?? this.#unstored);
  }

  /** Asks for the newest checkpoint and holds it against what is kept; keeps it if it continues that. Throws if the server
   * does not answer, or answers with a checkpoint that its own key did not sign. */
  async check(signal?: AbortSignal): Promise<Standing> {
    // What is kept now was signed before the server is asked, so its answer continues it, whatever else arrives meanwhile.
    const kept = this.kept;
    const answer = await this.#audit.getCheckpoint({ network: this.#network }, { signal });
    return this.#hold(found(answer.key, answer.checkpoint), kept, signal);
  }

  /** The same with a checkpoint that came without being asked for, as in a subscription. An older one says nothing: it may
   * have been on its way. */
  async hear(note: string, signal?: AbortSignal): Promise<Standing> {
    const kept = this.kept;
    const { origin, size } = SignedCheckpoint.parse(note).unverified;
    const isNext = kept !== undefined && origin === VerifierKey.parse(kept.key).origin && size >= BigInt(kept.size);
    return isNext ? this.#hold(found(kept.key, note), kept, signal) : this.check(signal);
  }

  /** Keeps what contradicts what was kept, because the reader says so. */
  accept(standing: Standing): KeptLog {
    if (standing.state === "verified") return standing.kept;
    return this.#keep(found(standing.found.key, standing.found.checkpoint), undefined);
  }

  /** The proof that an entry is in the log, with these very bytes, under the kept checkpoint or, if that is older than the
   * entry, a newer one. Throws `not_verified` if it is not. */
  async prove(entry: Pick<Entry, "event" | "position" | "bytes">, signal?: AbortSignal): Promise<Receipt> {
    let kept = this.kept;
    if (!kept || kept.size < entry.position) {
      const standing = await this.check(signal);
      if (standing.state !== "verified") throw new KithError("not_verified", standing.why);
      kept = standing.kept;
    }
    const request = { network: this.#network, event: uuidBytes(entry.event.id)!, size: BigInt(kept.size) };
    const answer = await this.#audit.getInclusionProof(request, { signal });
    const receipt = new Receipt(answer.entry, answer.position - 1n, answer.hashes, SignedCheckpoint.parse(kept.checkpoint));
    receipt.verify(VerifierKey.parse(kept.key));
    if (!equal(receipt.entry, entry.bytes)) throw new KithError("not_verified", "the log has another entry at this position");
    return receipt;
  }

  /** The proof that the log continues an earlier checkpoint of it, under the kept checkpoint or, if that is older, a newer
   * one. Throws `not_verified` if it does not: the earlier one is of another log or key, or what it had is not in the log. */
  async growth(earlier: SignedCheckpoint, signal?: AbortSignal): Promise<Growth> {
    let kept = this.kept;
    if (!kept || BigInt(kept.size) < earlier.unverified.size) {
      const standing = await this.check(signal);
      if (standing.state !== "verified") throw new KithError("not_verified", standing.why);
      kept = standing.kept;
    }
    const key = VerifierKey.parse(kept.key);
    const now = SignedCheckpoint.parse(kept.checkpoint);
    const [from, to] = [earlier.verify(key), now.verify(key)];
    if (from.size > to.size) throw new KithError("not_verified", fewer("this checkpoint", from.size, to.size));
    const growth = new Growth(from.size, await this.#growth(from, to, signal), now);
    growth.verify(earlier, key);
    return growth;
  }

  async #hold(now: Found, kept: KeptLog | undefined, signal?: AbortSignal): Promise<Standing> {
    if (!kept) return { state: "verified", kept: this.#keep(now, undefined) };
    const contradicted = (state: "other_key" | "restored" | "rewritten", why: string): Standing => ({ state, kept, found: { key: `${now.key}`, checkpoint: `${now.signed}` }, why });
    const key = VerifierKey.parse(kept.key);
    if (!equal(key.publicKey, now.key.publicKey)) return contradicted("other_key", "another key signs this log than when you first saw it");
    if (key.origin !== now.key.origin) return contradicted("restored", "this log was restored: it continues another history than the one you saw");
    const before = SignedCheckpoint.parse(kept.checkpoint).verify(key);
    if (before.size > now.checkpoint.size) return contradicted("rewritten", fewer("you have already seen", before.size, now.checkpoint.size));
    try {
      const hashes = await this.#growth(before, now.checkpoint, signal);
      verifyConsistency(before.size, before.root, now.checkpoint.size, now.checkpoint.root, hashes);
    } catch (error) {
      if (!(error instanceof KithError) || error.kind !== "not_verified") throw error;
      return contradicted("rewritten", `the log does not continue what you have already seen: ${error.message}`);
    }
    return { state: "verified", kept: this.#keep(now, kept) };
  }

  async #growth(from: Checkpoint, to: Checkpoint, signal?: AbortSignal): Promise<readonly Uint8Array[]> {
    if (from.size >= to.size || from.size === 0n) return [];
    const answer = await this.#audit.getConsistencyProof({ network: this.#network, from: from.size, to: to.size }, { signal });
    return answer.hashes;
  }

  /** Another page may have kept a newer one meanwhile: that stays. */
  #keep(now: Found, before: KeptLog | undefined): KeptLog {
    const size = Number(now.checkpoint.size);
    const other = this.kept;
    if (before && other && other.key === before.key && other.size > size) return other;
    const time = Date.now();
    const kept: KeptLog = {
      key: `${now.key}`,
      checkpoint: `${now.signed.signedBy(now.key)}`,
      size,
      checkedAt: time,
      firstSize: before?.firstSize ?? size,
      firstSeenAt: before?.firstSeenAt ?? time,
    };
    this.#unstored = JSON.stringify(kept);
    try {
      this.#store.setItem(this.#name, this.#unstored);
    } catch {
      // A full or forbidden store: it is kept as long as this page is open.
    }
    return kept;
  }
}

function found(key: string, note: string): Found {
  const [parsed, signed] = [VerifierKey.parse(key), SignedCheckpoint.parse(note)];
  return { key: parsed, signed, checkpoint: signed.verify(parsed) };
}

const fewer = (than: string, seen: bigint, shown: bigint) => `the log has fewer entries than ${than}: ${shown.toLocaleString()} instead of ${seen.toLocaleString()}`;

/** Reads what was kept; `undefined` for whatever else a store may hold. */
function readKept(text: string | null): KeptLog | undefined {
  if (text === null) return undefined;
  try {
    const kept = JSON.parse(text) as KeptLog;
    const { size } = SignedCheckpoint.parse(kept.checkpoint).verify(VerifierKey.parse(kept.key));
    const times = [kept.checkedAt, kept.firstSize, kept.firstSeenAt];
    return Number(size) === kept.size && times.every(Number.isFinite) ? kept : undefined;
  } catch {
    return undefined;
  }
}
