// Events in JSON, as `kith record` reads them and `kith log -o json` writes them.
import { NewEvent, commitment, contentHash, encodeDetail, fromBase64, newEventId, readTime, timeText, toHex, type AttributeValue, type Detail, type Entry, type Event, type Fact, type Filter } from "../src/index.js";

export type Json = Record<string, any>;

/** Whole numbers beyond 2^53 are text in JSON. */
const LARGEST_EXACT = 2n ** 53n;
const HEAD = ["id", "occurred_at", "scope", "caused_by", "attributes", "salt"];

/** An event to record; without an id and salts, with new ones. */
export function newEventOf(record: Json): NewEvent {
  const details = (record["details"] ?? []).map(detailOf) as Detail[];
  return NewEvent.of({ ...eventOf(record["event"]), commitments: details.map(commitment) }, details);
}

export function eventOf(given: Json): Event {
  const kind = Object.keys(given).find((name) => !HEAD.includes(name))!;
  return {
    id: given["id"] ?? newEventId(),
    occurredAt: readTime(given["occurred_at"])!,
    scope: given["scope"],
    causedBy: given["caused_by"] ?? [],
    attributes: Object.fromEntries((given["attributes"] ?? []).map((one: Json) => [one["key"], attributeOf(one)])),
    salt: given["salt"] === undefined ? new Uint8Array(16).fill(1) : fromBase64(given["salt"])!,
    commitments: [],
    fact: { kind, ...given[kind] } as Fact,
  };
}

function attributeOf({ key: _, ...value }: Json): AttributeValue {
  return "integer" in value ? { integer: BigInt(value["integer"]) } : (value as AttributeValue);
}

function detailOf(given: Json): Detail {
  const salt = given["salt"] === undefined ? new Uint8Array(32).fill(1) : fromBase64(given["salt"])!;
  return { kind: given["kind"], subjects: [...given["subjects"]].sort(), text: given["text"], salt };
}

export function eventJson({ id, occurredAt, scope, causedBy, attributes, fact }: Event): Json {
  const { kind, ...fields } = fact;
  const shown = Object.entries(fields).filter(([, value]) => value !== undefined);
  return {
    id,
    occurred_at: timeText(occurredAt),
    scope,
    ...(causedBy.length > 0 && { caused_by: causedBy }),
    ...(Object.keys(attributes).length > 0 && { attributes: Object.entries(attributes).map(([key, value]) => ({ key, ...attributeJson(value) })) }),
    [kind]: Object.fromEntries(shown.map(([name, value]) => [snake(name), valueJson(name, value)])),
  };
}

function attributeJson(value: AttributeValue): Json {
  return "integer" in value ? { integer: exact(BigInt(value.integer)) } : value;
}

function valueJson(name: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value);
  if (typeof value === "bigint") return exact(value);
  return name === "expiresAt" ? timeText(value as number) : value;
}

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const exact = (value: bigint) => (value > LARGEST_EXACT || value < -LARGEST_EXACT ? String(value) : Number(value));

export function entryJson(entry: Entry): Json {
  return {
    position: entry.position,
    id: entry.event.id,
    kind: entry.kind,
    occurred_at: timeText(entry.event.occurredAt),
    recorded_at: timeText(entry.recordedAt),
    recorded_by: entry.recordedBy,
    organisation: entry.organisation || null,
    scope: entry.event.scope,
    people: entry.people,
    event: eventJson(entry.event),
    details: entry.details.map(({ kind, subjects, text }) => ({ kind, subjects, text })),
    erased: entry.erased.map(({ index, position }) => ({ index, position })),
  };
}

/** An event that is ready to be recorded. */
export function newEventJson(made: NewEvent): Json {
  return {
    id: made.id,
    bytes: toHex(made.bytes),
    salt: toHex(made.event.salt),
    details: made.details.map((detail) => toHex(encodeDetail(detail))),
    commitments: made.event.commitments.map(toHex),
    content_hash: toHex(contentHash(made.event)),
  };
}

/** A filter; everything passes if it is missing. */
export function filterOf(given: Json = {}): Filter {
  return {
    kinds: given["kinds"],
    people: given["people"],
    allPeople: given["all_people"],
    organisations: given["organisations"],
    occurredFrom: given["from"] && readTime(given["from"]),
    occurredUntil: given["until"] && readTime(given["until"]),
  };
}
