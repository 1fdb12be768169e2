// Canonical bytes of events and details, by the rules of server/core/src/wire, and back. Written by hand: no protobuf
// library promises canonical output, and these bytes are hashed.
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, toHex } from "./bytes.js";
import { KithError } from "./errors.js";
import type { AttributeValue, Detail, DetailKind, Event, Fact, Scope } from "./event.js";
import { uuidBytes, uuidText } from "./ids.js";
import { LIMITS } from "./limits.js";

/** What a field of a fact holds: text, ids of events, digests, numbers, indexes of details, a time, or a name of an enum. */
type Holds = "text" | "texts" | "event" | "hex" | "flag" | "count" | "indexes" | "time" | readonly string[];
/** Number, name, content, and whether the field is left out of the fact when it is empty. */
type FieldSpec = readonly [number: number, name: string, holds: Holds, optional?: "optional"];

const SCOPES: readonly Scope[] = ["network", "organisation"];
const ANSWERS = ["accepted", "declined", "met"];
const RETRACTION_REASONS = ["mistake", "duplicate", "consent", "other"];
const ROLES = ["reader", "recorder", "analyst", "auditor", "records-officer", "owner"];
const DETAIL_KINDS: readonly DetailKind[] = ["name", "contact", "note", "place", "words"];

/** Facts that clients record: the number of the event's field, and its fields in order of their numbers. */
const RECORDED: Readonly<Record<string, readonly [number, readonly FieldSpec[]]>> = {
  met: [8, [[1, "people", "texts"]]],
  followed_up: [9, [[1, "by", "text"], [2, "with", "texts"], [3, "about", "event", "optional"]]],
  asked: [10, [[1, "by", "text"], [2, "of", "texts"], [3, "category", "text"]]],
  helped: [11, [[1, "helper", "text"], [2, "helped", "text"], [3, "category", "text", "optional"], [4, "about", "event", "optional"]]],
  referred: [12, [[1, "referrer", "text"], [2, "person", "text"], [3, "to", "text"]]],
  answered: [13, [[1, "referral", "event"], [2, "by", "text"], [3, "answer", ANSWERS]]],
  custom: [14, [[1, "type", "text"], [2, "people", "texts"]]],
  retracted: [15, [[1, "event", "event"], [2, "reason", RETRACTION_REASONS]]],
  organisation_added: [16, [[1, "organisation", "text"], [2, "name", "text"]]],
  person_added: [17, [[1, "person", "text"], [2, "organisation", "text", "optional"], [3, "role", "text", "optional"]]],
  person_changed: [18, [[1, "person", "text"], [2, "organisation", "text", "optional"], [3, "role", "text", "optional"]]],
  people_merged: [19, [[1, "kept", "text"], [2, "merged", "text"]]],
};

/** Facts that only servers record. */
const ADMINISTRATION: Readonly<Record<string, readonly [number, readonly FieldSpec[]]>> = {
  plugin_installed: [24, [[1, "name", "text"], [2, "version", "text"], [3, "component", "hex"], [4, "settings", "text"]]],
  plugin_activated: [25, [[1, "name", "text"], [2, "version", "text"], [3, "component", "hex"]]],
  plugin_paused: [26, [[1, "name", "text"], [2, "paused", "flag"]]],
  plugin_removed: [27, [[1, "name", "text", "optional"], [2, "installed", "event", "optional"]]],
  member_changed: [28, [[1, "principal", "text"], [2, "role", ROLES, "optional"], [3, "organisation", "text", "optional"], [4, "identity", "text", "optional"]]],
  token_issued: [29, [[1, "token", "text"], [2, "role", ROLES, "optional"], [3, "person", "text", "optional"], [4, "organisation", "text", "optional"], [5, "expiresAt", "time", "optional"], [6, "secretDigest", "hex", "optional"], [7, "invitation", "flag"]]],
  token_revoked: [30, [[1, "token", "text"]]],
  person_erased: [31, [[1, "person", "text"], [2, "reason", "text"], [3, "reference", "text", "optional"]]],
  erasure_completed: [32, [[1, "person", "text"], [2, "erasure", "event"], [3, "detailsErased", "count"], [4, "keysDestroyed", "count"]]],
  hold_changed: [33, [[1, "person", "text"], [2, "held", "flag"], [3, "reason", "text"], [4, "reference", "text"]]],
  log_restored: [34, [[1, "incarnation", "hex"], [2, "lostHead", "count"], [3, "lostRoot", "hex"], [4, "unverified", "flag"]]],
  policy_changed: [38, [[1, "randomIds", "flag"], [2, "tokenAttributes", "flag"], [3, "replicaDays", "count"]]],
  details_erased: [37, [[1, "event", "event"], [2, "details", "indexes"], [3, "reason", "text"], [4, "reference", "text", "optional"]]],
};

