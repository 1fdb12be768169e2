// Erasures and holds as messages: what is asked, what is answered, and what is asked again.
import { expect, test } from "vitest";
import { KithError, eraseDetails, erasePerson, erasure, liftHold, listHolds, previewErasure, setHold, uuidBytes } from "../src/index.js";
import type { RecordsCalls } from "../src/index.js";

const EVENT = "01960000-0000-7000-8000-000000000001";
const at = (seconds: bigint) => ({ $typeName: "google.protobuf.Timestamp" as const, seconds, nanos: 500_000_000 });
const busy = () => new KithError("refused", "busy", { reason: "LOG_BUSY" });

/** A call that answers in order, or throws what is an error, and keeps what it was asked. */
function answers(...all: unknown[]) {
  const asked: unknown[] = [];
  const call = (request: unknown) => {
    asked.push(request);
    const next = all.shift();
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
  };
  return { asked, records: { erasePerson: call, getErasure: call, eraseDetails: call, changeHold: call, listHolds: call } as unknown as RecordsCalls };
}

test("a preview only counts, and an erasure is repeated until it is answered", async () => {
  const counted = { people: ["ben", "b-2"], details: 57n, sharedDetails: 12n, others: 8, position: 0n };
  const { asked, records } = answers(counted, busy(), { ...counted, position: 31n });
  expect(await previewErasure(records, "north", "ben", { reason: "withdrawn" })).toEqual({ people: ["ben", "b-2"], details: 57, sharedDetails: 12, others: 8, position: 0 });
  expect((await erasePerson(records, "north", "ben", { reason: "withdrawn", reference: "IG-3" })).position).toBe(31);
  const request = { network: "north", person: "ben", reason: "withdrawn" };
  expect(asked).toEqual([{ ...request, reference: "", dryRun: true }, ...[0, 1].map(() => ({ ...request, reference: "IG-3", dryRun: false }))]);
});

test("an erasure has an end once there is one", async () => {
  const asked = { person: "ben", event: uuidBytes(EVENT)!, position: 31n, recordedAt: at(5n), reason: "withdrawn", reference: "", completedEvent: new Uint8Array(), completedPosition: 0n, detailsErased: 0n, keysDestroyed: 0, replicas: 3, replicasTold: 2 };
  const ended = { ...asked, completedEvent: uuidBytes(EVENT)!, completedPosition: 33n, completedAt: at(9n), detailsErased: 57n, keysDestroyed: 1 };
  const { asked: requests, records } = answers({ erasures: [asked, ended] }, { erasures: [] });
  const common = { person: "ben", event: EVENT, position: 31, recordedAt: 5_500, reason: "withdrawn", reference: "", replicas: 3, replicasTold: 2 };
  expect(await erasure(records, "north", "ben", { wait: true })).toEqual([
    { ...common, completion: undefined },
    { ...common, completion: { event: EVENT, position: 33, recordedAt: 9_500, detailsErased: 57, keysDestroyed: 1 } },
  ]);
  expect(await erasure(records, "north", "ben")).toEqual([]);
  expect(requests).toEqual([true, false].map((wait) => ({ network: "north", person: "ben", wait })));
});

test("details are named by their event, which must be one", async () => {
  const { asked, records } = answers({ position: 40n, erased: 2 });
  expect(await eraseDetails(records, "north", EVENT, [0, 2], { reason: "error" })).toEqual({ position: 40, erased: 2 });
  expect(asked).toEqual([{ network: "north", event: uuidBytes(EVENT), details: [0, 2], reason: "error", reference: "" }]);
  await expect(eraseDetails(records, "north", "40", [], { reason: "error" })).rejects.toMatchObject({ kind: "options_invalid" });
});

test("a hold is set as often as it takes, and lifted once", async () => {
  const { asked, records } = answers(busy(), { position: 41n }, busy());
  expect(await setHold(records, "north", "ben", "inquiry", "INQ-7")).toBe(41);
  await expect(liftHold(records, "north", "ben", "INQ-7")).rejects.toMatchObject({ reason: "LOG_BUSY" });
  expect(asked).toEqual([
    ...[0, 1].map(() => ({ network: "north", person: "ben", held: true, reason: "inquiry", reference: "INQ-7" })),
    { network: "north", person: "ben", held: false, reference: "INQ-7" },
  ]);
});

test("holds are of one person or of all", async () => {
  const hold = { person: "ben", reason: "inquiry", reference: "INQ-7", organisation: "riverside", position: 41n, recordedAt: at(7n) };
  const { asked, records } = answers({ holds: [hold] }, { holds: [] });
  expect(await listHolds(records, "north", "ben")).toEqual([{ ...hold, position: 41, recordedAt: 7_500 }]);
  expect(await listHolds(records, "north")).toEqual([]);
  expect(asked).toEqual([{ network: "north", person: "ben" }, { network: "north", person: "" }]);
});
