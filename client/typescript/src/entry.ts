// Entries: events as the log holds them, and the words beside them.
import { commitment, eachField, detailKind, readEvent, readTime } from "./canonical.js";
import { equal } from "./bytes.js";
import { KithError } from "./errors.js";
import { kindOf, peopleOf, type Detail, type Event } from "./event.js";
import type { Detail as DetailMessage } from "./gen/kith/v1/event_pb.js";

/** An event as the log holds it. */
export interface Entry {
  /** Its place in the log: 1, 2, 3 ... without gaps. */
  readonly position: number;
  /** When the server accepted it, in milliseconds. */
  readonly recordedAt: number;
  /** Who recorded it: `person:ID` or `token:ID`. */
  readonly recordedBy: string;
  /** The recorder's organisation at acceptance; empty if none. */
  readonly organisation: string;
  readonly event: Event;
  /** The kind of its fact, as filters name it. */
  readonly kind: string;
  /** The people in its fact. */
  readonly people: readonly string[];
  /** Its bytes, exactly as stored and hashed. */
  readonly bytes: Uint8Array;
  /** The words of the event that the caller may see, in the order of its commitments. */
  readonly details: readonly Detail[];
  /** Those that were erased, in the same order. */
  readonly erased: readonly ErasedDetail[];
}

/** A detail that is no more; its commitment stays in the event. */
export interface ErasedDetail {
  /** Its index among the event's commitments. */
  readonly index: number;
  /** Position of the entry that erased it. */
  readonly position: number;
}

/** What `Read` and `Subscribe` answer. */
export interface EntryBatch {
  readonly entries: readonly Uint8Array[];
  readonly details: readonly {
    readonly position: bigint;
    readonly details: readonly DetailMessage[];
    readonly erased: readonly { readonly index: number; readonly position: bigint }[];
  }[];
}

/** Reads the entries of an answer, each with its words. */
export function readEntries(batch: EntryBatch): Entry[] {
  const words = new Map(batch.details.map(({ position, details, erased }) => [Number(position), { details: details.map(readDetailMessage), erased: erased.map(readErased) }]));
  return batch.entries.map((bytes) => {
    const entry = readEntry(bytes);
    return { ...entry, ...words.get(entry.position) };
  });
}

/** Reads an entry, perhaps of a later version. */
export function readEntry(bytes: Uint8Array): Entry {
  let [position, recordedAt, recordedBy, organisation] = [0, 0, "", ""];
  let event: Event | undefined;
  eachField(bytes, "entry", (reader, number, type) => {
    if (number === 1 && type === 0) position = positionOf(reader.uint64());
    else if (number === 2 && type === 2) recordedAt = readTime(reader.bytes());
    else if (number === 3 && type === 2) recordedBy = reader.string();
    else if (number === 4 && type === 2) organisation = reader.string();
    else if (number === 5 && type === 2) event = readEvent(reader.bytes());
    else return false;
    return true;
  });
  if (position === 0 || event === undefined) throw new KithError("answer_invalid", "the server's answer is malformed: entry");
  return { position, recordedAt, recordedBy, organisation, event, kind: kindOf(event.fact), people: peopleOf(event.fact), bytes, details: [], erased: [] };
}

/** A position or size as a number: exact up to 2^53, and refused beyond. */
export function positionOf(value: bigint | string | number): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 0) throw new KithError("answer_invalid", `the server's answer is malformed: ${value} is no position`);
  return number;
}

/** A detail as it came in an answer. */
export function readDetailMessage(message: Pick<DetailMessage, "kind" | "subjects" | "text" | "salt">): Detail {
  return { kind: detailKind(message.kind), subjects: message.subjects, text: message.text, salt: message.salt };
}

function readErased({ index, position }: { readonly index: number; readonly position: bigint }): ErasedDetail {
  return { index, position: positionOf(position) };
}

/** Whether words are among those that were recorded with an event. */
export function isCommitted(event: Event, detail: Detail): boolean {
  const found = commitment(detail);
  return event.commitments.some((one) => equal(one, found));
}