/** Wire types of protobuf. */
const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
/** Number of an event's first field that is a fact. */
const FACT_FIRST = 8;
/** Separates commitments to details from all other hashes. */
const COMMITMENT_DOMAIN = new TextEncoder().encode("kith/detail/1");

/** The canonical bytes of an event, whose rules must have been checked. */
export function encodeEvent(event: Event): Uint8Array<ArrayBuffer> {
  return concat(...eventHead(event), bytesField(6, event.salt), ...event.commitments.map((commitment) => delimited(7, commitment)), factField(event.fact));
}

/** Content identity: SHA-256 of the canonical bytes without salt and commitments. */
export function contentHash(event: Event): Uint8Array {
  return sha256(concat(...eventHead(event), factField(event.fact)));
}

/** The commitment to a detail, as its event holds it. */
export function commitment(detail: Detail): Uint8Array {
  return sha256(concat(COMMITMENT_DOMAIN, detail.salt, unsalted(detail)));
}

/** The canonical bytes of a detail. */
export function encodeDetail(detail: Detail): Uint8Array<ArrayBuffer> {
  return concat(unsalted(detail), bytesField(4, detail.salt));
}

function unsalted(detail: Detail): Uint8Array {
  return concat(varintField(1, BigInt.asUintN(64, BigInt(detailKindNumber(detail.kind)))), ...detail.subjects.map((subject) => delimited(2, utf8(subject))), bytesField(3, utf8(detail.text)));
}

function eventHead(event: Event): Uint8Array[] {
  const attributes = Object.entries(event.attributes).sort(([one], [other]) => (one < other ? -1 : 1));
  return [
    delimited(1, uuid(event.id)),
    delimited(2, time(event.occurredAt)),
    varintField(3, SCOPES.indexOf(event.scope) + 1),
    ...event.causedBy.map((id) => delimited(4, uuid(id))),
    ...attributes.map(([key, value]) => delimited(5, attribute(key, value))),
  ];
}

/** Members of a oneof are written even when they hold a default. */
function attribute(key: string, value: AttributeValue): Uint8Array {
  const head = bytesField(1, utf8(key));
  if ("text" in value) return concat(head, delimited(2, utf8(value.text)));
  if ("integer" in value) return concat(head, varint((3 << 3) | VARINT), varint(BigInt.asUintN(64, BigInt(value.integer))));
  if ("flag" in value) return concat(head, varint((5 << 3) | VARINT), varint(value.flag ? 1 : 0));
  const number = new Uint8Array(8);
  new DataView(number.buffer).setFloat64(0, value.number, true);
  return concat(head, varint((4 << 3) | FIXED64), number);
}

function factField(fact: Fact): Uint8Array {
  if (fact.kind === "newer") return delimited(fact.number, fact.bytes);
  const spec = RECORDED[fact.kind] ?? ADMINISTRATION[fact.kind];
  if (!spec) throw new RangeError(`there is no fact ${fact.kind}`);
  const values = fact as unknown as Readonly<Record<string, unknown>>;
  return delimited(spec[0], concat(...spec[1].map((field) => factPart(field, values[field[1]]))));
}

/** A field of a fact; nothing if it is empty. */
function factPart([number, name, holds]: FieldSpec, value: unknown): Uint8Array {
  if (value === undefined || value === "") return new Uint8Array();
  if (typeof holds === "object") return varintField(number, holds.indexOf(value as string) + 1);
  switch (holds) {
    case "text":
      return bytesField(number, utf8(value as string));
    case "texts":
      return concat(...(value as readonly string[]).map((item) => delimited(number, utf8(item))));
    case "event":
      return delimited(number, uuid(value as string));
    case "flag":
      return varintField(number, value ? 1 : 0);
    case "count":
      return varintField(number, value as number | bigint);
    case "indexes":
      return bytesField(number, Uint8Array.from(value as readonly number[]));
    case "time":
      return delimited(number, time(value as number));
    case "hex":
      return bytesField(number, Uint8Array.from((value as string).match(/../g) ?? [], (pair) => parseInt(pair, 16)));
    default:
      throw new RangeError(`${name} holds nothing`);
  }
}

