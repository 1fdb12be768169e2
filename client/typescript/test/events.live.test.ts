// Events of every kind against a real server: it accepts their bytes, and gives back the same.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  KithError,
  NewEvent,
  answered,
  append,
  asked,
  commitment,
  custom,
  encodeDetail,
  encodeEvent,
  followedUp,
  helped,
  isCommitted,
  met,
  newPersonId,
  organisationAdded,
  peopleMerged,
  personAdded,
  personChanged,
  personNamed,
  readEntries,
  referred,
  retracted,
  services,
  toHex,
  type Services,
} from "../src/index.js";
import { DetailSchema, EventSchema } from "../src/gen/kith/v1/event_pb.js";
import { Kithd } from "./kithd.js";

let server: Kithd;
let kith: Services;
const network = "default";
const [amina, ben, carol, again] = [newPersonId(), "ben", "carol.b@north", "C-2"];

beforeAll(async () => {
  server = await Kithd.start("--demo");
  kith = services({ server: server.url, token: server.token });
  await append(kith.log, network, directory());
});
afterAll(() => server?.stop());

function directory(): NewEvent[] {
  return [
    organisationAdded("riverside", "Riverside Practice, Übersee 3"),
    personAdded(amina, { organisation: "riverside", role: "GP", name: "Amina Shah عَلِيّ", contact: "amina@example.org" }),
    ...[ben, carol, again].map((person) => personAdded(person, { name: `${person} 漢字` })),
    personChanged(ben, { organisation: "riverside", role: "Hausärztin" }),
  ];
}

const entryOf = async (position: number) => readEntries(await kith.log.read({ network, after: BigInt(position - 1), limit: 1 }))[0]!;

test("every kind is accepted, and read back as it was made", async () => {
  const meeting = met([amina, ben, carol], { on: "yesterday", note: "spoke about discharge letters 🏥", place: "Frailty board" });
  const introduction = referred(amina, ben, carol);
  const ask = asked(ben, [amina, carol], "time", { on: Date.now() - 1, causedBy: [meeting.id] });
  const typed = { zz: { text: "" }, a: { integer: 0 }, b: { integer: -(2n ** 63n) }, c: { integer: 2 ** 53 - 1 }, d: { number: -0 }, e: { number: 5e-324 }, f: { flag: false }, "a.b": { number: 1 }, a_b: { integer: 128 } };
  const events = [
    meeting,
    met([ben, amina], { on: "1900-01-01T00:00:00Z" }),
    met([ben, amina], { on: -1 }),
    met([ben, amina], { on: 0 }),
    followedUp(amina, ben, { about: meeting.id }),
    followedUp(ben, [amina, carol]),
    ask,
    helped(amina, ben, { about: ask.id, category: "time" }),
    helped(carol, ben),
    introduction,
    answered(introduction.id, ben, "accepted"),
    answered(introduction.id, carol, "met"),
    custom("org.example/visit.v1", [], { attributes: typed, on: new Date(2026, 0, 5) }),
    custom("a/b", [amina]),
    retracted(meeting.id, "mistake", { note: "wrong day", subjects: [amina, ben] }),
    peopleMerged(carol, again),
  ];
  const outcomes = await append(kith.log, network, events);
  expect(outcomes.map((outcome) => outcome.duplicate)).toEqual(events.map(() => false));
  const entries = readEntries(await kith.log.read({ network, after: BigInt(outcomes[0]!.position - 1), limit: 100 }));
  entries.forEach((entry, at) => {
    const { event, bytes, details } = events[at]!;
    expect(entry.position).toBe(outcomes[at]!.position);
    expect(toHex(encodeEvent(entry.event))).toBe(toHex(bytes));
    expect(withoutEmpty(entry.event)).toEqual(withoutEmpty({ ...event, occurredAt: event.occurredAt }));
    expect(entry.details).toEqual(details);
    expect(details.every((detail) => isCommitted(entry.event, detail))).toBe(true);
  });
  const repeated = await append(kith.log, network, events.map((event) => NewEvent.fromBytes(event.toBytes())));
  expect(repeated).toEqual(outcomes.map((outcome) => ({ ...outcome, duplicate: true })));
});

