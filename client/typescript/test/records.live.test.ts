// Erasing words and holding them, against a real server.
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  KithError,
  append,
  eraseDetails,
  erasePerson,
  erasure,
  liftHold,
  listHolds,
  met,
  personAdded,
  previewErasure,
  readEntries,
  services,
  setHold,
  type Entry,
  type Services,
} from "../src/index.js";
import { Kithd } from "./kithd.js";

let server: Kithd;
let kith: Services;
const network = "default";

beforeAll(async () => {
  server = await Kithd.start();
  kith = services({ server: server.url, token: server.token });
  await append(kith.log, network, ["amina", "ben", "carol"].map((person) => personAdded(person, { name: `${person} of Riverside` })));
});
afterAll(() => server?.stop());

async function record(...words: [note: string, subjects: string[]][]): Promise<Entry> {
  const details = words.map(([text, subjects]) => ({ kind: "note" as const, subjects, text }));
  const [outcome] = await append(kith.log, network, [met(["amina", "ben"], { details })]);
  return entryAt(outcome!.position);
}

const entryAt = async (position: number) => readEntries(await kith.log.read({ network, after: BigInt(position - 1), limit: 1 }))[0]!;
const refusal = (of: Promise<unknown>) => of.then(() => expect.fail("it was accepted"), (error: unknown) => error as KithError);

test("single details are erased, and their entry says by which one", async () => {
  const { event, position } = await record(["wrong words", ["amina"]], ["right words", ["ben"]]);
  const erased = await eraseDetails(kith.records, network, event.id, [0], { reason: "error", reference: "IG-3" });
  expect(erased.erased).toBe(1);
  const entry = await entryAt(position);
  expect([entry.details.map((detail) => detail.text), entry.erased]).toEqual([["right words"], [{ index: 0, position: erased.position }]]);
  expect((await entryAt(erased.position)).event.fact).toEqual({ kind: "details_erased", event: event.id, details: [0], reason: "error", reference: "IG-3" });
  expect(await eraseDetails(kith.records, network, event.id, [0], { reason: "error" })).toEqual({ position: erased.position, erased: 0 });
  const rest = await eraseDetails(kith.records, network, event.id, [], { reason: "error" });
  expect([rest.erased, (await entryAt(position)).details]).toEqual([1, []]);
});

test("a held person is not erased, and erased once the hold is lifted", async () => {
  const { position } = await record(["about both", ["amina", "ben"]], ["about Amina", ["amina"]]);
  const set = await setHold(kith.records, network, "ben", "inquiry", "INQ-7");
  const holds = await listHolds(kith.records, network, "ben");
  expect(holds).toMatchObject([{ person: "ben", reason: "inquiry", reference: "INQ-7", organisation: "", position: set }]);
  expect(await listHolds(kith.records, network, "amina")).toEqual([]);
  expect(await listHolds(kith.records, network)).toEqual(holds);
  const held = await refusal(erasePerson(kith.records, network, "ben", { reason: "withdrawn" }));
  expect([held.reason, held.metadata["references"], held.code]).toEqual(["PERSON_HELD", "INQ-7", 9]);
  expect(await erasure(kith.records, network, "ben")).toEqual([]);

  await liftHold(kith.records, network, "ben", "INQ-7");
  expect(await listHolds(kith.records, network)).toEqual([]);
  const preview = await previewErasure(kith.records, network, "ben", { reason: "withdrawn" });
  expect(preview).toMatchObject({ people: ["ben"], details: 2, sharedDetails: 1, others: 1, position: 0 });
  const erased = await erasePerson(kith.records, network, "ben", { reason: "withdrawn", reference: "IG-2026-0142" });
  const [found] = await erasure(kith.records, network, "ben", { wait: true });
  expect(found).toMatchObject({ person: "ben", position: erased.position, reason: "withdrawn", reference: "IG-2026-0142", completion: { detailsErased: 2, keysDestroyed: 1 } });
  expect((await entryAt(found!.completion!.position)).event.fact).toEqual({ kind: "erasure_completed", person: "ben", erasure: found!.event, detailsErased: 2, keysDestroyed: 1 });
  const entry = await entryAt(position);
  expect([entry.details.map((detail) => detail.text), entry.erased]).toEqual([["about Amina"], [{ index: 0, position: erased.position }]]);
  const { people } = await kith.directory.listPeople({ network });
  expect(people.map(({ id, name, erased }) => [id, name, erased])).toEqual([["amina", "amina of Riverside", false], ["ben", "", true], ["carol", "carol of Riverside", false]]);
  expect((await refusal(append(kith.log, network, [met(["ben", "carol"])]))).reason).toBe("PERSON_ERASED");
});

test("whoever may not is refused", async () => {
  const { secret } = await kith.networks.issueToken({ network, role: 2, organisation: "" });
  const other = services({ server: server.url, token: secret });
  expect((await refusal(erasePerson(other.records, network, "carol", { reason: "withdrawn" }))).reason).toBe("PERMISSION_DENIED");
  expect((await refusal(setHold(other.records, network, "carol", "inquiry", "INQ-8"))).reason).toBe("PERMISSION_DENIED");
  expect((await refusal(erasePerson(kith.records, network, "nobody", { reason: "withdrawn" }))).reason).toBe("PERSON_UNKNOWN");
});
