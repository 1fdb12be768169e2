// Proofs of a real log, and what is kept of it.
import { afterAll, beforeAll, expect, test } from "vitest";
import { Growth, KithError, KnownLog, Receipt, SignedCheckpoint, VerifierKey, append, leafHash, met, readEntries, readEvidence, services, uuidBytes, verifyConsistency, verifyEvidence, verifyInclusion, type Entry, type LogStore, type Services } from "../src/index.js";
import { Kithd } from "./kithd.js";

let server: Kithd;
let kith: Services;
let entries: Entry[];
const network = "demo";

beforeAll(async () => {
  server = await Kithd.start("--demo");
  kith = services({ server: server.url, token: server.token });
  entries = readEntries(await kith.log.read({ network, limit: 10_000 }));
});
afterAll(() => server?.stop());

/** People who are known to meet do it again. */
const meeting = () => met(entries.find((entry) => entry.kind === "met")!.people);

class Memory implements LogStore {
  readonly items = new Map<string, string>();
  getItem = (name: string) => this.items.get(name) ?? null;
  setItem = (name: string, value: string) => void this.items.set(name, value);
}

const refused = (check: () => unknown): string => {
  try {
    check();
  } catch (error) {
    if (error instanceof KithError) return error.kind;
    throw error;
  }
  return "accepted";
};

/** Calls `check` with the bytes in which one bit of one byte is another, for every byte. */
function flipped(bytes: Uint8Array, check: (altered: Uint8Array, at: number) => void): void {
  for (let at = 0; at < bytes.length; at++) {
    const altered = bytes.slice();
    altered[at]! ^= 1 << at % 8;
    check(altered, at);
  }
}

test("entries are in the log, and what is altered is not", async () => {
  const { checkpoint, key, size } = await kith.audit.getCheckpoint({ network });
  const verifier = VerifierKey.parse(key);
  for (const entry of [entries[0]!, entries[1_233]!, entries.at(-1)!]) {
    const proof = await kith.audit.getInclusionProof({ network, event: uuidBytes(entry.event.id)!, size });
    const receipt = new Receipt(proof.entry, proof.position - 1n, proof.hashes, SignedCheckpoint.parse(checkpoint));
    expect(receipt.verify(verifier)).toEqual({ ...entry, details: [] });
    expect(`${Receipt.parse(`${receipt}`)}`).toBe(`${receipt}`);
    const { root } = receipt.checkpoint.unverified;
    const check = (entry: Uint8Array, hashes: readonly Uint8Array[]) => refused(() => verifyInclusion(leafHash(entry), receipt.index, size, hashes, root));
    flipped(receipt.entry, (altered) => expect(check(altered, receipt.hashes)).toBe("not_verified"));
    receipt.hashes.forEach((hash, which) => flipped(hash, (altered) => expect(check(receipt.entry, receipt.hashes.with(which, altered))).toBe("not_verified")));
    flipped(root, (altered) => expect(refused(() => verifyInclusion(leafHash(receipt.entry), receipt.index, size, receipt.hashes, altered))).toBe("not_verified"));
    expect(refused(() => new Receipt(receipt.entry, receipt.index + 1n, receipt.hashes, receipt.checkpoint).verify(verifier))).toBe("not_verified");
  }
});

test("every byte of a receipt, a checkpoint and a key counts", async () => {
  const { checkpoint, key, size } = await kith.audit.getCheckpoint({ network });
  const proof = await kith.audit.getInclusionProof({ network, event: uuidBytes(entries[7]!.event.id)!, size });
  const verifier = VerifierKey.parse(key);
  const receipt = `${new Receipt(proof.entry, proof.position - 1n, proof.hashes, SignedCheckpoint.parse(checkpoint))}`;
  const altered = (text: string, check: (text: string) => unknown) =>
    flipped(new TextEncoder().encode(text), (bytes, at) => expect(refused(() => check(new TextDecoder().decode(bytes))), `byte ${at}`).not.toBe("accepted"));
  altered(receipt, (text) => Receipt.parse(text).verify(verifier));
  altered(checkpoint, (text) => SignedCheckpoint.parse(text).verify(verifier));
  altered(key, (text) => SignedCheckpoint.parse(checkpoint).verify(VerifierKey.parse(text)));
});

test("the log only grew, and what is altered did not", async () => {
  const verifier = VerifierKey.parse((await kith.audit.getCheckpoint({ network })).key);
  const { checkpoint } = await kith.audit.getCheckpoint({ network });
  const { size } = SignedCheckpoint.parse(checkpoint).verify(verifier);
  for (const from of [1n, 2n, 63n, 64n, 65n, 1_000n, 2_048n, size - 1n, size]) {
    const proof = await kith.audit.getConsistencyProof({ network, from, to: size });
    const check = (hashes: readonly Uint8Array[], fromRoot = proof.fromRoot) => verifyConsistency(from, fromRoot, size, proof.toRoot, hashes);
    check(proof.hashes);
    proof.hashes.forEach((hash, which) => flipped(hash, (altered) => expect(refused(() => check(proof.hashes.with(which, altered)))).toBe("not_verified")));
    flipped(proof.fromRoot, (altered) => expect(refused(() => check(proof.hashes, altered))).toBe("not_verified"));
    expect(refused(() => check([...proof.hashes, proof.toRoot]))).toBe("not_verified");
  }
});