/** Values that are the same on the wire. */
function withoutEmpty(event: object): unknown {
  return JSON.parse(JSON.stringify(event, (_, value: unknown) => (typeof value === "bigint" ? `${value}` : value === "" ? undefined : value)));
}

test("an id is one event for ever", async () => {
  const event = met([amina, ben]);
  await append(kith.log, network, [event]);
  const other = met([ben, amina], { id: event.id, on: event.event.occurredAt });
  await expect(append(kith.log, network, [other])).rejects.toMatchObject({ reason: "EVENT_ID_REUSED", event: 0, isRetryable: false });
  const salted = met([amina, ben], { id: event.id, on: event.event.occurredAt });
  expect((await append(kith.log, network, [salted]))[0]).toMatchObject({ duplicate: true });
});

test("conditions hold or refuse, and all events or none are recorded", async () => {
  const head = Number((await kith.log.head({ network })).position);
  const [outcome] = await append(kith.log, network, [met([amina, ben])], { condition: { expectedHead: head } });
  expect(outcome!.position).toBe(head + 1);
  const late = append(kith.log, network, [met([amina, ben])], { condition: { expectedHead: head } });
  await expect(late).rejects.toMatchObject({ reason: "CONDITION_FAILED", hadNoEffect: true, metadata: { head: String(head + 1) } });
  const none = (people: string[]) => ({ noneMatch: { kinds: ["met"], people, allPeople: true, occurredFrom: 0 }, after: head });
  await expect(append(kith.log, network, [met([amina, ben])], { condition: none([amina, ben]) })).rejects.toMatchObject({ reason: "CONDITION_FAILED" });
  await append(kith.log, network, [met([amina, ben])], { condition: none([amina, carol]) });
  const before = (await kith.log.head({ network })).position;
  await expect(append(kith.log, network, [met([amina, ben]), met([amina, "nobody"])])).rejects.toMatchObject({ reason: "PERSON_UNKNOWN", event: 1 });
  expect((await kith.log.head({ network })).position).toBe(before);
});

