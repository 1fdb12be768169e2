// What the Rust side computes, computed here: tests/fixtures/vectors.json is written by server/json/tests/vectors.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  Growth,
  KithError,
  NewEvent,
  Receipt,
  SignedCheckpoint,
  VerifierKey,
  commitment,
  contentHash,
  encodeDetail,
  encodeEvent,
  fromHex,
  kindOf,
  leafHash,
  readEvidence,
  readEvent,
  timeText,
  toBase64,
  toHex,
  verifyConsistency,
  verifyEvidence,
  verifyInclusion,
  type Detail,
  type Event,
} from "../src/index.js";
import { readDetail } from "../src/canonical.js";
import { sha256 } from "@noble/hashes/sha2.js";

interface Vectors {
  events: { event: Record<string, unknown>; salt: string; details: object[]; detail_salts: string[]; detail_bytes: string[]; commitments: string[]; content_hash: string; bytes: string }[];
  refused: { event: string; details: string[]; reason: string; field: string; message: string }[];
  inclusion: { index: number; size: number; root: string; hashes: string[] }[];
  consistency: { from: number; from_root: string; to: number; to_root: string; hashes: string[] }[];
  notes: Record<"key" | "other_key" | "earlier" | "later" | "cosigned" | "receipt" | "growth", string>;
}

const VECTORS = JSON.parse(readFileSync(new URL("../../../tests/fixtures/vectors.json", import.meta.url), "utf8")) as Vectors;
const bytes = (hex: string) => fromHex(hex)!;
const utf8 = (text: string) => new TextEncoder().encode(text);

