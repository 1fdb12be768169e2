// Erasing personal words, and holds that keep them. Erasing again changes nothing, so these calls are repeated while they
// can succeed later.
import { positionOf } from "./entry.js";
import { KithError } from "./errors.js";
import type { RecordsService } from "./gen/kith/v1/records_pb.js";
import { uuidBytes, uuidText } from "./ids.js";
import { repeated } from "./retry.js";
import type { CallOptions } from "./rpc.js";
import type { Calls } from "./services.js";
import { timeOf } from "./times.js";

/** Why words are erased: the grounds of Article 17(1) of the GDPR, a to f, and mistakes. */
export const ERASURE_REASONS = ["not-needed", "withdrawn", "objected", "unlawful", "legal-duty", "child", "error"] as const;
export type ErasureReason = (typeof ERASURE_REASONS)[number];

/** Why words are held. */
export const HOLD_REASONS = ["inquiry", "legal-claim", "statutory", "complaint", "other"] as const;
export type HoldReason = (typeof HOLD_REASONS)[number];

/** Why words are erased, and the case that it belongs to. */
export interface Grounds {
  readonly reason: ErasureReason;
  /** The case, which is never personal: up to 64 characters of [A-Za-z0-9/_.-]. */
  readonly reference?: string | undefined;
}

/** What erasing a person erases. */
export interface ErasedPerson {
  /** Every id that means the person, the asked one first. */
  readonly people: readonly string[];
  /** Details about the person that the caller may see. */
  readonly details: number;
  /** Those of them that are about others, too. */
  readonly sharedDetails: number;
  /** How many others these are about. */
  readonly others: number;
  /** Position of the last `person_erased` entry; 0 in a preview. */
  readonly position: number;
}

/** The erasure of one id. */
export interface Erasure {
  readonly person: string;
  /** The `person_erased` event. */
  readonly event: string;
  readonly position: number;
  readonly recordedAt: number;
  /** One of `ERASURE_REASONS`, or `restored` where the server itself erased the person again. */
  readonly reason: string;
  /** The case; may be empty. */
  readonly reference: string;
  /** How it ended; nothing while words may be left on the server's disk. */
  readonly completion: Completion | undefined;
  /** How many replicas there are of those that the caller may know of. */
  readonly replicas: number;
  /** How many of them have confirmed that the words are gone from their devices. */
  readonly replicasTold: number;
}

/** The end of an erasure. */
export interface Completion {
  /** The `erasure_completed` event; its inclusion proof is the receipt. */
  readonly event: string;
  readonly position: number;
  readonly recordedAt: number;
  /** Details of scope network that were erased. */
  readonly detailsErased: number;
  readonly keysDestroyed: number;
}

/** A hold that is set. */
export interface Hold {
  readonly person: string;
  readonly reason: string;
  /** The case. */
  readonly reference: string;
  /** The organisation whose officer or owner set it; empty if it was the network's. */
  readonly organisation: string;
  /** Position of the entry that set it. */
  readonly position: number;
  readonly recordedAt: number;
}

/** The calls of `RecordsService`, as `services(connection).records` has them. */
export type RecordsCalls = Calls<typeof RecordsService>;

/** Counts what erasing a person would erase; nothing changes. */
export function previewErasure(records: Pick<RecordsCalls, "erasePerson">, network: string, person: string, grounds: Grounds, options: CallOptions = {}): Promise<ErasedPerson> {
  return sendErasure(records, { network, person, ...inFull(grounds), dryRun: true }, options);
}

/** Erases all words about a person, under every id that means them. The server completes it afterwards: see `erasure`. */
export function erasePerson(records: Pick<RecordsCalls, "erasePerson">, network: string, person: string, grounds: Grounds, options: CallOptions = {}): Promise<ErasedPerson> {
  return sendErasure(records, { network, person, ...inFull(grounds), dryRun: false }, options);
}

async function sendErasure(records: Pick<RecordsCalls, "erasePerson">, request: Parameters<RecordsCalls["erasePerson"]>[0], options: CallOptions): Promise<ErasedPerson> {
  const { people, details, sharedDetails, others, position } = await repeated(() => records.erasePerson(request, options), options);
  return { people, details: positionOf(details), sharedDetails: positionOf(sharedDetails), others, position: positionOf(position) };
}

/** How far the erasure of each id that means a person has come; empty if none was asked for. With `wait` it answers at the
 * end, as long as the call may take. */
export async function erasure(records: Pick<RecordsCalls, "getErasure">, network: string, person: string, { wait = false, ...options }: CallOptions & { readonly wait?: boolean } = {}): Promise<Erasure[]> {
  const { erasures } = await repeated(() => records.getErasure({ network, person, wait }, options), options);
  return erasures.map((found) => {
    const { person, reason, reference, keysDestroyed, replicas, replicasTold } = found;
    const ended = found.completedPosition > 0n;
    const completion = ended ? { ...entryOf(found.completedEvent, found.completedPosition, found.completedAt), detailsErased: positionOf(found.detailsErased), keysDestroyed } : undefined;
    return { person, ...entryOf(found.event, found.position, found.recordedAt), reason, reference, completion, replicas, replicasTold };
  });
}

/** Erases single details of an event, by index among its commitments; all of them if none is given. Returns the position of
 * the entry that does, and how many details there were to erase. */
export async function eraseDetails(records: Pick<RecordsCalls, "eraseDetails">, network: string, event: string, details: readonly number[], grounds: Grounds, options: CallOptions = {}): Promise<{ readonly position: number; readonly erased: number }> {
  const bytes = uuidBytes(event);
  if (!bytes) throw new KithError("options_invalid", `${event} is not the id of an event`);
  const { position, erased } = await repeated(() => records.eraseDetails({ network, event: bytes, details: [...details], ...inFull(grounds) }, options), options);
  return { position: positionOf(position), erased };
}

/** Sets a hold on a person's words. Returns the position of the entry that does. */
export async function setHold(records: Pick<RecordsCalls, "changeHold">, network: string, person: string, reason: HoldReason, reference: string, options: CallOptions = {}): Promise<number> {
  return positionOf((await repeated(() => records.changeHold({ network, person, held: true, reason, reference }, options), options)).position);
}

/** Lifts a hold; returns the position of the entry that does. It is sent once: a hold that was lifted cannot be lifted
 * again. */
export async function liftHold(records: Pick<RecordsCalls, "changeHold">, network: string, person: string, reference: string, options: CallOptions = {}): Promise<number> {
  return positionOf((await records.changeHold({ network, person, held: false, reference }, options)).position);
}

/** The holds that are set, of one person or of all, by person and reference. */
export async function listHolds(records: Pick<RecordsCalls, "listHolds">, network: string, person = "", options: CallOptions = {}): Promise<Hold[]> {
  const { holds } = await repeated(() => records.listHolds({ network, person }, options), options);
  return holds.map(({ person, reason, reference, organisation, position, recordedAt }) => ({ person, reason, reference, organisation, position: positionOf(position), recordedAt: recordedAt ? timeOf(recordedAt) : 0 }));
}

function inFull({ reason, reference = "" }: Grounds): { readonly reason: ErasureReason; readonly reference: string } {
  return { reason, reference };
}

function entryOf(event: Uint8Array, position: bigint, recordedAt: { readonly seconds: bigint; readonly nanos: number } | undefined) {
  return { event: uuidText(event), position: positionOf(position), recordedAt: recordedAt ? timeOf(recordedAt) : 0 };
}