describe("what breaks a rule", () => {
  test.each<[string, () => NewEvent, string, string]>([
    ["one person", () => met([amina]), "EVENT_INVALID", "event.met.people"],
    ["somebody twice", () => followedUp(amina, amina), "EVENT_INVALID", "event.followed_up.with"],
    ["65 people", () => met(Array.from({ length: 65 }, (_, at) => `p-${at}`)), "LIMIT_EXCEEDED", "event.met.people"],
    ["half of a character", () => met([amina, ben], { note: "\ud83c" }), "EVENT_INVALID", "details.text"],
    ["a plain number", () => custom("a/b", [], { attributes: { a: 1 as never } }), "EVENT_INVALID", "event.attributes.value"],
    ["a number that is not exact", () => custom("a/b", [], { attributes: { a: { integer: 2 ** 53 } } }), "EVENT_INVALID", "event.attributes.value"],
    ["a number of 65 bits", () => custom("a/b", [], { attributes: { a: { integer: 2n ** 63n } } }), "EVENT_INVALID", "event.attributes.value"],
    ["two values", () => custom("a/b", [], { attributes: { a: { integer: 1, text: "x" } as never } }), "EVENT_INVALID", "event.attributes.value"],
    ["an id that is none", () => met([amina, ben], { id: "7" }), "EVENT_INVALID", "event.id"],
    ["a note about nobody", () => retracted("01960000-0000-7000-8000-000000000001", "other", { note: "x" }), "EVENT_INVALID", "details.subjects"],
    ["a time that is none", () => met([amina, ben], { on: NaN }), "EVENT_INVALID", "event.occurred_at"],
    ["a name in a meeting", () => met([amina, ben], { details: [{ kind: "name", subjects: [amina], text: "Amina" }] }), "EVENT_INVALID", "details.kind"],
  ])("%s is refused before it is sent", (_, make, reason, field) => {
    let error: unknown;
    try {
      make();
    } catch (found) {
      error = found;
    }
    expect(error).toBeInstanceOf(KithError);
    expect(error).toMatchObject({ kind: "refused", reason, field, hadNoEffect: true });
  });

  test("text that is no date is refused", () => expect(() => met([amina, ben], { on: "tomorrow" })).toThrow("tomorrow is not a date"));

  test("bytes that are not canonical are refused", () => {
    const event = met([amina, ben], { note: "x" });
    const bytes = event.toBytes();
    expect(NewEvent.fromBytes(bytes)).toEqual(event);
    let refused = 0;
    for (let at = 0; at < bytes.length; at++) {
      const altered = bytes.slice();
      altered[at]! ^= 1;
      try {
        // What is read is another event, and whole.
        expect(toHex(NewEvent.fromBytes(altered).toBytes())).toBe(toHex(altered));
      } catch (error) {
        expect(error).toBeInstanceOf(KithError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(bytes.length / 4);
    expect(() => NewEvent.fromBytes(new Uint8Array())).toThrow(KithError);
  });
});

test("events that are made at once have ids in order, and no two are alike", () => {
  const events = Array.from({ length: 1_000 }, () => met([amina, ben]));
  expect(new Set(events.map((event) => event.id)).size).toBe(1_000);
  expect(new Set(events.map((event) => toHex(event.event.salt))).size).toBe(1_000);
  expect(events.every((event) => event.id[14] === "7")).toBe(true);
  const now = Number(`0x${events[0]!.id.replaceAll("-", "").slice(0, 12)}`);
  expect(Math.abs(now - Date.now())).toBeLessThan(60_000);
});

test("everything that the demo recorded is encoded again to the same bytes, here and by the protobuf library", async () => {
  const batch = await kith.log.read({ network: "demo", limit: 10_000 });
  const entries = readEntries(batch);
  expect(entries.length).toBeGreaterThan(2_000);
  let details = 0;
  for (const entry of entries) {
    const bytes = toHex(encodeEvent(entry.event));
    const library = create(EventSchema, fromBinary(EventSchema, encodeEvent(entry.event)));
    expect(toHex(toBinary(EventSchema, library))).toBe(bytes);
    expect(toHex(entry.bytes)).toContain(bytes);
    for (const detail of entry.details) {
      expect(isCommitted(entry.event, detail)).toBe(true);
      const message = fromBinary(DetailSchema, encodeDetail(detail));
      expect(toHex(toBinary(DetailSchema, message))).toBe(toHex(encodeDetail(detail)));
      expect(toHex(commitment(detail))).not.toBe(toHex(commitment({ ...detail, text: `${detail.text}.` })));
      details++;
    }
  }
  expect(details).toBeGreaterThan(100);
  const names = entries.flatMap((entry) => entry.details.map((detail) => personNamed(entry.event.fact, detail))).filter(Boolean);
  const { people } = await kith.directory.listPeople({ network: "demo", pageSize: 1_000 });
  expect(new Set(names)).toEqual(new Set(people.map((person) => person.id)));
  expect([...new Set(entries.map((entry) => entry.kind))]).toEqual(expect.arrayContaining(["met", "person_added", "answered"]));
});

test("administration is read", async () => {
  const { token } = await kith.networks.issueToken({ network, role: 2, person: ben, organisation: "riverside", expiresAt: { seconds: BigInt(Math.floor(Date.now() / 1000) + 3600), nanos: 0 } });
  const { position } = await kith.networks.revokeToken({ network, token: token!.id });
  const issued = await entryOf(Number(position) - 1);
  expect(issued).toMatchObject({ kind: "token_issued", people: [ben], event: { fact: { token: token!.id, role: "recorder", person: ben, organisation: "riverside", secretDigest: expect.stringMatching(/^[0-9a-f]{64}$/) as string } } });
  expect((await entryOf(Number(position))).event.fact).toEqual({ kind: "token_revoked", token: token!.id });
});