/** A `google.protobuf.Timestamp`: nanoseconds are never negative. */
function time(millis: number): Uint8Array {
  const seconds = Math.floor(millis / 1000);
  return concat(varintField(1, BigInt.asUintN(64, BigInt(seconds))), varintField(2, (millis - seconds * 1000) * 1_000_000));
}

function uuid(text: string): Uint8Array {
  const bytes = uuidBytes(text);
  if (!bytes) throw new RangeError(`${text} is no UUID`);
  return bytes;
}

const encoder = new TextEncoder();
const utf8 = (text: string) => encoder.encode(text);

/** A number in as few bytes as possible, seven bits in each, the lowest first. */
function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  if (typeof rest === "bigint") {
    for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  } else {
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

function delimited(number: number, bytes: Uint8Array): Uint8Array {
  return concat(varint(number * 8 + DELIMITED), varint(bytes.length), bytes);
}

function bytesField(number: number, bytes: Uint8Array): Uint8Array {
  return bytes.length === 0 ? bytes : delimited(number, bytes);
}

function varintField(number: number, value: number | bigint): Uint8Array {
  return Number(value) === 0 ? new Uint8Array() : concat(varint(number * 8 + VARINT), varint(value));
}

const FACTS_BY_NUMBER: ReadonlyMap<number, readonly [string, readonly FieldSpec[]]> = /* @__PURE__ */ new Map(
  /* @__PURE__ */ Object.entries({ ...RECORDED, ...ADMINISTRATION }).map(([kind, [number, fields]]) => [number, [kind, fields]]),
);

/** Reads an event that a log holds, perhaps one of a later version: unknown fields are passed over, and an unknown fact
 * is a `newer` one. */
export function readEvent(bytes: Uint8Array): Event {
  const causedBy: string[] = [];
  const commitments: Uint8Array[] = [];
  const attributes: Record<string, AttributeValue> = {};
  let [id, occurredAt, scope, salt]: [string | undefined, number | undefined, Scope | undefined, Uint8Array] = [undefined, undefined, undefined, new Uint8Array()];
  let fact: Fact | undefined;
  eachField(bytes, "event", (reader, number, type) => {
    if (number === 1 && type === DELIMITED) id = uuidText(reader.bytes());
    else if (number === 2 && type === DELIMITED) occurredAt = readTime(reader.bytes());
    else if (number === 3 && type === VARINT) scope = SCOPES[reader.uint32() - 1];
    else if (number === 4 && type === DELIMITED) causedBy.push(uuidText(reader.bytes()));
    else if (number === 5 && type === DELIMITED) readAttribute(reader.bytes(), attributes);
    else if (number === 6 && type === DELIMITED) salt = reader.bytes();
    else if (number === 7 && type === DELIMITED) commitments.push(reader.bytes());
    else if (number >= FACT_FIRST && type === DELIMITED) fact = readFact(number, reader.bytes());
    else return false;
    return true;
  });
  if (id === undefined || occurredAt === undefined || scope === undefined || fact === undefined) throw malformed("event");
  return { id, occurredAt, scope, causedBy, attributes, salt, commitments, fact };
}

/** A fact with a number or a value that this version does not know is kept as it is. */
function readFact(number: number, bytes: Uint8Array): Fact {
  const known = FACTS_BY_NUMBER.get(number);
  const fact = known && readFields(known[0], known[1], bytes);
  return fact ?? { kind: "newer", number, bytes };
}

function readFields(kind: string, fields: readonly FieldSpec[], bytes: Uint8Array): Fact | undefined {
  const fact: Record<string, unknown> = { kind };
  for (const [, name, holds, optional] of fields) if (!optional) fact[name] = emptyOf(holds);
  eachField(bytes, "event", (reader, number, type) => {
    const field = fields.find(([known, , holds]) => known === number && type === wireType(holds));
    if (!field) return false;
    const [, name, holds] = field;
    if (holds === "texts") (fact[name] as string[]).push(reader.string());
    else fact[name] = readPart(reader, holds);
    return true;
  });
  const isKnown = ([, name, holds, optional]: FieldSpec) => (typeof holds !== "object" && holds !== "indexes") || fact[name] !== undefined || (optional && !(name in fact));
  return fields.every(isKnown) ? (fact as unknown as Fact) : undefined;
}

function emptyOf(holds: Holds): unknown {
  if (typeof holds === "object") return undefined;
  const empty = { text: "", texts: [], event: "", hex: "", flag: false, count: 0, indexes: undefined, time: undefined };
  return empty[holds];
}

function wireType(holds: Holds): number {
  return typeof holds === "object" || holds === "flag" || holds === "count" ? VARINT : DELIMITED;
}

function readPart(reader: BinaryReader, holds: Exclude<Holds, "texts">): unknown {
  if (typeof holds === "object") return holds[reader.uint32() - 1];
  switch (holds) {
    case "text":
      return reader.string();
    case "event":
      return uuidText(reader.bytes());
    case "hex":
      return toHex(reader.bytes());
    case "flag":
      return reader.bool();
    case "count":
      return exact(reader.uint64());
    case "indexes":
      return readIndexes(reader.bytes());
    case "time":
      return readTime(reader.bytes());
    default:
      throw malformed("event");
  }
}

/** Indexes of details, ascending, packed: each is a byte, as no event has more than 8. `undefined` for what this version
 * does not write. */
function readIndexes(bytes: Uint8Array): number[] | undefined {
  const isIndex = (index: number, at: number) => index < LIMITS.details && (at === 0 || bytes[at - 1]! < index);
  return bytes.length > 0 && bytes.every(isIndex) ? [...bytes] : undefined;
}

/** A kind of value that a later version has is left out, as plugins of this version cannot see it. */
function readAttribute(bytes: Uint8Array, attributes: Record<string, AttributeValue>): void {
  let key = "";
  let value: AttributeValue | undefined;
  eachField(bytes, "event", (reader, number, type) => {
    if (number === 1 && type === DELIMITED) key = reader.string();
    else if (number === 2 && type === DELIMITED) value = { text: reader.string() };
    else if (number === 3 && type === VARINT) value = { integer: exact(reader.int64()) };
    else if (number === 4 && type === FIXED64) value = { number: reader.double() };
    else if (number === 5 && type === VARINT) value = { flag: reader.bool() };
    else return false;
    return true;
  });
  if (value !== undefined) attributes[key] = value;
}

/** A number where that is exact, else a bigint. */
function exact(value: bigint | string): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : BigInt(value);
}