test("a log is kept as it was first seen, and grows", async () => {
  const store = new Memory();
  const log = new KnownLog(kith.audit, network, store);
  expect(log.kept).toBeUndefined();
  const first = await log.check();
  expect(first).toMatchObject({ state: "verified", kept: { firstSize: first.kept.size } });
  const [outcome] = await append(kith.log, network, [meeting()]);
  await expect.poll(async () => (await log.check()).kept.size).toBeGreaterThanOrEqual(outcome!.position);
  expect(log.kept).toMatchObject({ firstSize: first.kept.size, firstSeenAt: first.kept.firstSeenAt });
  const again = new KnownLog(kith.audit, network, store);
  expect(again.kept).toEqual(log.kept);
  const [entry] = readEntries(await kith.log.read({ network, after: BigInt(outcome!.position - 1), limit: 1 }));
  expect((await again.prove(entry!)).verify(VerifierKey.parse(again.kept!.key)).event.id).toBe(outcome!.id);
  await expect(again.prove({ ...entry!, bytes: entries[0]!.bytes })).rejects.toThrow("another entry");
});

test("a checkpoint that came with a subscription is held against the same", async () => {
  const log = new KnownLog(kith.audit, network, new Memory());
  await log.check();
  for await (const update of kith.log.subscribe({ network, withCheckpoints: true })) {
    if (!update.checkpoint) continue;
    expect(await log.hear(update.checkpoint.checkpoint)).toMatchObject({ state: "verified" });
    break;
  }
});

test("what contradicts is told and changes nothing until the reader says so", async () => {
  const store = new Memory();
  const log = new KnownLog(kith.audit, network, store);
  await log.check();
  const contradict = async (calls: Partial<Services["audit"]>, state: string) => {
    const before = store.getItem(`kith/log//${network}`);
    const liar = new KnownLog({ ...kith.audit, ...calls }, network, store);
    const standing = await liar.check();
    expect(standing.state).toBe(state);
    expect(store.getItem(`kith/log//${network}`)).toBe(before);
    return [liar, standing] as const;
  };
  const other = await Kithd.start();
  try {
    const foreign = services({ server: other.url, token: other.token });
    await contradict({ getCheckpoint: (_, options) => foreign.audit.getCheckpoint({ network: "default" }, options) }, "other_key");
  } finally {
    await other.stop();
  }
  const [liar, standing] = await contradict({ getCheckpoint: (_, options) => kith.audit.getCheckpoint({ network: "default" }, options) }, "restored");
  expect(liar.accept(standing).size).toBe(0);
  await log.check().then((back) => log.accept(back));
  const earlier = await kith.audit.getCheckpoint({ network });
  await append(kith.log, network, [meeting()]);
  await expect.poll(async () => (await kith.audit.getCheckpoint({ network })).size).toBeGreaterThan(earlier.size);
  await contradict({ getConsistencyProof: async (input, options) => ({ ...(await kith.audit.getConsistencyProof(input, options)), hashes: [] }) }, "rewritten");
  const { kept } = await log.check();
  const [, shorter] = await contradict({ getCheckpoint: async () => earlier }, "rewritten");
  expect(shorter).toMatchObject({ why: `the log has fewer entries than you have already seen: ${earlier.size.toLocaleString()} instead of ${kept.size.toLocaleString()}` });
});

test("a growth is a file that an auditor checks", async () => {
  const verifier = VerifierKey.parse((await kith.audit.getCheckpoint({ network })).key);
  const earlier = SignedCheckpoint.parse((await kith.audit.getCheckpoint({ network })).checkpoint);
  await append(kith.log, network, [meeting()]);
  await expect.poll(async () => (await kith.audit.getCheckpoint({ network })).size).toBeGreaterThan(earlier.unverified.size);
  const later = SignedCheckpoint.parse((await kith.audit.getCheckpoint({ network })).checkpoint);
  const proof = await kith.audit.getConsistencyProof({ network, from: earlier.unverified.size, to: later.unverified.size });
  const growth = Growth.parse(`${new Growth(earlier.unverified.size, proof.hashes, later)}`);
  growth.verify(earlier, verifier);
  expect(refused(() => growth.verify(later, verifier))).toBe("not_verified");
});

test("a kept log proves that it continues an earlier checkpoint, and no other", async () => {
  const { checkpoint, key } = await kith.audit.getCheckpoint({ network });
  const earlier = SignedCheckpoint.parse(checkpoint);
  const log = new KnownLog(kith.audit, network, new Memory());
  expect((await log.growth(earlier)).hashes).toEqual([]);
  await append(kith.log, network, [meeting()]);
  await expect.poll(async () => (await log.check()).kept.size).toBeGreaterThan(Number(earlier.unverified.size));
  const growth = readEvidence(new TextEncoder().encode(`${await log.growth(earlier)}`));
  expect(growth.checkpoint.unverified.size).toBe(BigInt(log.kept!.size));
  verifyEvidence(growth, VerifierKey.parse(key), earlier);

  const foreign = await kith.audit.getCheckpoint({ network: "default" });
  await expect(log.growth(SignedCheckpoint.parse(foreign.checkpoint))).rejects.toThrow("not signed by the key");
  // What an old log that was put back says of a checkpoint that is newer than it.
  const later = SignedCheckpoint.parse((await kith.audit.getCheckpoint({ network })).checkpoint);
  const old = new KnownLog({ ...kith.audit, getCheckpoint: async () => ({ $typeName: "kith.v1.GetCheckpointResponse", checkpoint, key, size: earlier.unverified.size, builtins: new Uint8Array() }) }, network, new Memory());
  await expect(old.growth(later)).rejects.toThrow(/^the log has fewer entries than this checkpoint: [\d,]+ instead of [\d,]+$/);
});