/** The failure of what must fail. */
function failure(of: () => unknown): KithError {
  try {
    of();
  } catch (error) {
    if (error instanceof KithError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

/** The JSON of an event, as `kith log -o json` writes it. */
function eventJson({ id, occurredAt, scope, causedBy, attributes, fact }: Event): object {
  const { kind, ...fields } = fact;
  const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const shown = (value: unknown) => (typeof value === "bigint" ? String(value) : value);
  // Numbers of 64 bits lose digits in JSON here, where they are not written as text.
  const inJson = (name: string, value: unknown) => (name === "expiresAt" ? timeText(value as number) : name === "lostHead" || name === "detailsErased" ? Number(value) : value);
  return {
    id,
    occurred_at: timeText(occurredAt),
    scope,
    ...(causedBy.length > 0 && { caused_by: causedBy }),
    ...(Object.keys(attributes).length > 0 && {
      attributes: Object.entries(attributes).map(([key, value]) => ({ key, ...Object.fromEntries(Object.entries(value).map(([name, one]) => [name, shown(one)])) })),
    }),
    [kind]: Object.fromEntries(Object.entries(fields).map(([name, value]) => [snake(name), inJson(name, value)])),
  };
}

test.each(VECTORS.events.map((vector, at) => [at, Object.keys(vector.event).at(-1)!, vector] as const))("event %i, %s", (_, kind, vector) => {
  const event = readEvent(bytes(vector.bytes));
  expect(eventJson(event)).toEqual(withEmptyRoles(vector.event));
  expect(toHex(encodeEvent(event))).toBe(vector.bytes);
  expect([kindOf(event.fact).split(":")[0], toHex(event.salt), event.commitments.map(toHex)]).toEqual([kind, vector.salt, vector.commitments]);
  expect(toHex(contentHash(event))).toBe(vector.content_hash);
  const details = vector.details.map((detail, at) => ({ ...detail, salt: bytes(vector.detail_salts[at]!) }) as Detail);
  expect(details.map((detail) => toHex(commitment(detail)))).toEqual(vector.commitments);
  expect(details.map((detail) => toHex(encodeDetail(detail)))).toEqual(vector.detail_bytes);
  expect(vector.detail_bytes.map((detail) => readDetail(bytes(detail)))).toEqual(details);
});

/** An empty role is not told apart from none here. */
function withEmptyRoles(event: Record<string, unknown>): object {
  const empty = (value: unknown) => (value !== null && typeof value === "object" && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).filter(([name, one]) => name !== "role" || one !== "")) : value);
  return Object.fromEntries(Object.entries(event).map(([name, value]) => [name, empty(value)]));
}

test.each(VECTORS.refused)("$message", ({ event, details, reason, field, message }) => {
  const error = failure(() => NewEvent.of(readEvent(bytes(event)), details.map((detail) => readDetail(bytes(detail)))));
  expect({ reason: error.reason, field: error.field, message: error.message }).toEqual({ reason, field, message });
});

const leaf = (index: number) => leafHash(utf8(`entry ${index}`));

/** Calls `check` with every list in which one byte of one hash is another, or with one hash more or fewer. */
function altered(hashes: readonly Uint8Array[], check: (hashes: readonly Uint8Array[]) => void): void {
  hashes.forEach((hash, which) => {
    for (let at = 0; at < hash.length; at++) {
      const other = hash.slice();
      other[at]! ^= 1 << at % 8;
      check(hashes.with(which, other));
    }
    check(hashes.toSpliced(which, 1));
  });
  for (let at = 0; at <= hashes.length; at++) check(hashes.toSpliced(at, 0, leaf(0)));
}

test("entries are in trees of every shape, and no altered proof says so", () => {
  for (const { index, size, root, hashes } of VECTORS.inclusion) {
    const proof = hashes.map(bytes);
    const check = (proof: readonly Uint8Array[], at = index, of = leaf(index)) => verifyInclusion(of, at, size, proof, bytes(root));
    check(proof);
    altered(proof, (proof) => expect(failure(() => check(proof)).kind).toBe("not_verified"));
    expect(failure(() => check(proof, index, leaf(1_001))).message).toBe("the proof does not lead to the root");
    for (let other = 0; other <= Math.min(size, 9); other++) if (other !== index) expect(failure(() => check(proof, other)).kind).toBe("not_verified");
  }
});

test("trees continue smaller ones, and no altered proof says so", () => {
  for (const { from, from_root, to, to_root, hashes } of VECTORS.consistency) {
    const proof = hashes.map(bytes);
    const check = (proof: readonly Uint8Array[], roots = [from_root, to_root]) => verifyConsistency(from, bytes(roots[0]!), to, bytes(roots[1]!), proof);
    check(proof);
    altered(proof, (proof) => expect(failure(() => check(proof)).kind).toBe("not_verified"));
    const other = toHex(leaf(1_001));
    expect(failure(() => check(proof, [other, to_root])).kind).toBe("not_verified");
    if (from > 0) expect(failure(() => check(proof, [from_root, other])).message).toBe("the proof does not lead to the root");
  }
});

test("sizes that cannot be are refused", () => {
  const root = leaf(0);
  const max = 2n ** 64n - 1n;
  for (const check of [
    () => verifyInclusion(root, 0, 0, [], root),
    () => verifyInclusion(root, max, max, [], root),
    () => verifyInclusion(root, -1, 5, [], root),
    () => verifyInclusion(root, max - 1n, max, [], root),
    () => verifyConsistency(max, root, 1, root, []),
    () => verifyConsistency(-1, root, 1, root, []),
    () => verifyConsistency(1, root.subarray(1), 1, root.subarray(1), []),
  ]) {
    expect(failure(check).kind).toBe("not_verified");
  }
});

const { notes } = VECTORS;
const key = VerifierKey.parse(notes.key);

test("notes, receipts and growths are read, verified, and written as they were", () => {
  for (const text of [notes.earlier, notes.later, notes.cosigned]) {
    const signed = SignedCheckpoint.parse(text);
    expect(`${signed}`).toBe(text);
    expect(signed.verify(key).origin).toBe("kith/north/07070707070707070707070707070707");
  }
  expect([`${key}`, key.origin, key.publicKey.length]).toEqual([notes.key, "kith/north/07070707070707070707070707070707", 32]);
  expect(`${SignedCheckpoint.parse(notes.cosigned).signedBy(key)}`).toBe(notes.later);
  const receipt = Receipt.parse(notes.receipt);
  expect(`${receipt}`).toBe(notes.receipt);
  expect(receipt.verify(key)).toMatchObject({ position: 4, recordedBy: "person:amina", organisation: "riverside", kind: "met", people: ["amina", "ben"], recordedAt: 1_772_620_200_000 });
  const growth = Growth.parse(notes.growth);
  expect(`${growth}`).toBe(notes.growth);
  growth.verify(SignedCheckpoint.parse(notes.earlier), key);
});

test("no altered byte of them is accepted", () => {
  const check = (text: string, verify: (text: string) => unknown) => {
    const whole = utf8(text);
    for (let at = 0; at < whole.length; at++) {
      const other = whole.slice();
      other[at]! ^= 1 << at % 7;
      expect(failure(() => verify(new TextDecoder().decode(other))).kind, `byte ${at}`).toBe("not_verified");
    }
    expect(failure(() => verify(text.slice(0, -1))).kind).toBe("not_verified");
  };
  const earlier = SignedCheckpoint.parse(notes.earlier);
  check(notes.later, (text) => SignedCheckpoint.parse(text).verify(key));
  check(notes.receipt, (text) => Receipt.parse(text).verify(key));
  check(notes.growth, (text) => Growth.parse(text).verify(earlier, key));
  check(notes.key, (text) => earlier.verify(VerifierKey.parse(text)));
}, 60_000);

test("another key, another log and another size are told apart", () => {
  const other = VerifierKey.parse(notes.other_key);
  const later = SignedCheckpoint.parse(notes.later);
  expect(failure(() => later.verify(other)).message).toBe("not signed by the key of kith/north/07070707070707070707070707070707");
  expect(SignedCheckpoint.parse(notes.cosigned).verify(other).size).toBe(5n);
  const growth = Growth.parse(notes.growth);
  expect(failure(() => growth.verify(later, key)).message).toBe("the proof goes from 2 entries, and the earlier checkpoint has 5");
  const wrong = `${notes.later}${notes.later.split("\n").at(-2)!.slice(0, -8)}AAAAAAA=\n`;
  expect(failure(() => SignedCheckpoint.parse(wrong).verify(key)).kind).toBe("not_verified");
});

test("files are told apart and verified as `kith audit verify` does it", () => {
  const [checkpoint, receipt, growth] = [notes.later, notes.receipt, notes.growth].map((text) => readEvidence(utf8(text)));
  expect([checkpoint!.kind, receipt!.kind, growth!.kind]).toEqual(["checkpoint", "receipt", "growth"]);
  for (const evidence of [checkpoint!, receipt!, growth!]) expect(evidence.checkpoint.unverified.size).toBe(5n);
  const earlier = SignedCheckpoint.parse(notes.earlier);
  expect(verifyEvidence(checkpoint!, key)).toBeUndefined();
  expect(verifyEvidence(checkpoint!, key, SignedCheckpoint.parse(notes.cosigned))).toBeUndefined();
  expect(verifyEvidence(receipt!, key)).toMatchObject({ position: 4, kind: "met" });
  expect(verifyEvidence(growth!, key, earlier)).toBeUndefined();
  expect(failure(() => verifyEvidence(growth!, key)).message).toBe("a proof of growth needs the checkpoint of 2 entries that it starts from");
  expect(failure(() => verifyEvidence(checkpoint!, key, earlier)).message).toContain("do not show that the log only grew");
  expect(failure(() => verifyEvidence(receipt!, VerifierKey.parse(notes.other_key))).kind).toBe("not_verified");
});

test("files from any editor are read, and others say what is wrong with them", () => {
  const mark = (text: string) => Uint8Array.of(0xef, 0xbb, 0xbf, ...utf8(text));
  expect(`${readEvidence(mark(notes.later)).checkpoint}`).toBe(notes.later);
  const cases: [Uint8Array, string][] = [
    [new Uint8Array(), "not a signed note"],
    [Uint8Array.of(0xff, 0xfe, 0x31, 0), "UTF-16"],
    [Uint8Array.of(0x31, 0, 0x32, 0), "UTF-16"],
    [Uint8Array.of(0x89, 0x50, 0x4e, 0x47), "not text"],
    [utf8("a letter\n"), "not a signed note"],
    [utf8("old news\n"), "not a proof of growth"],
    [utf8("c2sp.org/tlog-proof@v1\n\n"), "the proof comes without its entry"],
    [utf8(notes.later.replaceAll("\n", "\r\n")), "control characters"],
    [new Uint8Array(1024 * 1024 + 1), "longer than any proof"],
  ];
  for (const [file, why] of cases) expect(failure(() => readEvidence(file)).message, why).toMatch(new RegExp(`^the file is damaged, or not from Kith: .*${why}`));
});

/** The points of small order: with such a key anything can be signed. */
const WEAK = [
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "0000000000000000000000000000000000000000000000000000000000000080",
  "0000000000000000000000000000000000000000000000000000000000000000",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
];

test.each(WEAK)("the weak key %s is refused", (hex) => {
  const typed = Uint8Array.of(1, ...bytes(hex));
  const id = toHex(sha256(Uint8Array.of(...utf8("kith/north/00\n"), ...typed))).slice(0, 8);
  expect(failure(() => VerifierKey.parse(`kith/north/00+${id}+${toBase64(typed)}`)).message).toBe("the key is not an Ed25519 key");
});

test.each(["", "a+b", "a b+00000000+AQ==", "a+00000000+!", `a\u2003b+00000000+AQ==`, `a+00000000+${toBase64(new Uint8Array(33))}`])("the key %j is refused", (text) => {
  expect(failure(() => VerifierKey.parse(text)).kind).toBe("not_verified");
});

test("facts, fields and values of later versions are passed over or kept as they are", () => {
  const known = bytes(VECTORS.events[0]!.bytes);
  const before = readEvent(known);
  const head = encodeEvent({ ...before, fact: { kind: "newer", number: 60, bytes: Uint8Array.of(8, 1) } });
  const later = readEvent(head);
  expect([kindOf(later.fact), toHex(encodeEvent(later))]).toEqual(["newer:60", toHex(head)]);
  const far = readEvent(encodeEvent({ ...before, fact: { kind: "newer", number: 90, bytes: new Uint8Array() } }));
  expect(kindOf(far.fact)).toBe("newer:90");
  const met = Uint8Array.of(0x0a, 1, 0x61, 0x0a, 1, 0x62, 0x78, 5);
  expect(readEvent(encodeEvent({ ...before, fact: { kind: "newer", number: 8, bytes: met } })).fact).toEqual({ kind: "met", people: ["a", "b"] });
  const answered = Uint8Array.of(0x18, 9);
  expect(kindOf(readEvent(encodeEvent({ ...before, fact: { kind: "newer", number: 13, bytes: answered } })).fact)).toBe("newer:13");
  expect(failure(() => readEvent(known.subarray(0, -1))).kind).toBe("answer_invalid");
  expect(failure(() => readEvent(new Uint8Array())).kind).toBe("answer_invalid");
});

test("indexes of details are ascending and fewer than nine, or belong to a later version", () => {
  const event = [0x0a, 16, ...fromHex("01960000000070008000000000000001")!];
  const kind = (...packed: number[]) => {
    const bytes = Uint8Array.of(...event, ...(packed.length > 0 ? [0x12, packed.length, ...packed] : []), 0x1a, 5, ...utf8("error"));
    const read = readEvent(encodeEvent({ ...readEvent(fromHex(VECTORS.events[0]!.bytes)!), fact: { kind: "newer", number: 37, bytes } }));
    return [kindOf(read.fact), toHex(encodeEvent(read)).endsWith(toHex(bytes))];
  };
  for (const known of [[0], [7], [0, 1, 7], [0, 1, 2, 3, 4, 5, 6, 7]]) expect(kind(...known), `${known}`).toEqual(["details_erased", true]);
  for (const later of [[], [8], [1, 0], [1, 1], [0x80, 0], [0x81, 0], [0xff, 0xff, 0xff, 0xff, 0x0f], [0x80]]) expect(kind(...later), `${later}`).toEqual(["newer:37", true]);
});
