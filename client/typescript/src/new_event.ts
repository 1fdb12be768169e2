// Events to record: made once, by whoever records. A `NewEvent` holds its bytes and never changes, so that repeating an
// append after a failure repeats the very same event.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { commitment, detailKindNumber, eachField, encodeDetail, encodeEvent, readDetail, readEvent } from "./canonical.js";
import { concat } from "./bytes.js";
import { parseOn } from "./dates.js";
import { KithError } from "./errors.js";
import { peopleOf, type Answer, type AttributeValue, type Detail, type DetailKind, type Event, type RecordedFact, type RetractionReason, type Scope } from "./event.js";
import type { NewEventSchema } from "./gen/kith/v1/log_pb.js";
import { newEventId, randomBytes } from "./ids.js";
import { checkEncoded, checkEvent } from "./rules.js";

/** What events of every kind may have. */
export interface EventOptions {
  /** When it happened: milliseconds, a `Date`, or text as people write it (`yesterday`, `2026-03-04`, RFC 3339). Now
   * unless given. */
  readonly on?: number | Date | string | undefined;
  /** Its id, a UUID; a new one of version 7 unless given. */
  readonly id?: string | undefined;
  /** Who may see it: the network unless given. */
  readonly scope?: Scope | undefined;
  /** Ids of events that led to it. */
  readonly causedBy?: readonly string[] | undefined;
  /** Values for plugins; never personal. */
  readonly attributes?: Readonly<Record<string, AttributeValue>> | undefined;
  /** A note on what happened, about everybody in it unless `subjects` are given. Erasable, as all words are. */
  readonly note?: string | undefined;
  /** Where it happened, about the same people. */
  readonly place?: string | undefined;
  /** Whom note and place are about. */
  readonly subjects?: readonly string[] | undefined;
  /** Further words, with whom they are about. */
  readonly details?: readonly Omit<Detail, "salt">[] | undefined;
}

/** Options of an event that may be about another one. */
export interface AboutOptions extends EventOptions {
  /** The id of the event that it is about. */
  readonly about?: string | undefined;
}

/** A person in the directory. */
export interface PersonOptions extends EventOptions {
  readonly organisation?: string | undefined;
  readonly role?: string | undefined;
  /** Their name, which everybody in the network sees. */
  readonly name?: string | undefined;
  /** An address, telephone number or e-mail, which everybody in the network sees. */
  readonly contact?: string | undefined;
}

/** An event ready to be appended, with its details. It obeys every rule that needs no log. */
export class NewEvent {
  private constructor(
    readonly event: Event,
    /** Its canonical bytes. */
    readonly bytes: Uint8Array,
    readonly details: readonly Detail[],
  ) {}

  /** The event's id. */
  get id(): string {
    return this.event.id;
  }

  /** Bytes that count towards the limit of an append: the event and the text of its details. */
  get sizeBytes(): number {
    return this.details.reduce((bytes, detail) => bytes + new TextEncoder().encode(detail.text).length, this.bytes.length);
  }

  /** Makes an event of its parts; refuses what breaks a rule, with the field. */
  static of(event: Event, details: readonly Detail[]): NewEvent {
    checkEvent(event, details);
    const bytes = encodeEvent(event);
    checkEncoded(bytes);
    return new NewEvent(event, bytes, details);
  }

  /** The message for `append`, `appendStream` and whatever else takes a `kith.v1.NewEvent`. */
  toMessage(): MessageInitShape<typeof NewEventSchema> {
    const details = this.details.map((detail) => ({ kind: detailKindNumber(detail.kind), subjects: [...detail.subjects], text: detail.text, salt: detail.salt }));
    return { event: this.bytes, details };
  }

  /** The bytes of the `kith.v1.NewEvent`, to keep until it is recorded. */
  toBytes(): Uint8Array<ArrayBuffer> {
    const parts = [this.bytes, ...this.details.map(encodeDetail)];
    return concat(...parts.flatMap((bytes, at) => [Uint8Array.from([at === 0 ? EVENT_KEY : DETAIL_KEY, ...lengthBytes(bytes.length)]), bytes]));
  }

  /** Undoes `toBytes`; refuses anything else. */
  static fromBytes(bytes: Uint8Array): NewEvent {
    const details: Detail[] = [];
    let event: Uint8Array | undefined;
    eachField(bytes, "event", (reader, number, type) => {
      if (number === 1 && type === 2) event = new Uint8Array(reader.bytes());
      else if (number === 2 && type === 2) details.push(readDetail(reader.bytes()));
      else return false;
      return true;
    });
    const read = NewEvent.of(readEvent(event ?? new Uint8Array()), details);
    if (!event || event.length !== read.bytes.length || !event.every((byte, at) => byte === read.bytes[at])) {
      throw new KithError("refused", "event: is not in canonical form: unknown, repeated or unordered fields", { reason: "EVENT_INVALID", violations: [{ field: "event", description: "is not in canonical form" }] });
    }
    return read;
  }
}