/** Reads a `google.protobuf.Timestamp` in milliseconds. */
export function readTime(bytes: Uint8Array): number {
  let millis = 0;
  eachField(bytes, "time", (reader, number, type) => {
    if (number === 1 && type === VARINT) millis += Number(reader.int64()) * 1000;
    else if (number === 2 && type === VARINT) millis += Math.floor(reader.int32() / 1_000_000);
    else return false;
    return true;
  });
  return millis;
}

/** Reads a detail that a log holds, perhaps of a kind of a later version. */
export function readDetail(bytes: Uint8Array): Detail {
  const subjects: string[] = [];
  let [kind, text, salt] = [0, "", new Uint8Array()];
  eachField(bytes, "detail", (reader, number, type) => {
    if (number === 1 && type === VARINT) kind = reader.int32();
    else if (number === 2 && type === DELIMITED) subjects.push(reader.string());
    else if (number === 3 && type === DELIMITED) text = reader.string();
    else if (number === 4 && type === DELIMITED) salt = new Uint8Array(reader.bytes());
    else return false;
    return true;
  });
  return { kind: detailKind(kind), subjects, text, salt };
}

/** The number of a kind of detail. */
export function detailKindNumber(kind: DetailKind): number {
  return DETAIL_KINDS.indexOf(kind) + 1 || Number(kind.slice("newer:".length));
}

/** The name of a kind of detail. */
export function detailKind(number: number): DetailKind {
  return DETAIL_KINDS[number - 1] ?? `newer:${number}`;
}

/** Calls `take` with each field, which says whether it read the field's value; what it did not read is passed over. */
export function eachField(bytes: Uint8Array, what: string, take: (reader: BinaryReader, number: number, type: number) => boolean): void {
  const reader = new BinaryReader(bytes);
  try {
    while (reader.pos < reader.len) {
      const [number, type] = reader.tag();
      if (!take(reader, number, type)) reader.skip(type, number);
    }
  } catch (error) {
    throw error instanceof KithError ? error : malformed(what);
  }
}

function malformed(what: string): KithError {
  return new KithError("answer_invalid", `the server's answer is malformed: ${what}`);
}
