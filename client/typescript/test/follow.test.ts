// Following a log over the end of its server.
import { afterAll, beforeAll, expect, test } from "vitest";
import { KithError, append, follow, followTail, met, organisationAdded, personAdded, services, type Services, type TailState, type Tick, type Update } from "../src/index.js";
import { Kithd } from "./kithd.js";

let server: Kithd;
let kith: Services;
const network = "default";

beforeAll(async () => {
  server = await Kithd.start();
  kith = services({ server: server.url, token: server.token });
  await append(kith.log, network, [organisationAdded("riverside", "Riverside Practice"), ...["amina", "ben"].map((person) => personAdded(person, { organisation: "riverside", role: "GP", name: `${person} of Riverside` }))]);
});
afterAll(() => server?.stop());

const meetings = (count: number) => Array.from({ length: count }, () => met(["amina", "ben"], { note: "again" }));

test("every entry arrives once and in order, across servers that are killed", async () => {
  const controller = new AbortController();
  const positions: number[] = [];
  let interruptions = 0;
  const following = (async () => {
    for await (const { entries } of follow(kith.log, network, { signal: controller.signal, onInterrupted: () => interruptions++ })) {
      positions.push(...entries.map((entry) => entry.position));
    }
  })();
  let last = 0;
  for (let round = 0; round < 3; round++) {
    const outcomes = await append(kith.log, network, meetings(40), { patienceMs: 20_000 });
    last = outcomes.at(-1)!.position;
    const events = meetings(40);
    const appending = append(kith.log, network, events, { patienceMs: 20_000 });
    await server.kill();
    await server.restart();
    const again = await appending;
    last = Math.max(last, ...again.map((outcome) => outcome.position));
    expect(new Set(again.map((outcome) => outcome.position)).size).toBe(40);
  }
  await expect.poll(() => positions.length, { timeout: 20_000 }).toBe(last);
  controller.abort(new Error("done"));
  await expect(following).rejects.toThrow("done");
  expect(positions).toEqual(Array.from({ length: last }, (_, at) => at + 1));
  expect(interruptions).toBeGreaterThanOrEqual(3);
}, 90_000);

test("a kept cursor goes on where it was, and only with its own filter", async () => {
  let first: Update | undefined;
  for await (const update of follow(kith.log, network, { filter: { kinds: ["met"] } })) {
    first = update;
    break;
  }
  const cursor = structuredClone(first!.cursor);
  const [event] = meetings(1);
  await append(kith.log, network, [event!]);
  for await (const { entries, caughtUp } of follow(kith.log, network, { filter: { kinds: ["met"] }, after: cursor })) {
    expect(entries.every((entry) => entry.position > cursor.position)).toBe(true);
    if (!caughtUp) continue;
    expect(entries.at(-1)).toMatchObject({ event: { id: event!.id }, details: [{ kind: "note", text: "again", subjects: ["amina", "ben"] }] });
    break;
  }
  const other = follow(kith.log, network, { filter: { kinds: ["helped"] }, after: cursor });
  await expect(other.next()).rejects.toMatchObject({ reason: "REQUEST_INVALID", field: "cursor.filter" });
});

test("whoever waits for the next attempt can be woken", async () => {
  const wake = new EventTarget();
  const controller = new AbortController();
  let [interrupted, updates] = [0, 0];
  const following = (async () => {
    const options = { signal: controller.signal, wake, retry: { firstMs: 600_000, maxMs: 600_000 }, onInterrupted: () => interrupted++ };
    for await (const update of follow(kith.log, network, options)) if (update.caughtUp) updates++;
  })();
  await expect.poll(() => updates).toBeGreaterThan(0);
  await server.kill();
  await expect.poll(() => interrupted).toBe(1);
  await server.restart();
  const before = updates;
  wake.dispatchEvent(new Event("wake"));
  await expect.poll(() => updates).toBeGreaterThan(before);
  controller.abort(new Error("done"));
  await expect(following).rejects.toThrow("done");
}, 60_000);

test("what cannot succeed later is thrown", async () => {
  const stranger = services({ server: server.url, token: "kith_wrong" });
  await expect(follow(stranger.log, network).next()).rejects.toBeInstanceOf(KithError);
  await expect(follow(kith.log, "nowhere").next()).rejects.toMatchObject({ reason: "NETWORK_UNKNOWN" });
});

test("the tail ticks when the log grows, with no entries but those of the directory", async () => {
  const controller = new AbortController();
  const ticks: Tick[] = [];
  const states: TailState[] = [];
  followTail({ log: kith.log, network, name: "test", onTick: (tick) => ticks.push(tick), onState: (state) => states.push(state), signal: controller.signal });
  await expect.poll(() => ticks.length).toBe(1);
  const head = Number((await kith.log.head({ network })).position);
  expect(ticks[0]).toMatchObject({ head, entries: [], reset: false });
  expect(states).toMatchObject([{ connected: true, ended: false }]);

  const [outcome] = (await append(kith.log, network, meetings(300))).slice(-1);
  await expect.poll(() => ticks.at(-1)!.head).toBe(outcome!.position);
  expect(ticks.flatMap((tick) => tick.entries)).toEqual([]);
  await append(kith.log, network, [personAdded("carol", { name: "Carol Brook" })]);
  await expect.poll(() => ticks.flatMap((tick) => tick.entries).map((entry) => entry.details[0]?.text)).toEqual(["Carol Brook"]);
  await expect.poll(() => ticks.some((tick) => tick.checkpoint?.includes("\u2014 kith/default/")), { timeout: 5_000 }).toBe(true);

  await server.kill();
  await expect.poll(() => states.at(-1)).toMatchObject({ connected: false, ended: false, error: { kind: "unreachable" } });
  await server.restart();
  await expect.poll(() => states.at(-1), { timeout: 10_000 }).toMatchObject({ connected: true });
  const [after] = await append(kith.log, network, meetings(1));
  await expect.poll(() => ticks.at(-1)!.head).toBe(after!.position);
  expect(ticks.some((tick) => tick.reset)).toBe(false);

  controller.abort();
  const count = ticks.length;
  await append(kith.log, network, meetings(1));
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(ticks.length).toBe(count);
}, 60_000);

test("the tail ends where there is something to do first", async () => {
  const states: TailState[] = [];
  const stranger = services({ server: server.url, token: "kith_wrong" });
  followTail({ log: stranger.log, network, name: "stranger", onTick: () => {}, onState: (state) => states.push(state), signal: new AbortController().signal });
  await expect.poll(() => states).toMatchObject([{ connected: false, ended: true, error: { reason: "TOKEN_INVALID" } }]);
});

test("the tail starts anew when the log has another history", async () => {
  const controller = new AbortController();
  const ticks: Tick[] = [];
  let asked = 0;
  // The first cursor is one of another history.
  const foreign = { cursor: { incarnation: new Uint8Array(16), position: 1n, filter: new Uint8Array(32) } };
  const subscribe: Services["log"]["subscribe"] = (request, options) =>
    asked++ === 0 ? kith.log.subscribe({ network, ...foreign }, options) : kith.log.subscribe(request, options);
  const log = { ...kith.log, subscribe };
  followTail({ log, network, name: "reset", onTick: (tick) => ticks.push(tick), onState: () => {}, signal: controller.signal });
  await expect.poll(() => ticks.map((tick) => tick.reset)).toEqual([true]);
  expect(asked).toBe(2);
  controller.abort();
});