/** Keys of the fields of `kith.v1.NewEvent`. */
const EVENT_KEY = 0x0a;
const DETAIL_KEY = 0x12;

function lengthBytes(length: number): number[] {
  const bytes: number[] = [];
  for (; length > 0x7f; length = Math.floor(length / 128)) bytes.push((length % 128) | 0x80);
  return [...bytes, length];
}

/** An event with this fact. The functions below make one of each kind. */
export function newEvent(fact: RecordedFact, options: EventOptions = {}, words: readonly Omit<Detail, "salt">[] = []): NewEvent {
  const subjects = options.subjects ?? peopleOf(fact);
  const said = [...words, ...wordsOf("note", options.note, subjects), ...wordsOf("place", options.place, subjects), ...(options.details ?? [])];
  const details = said.map((detail) => ({ ...detail, subjects: [...new Set(detail.subjects)].sort(byCodeUnit), salt: randomBytes(32) }));
  const event: Event = {
    id: options.id ?? newEventId(),
    occurredAt: millisOf(options.on),
    scope: options.scope ?? "network",
    causedBy: [...(options.causedBy ?? [])],
    attributes: { ...options.attributes },
    salt: randomBytes(16),
    commitments: details.map(commitment),
    fact,
  };
  return NewEvent.of(event, details);
}

/** Words are about people: those without text are left out. */
function wordsOf(kind: DetailKind, text: string | undefined, subjects: readonly string[]): Omit<Detail, "salt">[] {
  return text?.trim() ? [{ kind, subjects, text }] : [];
}

/** Ids are of ASCII, so this is the order of their bytes. */
const byCodeUnit = (one: string, other: string) => (one < other ? -1 : Number(one > other));

function millisOf(on: EventOptions["on"]): number {
  if (typeof on === "string") return parseOn(on);
  return on === undefined ? Date.now() : Math.floor(Number(on));
}

/** People met, in person or by a call. */
export function met(people: readonly string[], options?: EventOptions): NewEvent {
  return newEvent({ kind: "met", people: [...people] }, options);
}

/** A person followed up with others after a contact. */
export function followedUp(by: string, others: string | readonly string[], options: AboutOptions = {}): NewEvent {
  return newEvent({ kind: "followed_up", by, with: listOf(others), about: options.about }, options);
}

/** A person asked others for help. */
export function asked(by: string, of: string | readonly string[], category: string, options?: EventOptions): NewEvent {
  return newEvent({ kind: "asked", by, of: listOf(of), category }, options);
}

/** A person helped another. */
export function helped(helper: string, other: string, options: AboutOptions & { readonly category?: string | undefined } = {}): NewEvent {
  return newEvent({ kind: "helped", helper, helped: other, category: options.category, about: options.about }, options);
}

/** `referrer` introduces `person` to `to`. */
export function referred(referrer: string, person: string, to: string, options?: EventOptions): NewEvent {
  return newEvent({ kind: "referred", referrer, person, to }, options);
}

/** An introduction was answered. */
export function answered(referral: string, by: string, answer: Answer, options?: EventOptions): NewEvent {
  return newEvent({ kind: "answered", referral, by, answer }, options);
}

/** A fact of an organisation's own type, such as `org.example/visit.v1`. */
export function custom(type: string, people: readonly string[], options?: EventOptions): NewEvent {
  return newEvent({ kind: "custom", type, people: [...people] }, options);
}

/** An event is withdrawn: it stays in the log and no longer counts. A note on it needs `subjects`. */
export function retracted(event: string, reason: RetractionReason, options?: EventOptions): NewEvent {
  return newEvent({ kind: "retracted", event, reason }, options);
}

/** An organisation joins the directory. */
export function organisationAdded(organisation: string, name: string, options?: EventOptions): NewEvent {
  return newEvent({ kind: "organisation_added", organisation, name }, options);
}

/** A person joins the directory, under a pseudonym such as `newPersonId()` gives. */
export function personAdded(person: string, options: PersonOptions = {}): NewEvent {
  return newEvent({ kind: "person_added", person, organisation: options.organisation, role: options.role }, options, described(person, options));
}

/** A person's organisation or role changed: both are as they are from now on, so what is left out is empty. */
export function personChanged(person: string, options: PersonOptions = {}): NewEvent {
  return newEvent({ kind: "person_changed", person, organisation: options.organisation, role: options.role }, options, described(person, options));
}

/** Two ids turned out to be one person. */
export function peopleMerged(kept: string, merged: string, options?: EventOptions): NewEvent {
  return newEvent({ kind: "people_merged", kept, merged }, options);
}

function described(person: string, { name, contact }: PersonOptions): Omit<Detail, "salt">[] {
  return [...wordsOf("name", name, [person]), ...wordsOf("contact", contact, [person])];
}

const listOf = (ids: string | readonly string[]): readonly string[] => (typeof ids === "string" ? [ids] : [...ids]);
