// Every way of calling, against a real server.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { KithError, calls, call, positionOf, repeated, services, stream, type Services } from "../src/index.js";
import { LogService } from "../src/gen/kith/v1/log_pb.js";
import { PluginService } from "../src/gen/kith/v1/plugin_pb.js";
import { ViewState } from "../src/gen/kith/v1/view_pb.js";
import { Kithd } from "./kithd.js";

let server: Kithd;
let kith: Services;
const network = "demo";

beforeAll(async () => {
  server = await Kithd.start("--demo");
  kith = services({ server: server.url, token: server.token });
});
afterAll(() => server?.stop());

/** The failure of a call, which must fail. */
export async function failure(of: Promise<unknown>): Promise<KithError> {
  const error = await of.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(KithError);
  return error as KithError;
}

async function all<T>(messages: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const message of messages) found.push(message);
  return found;
}

describe("calls with one answer", () => {
  test("answer with a message", async () => {
    const { networks } = await kith.networks.listNetworks({});
    expect(networks.map((network) => network.name)).toEqual(["default", "demo"]);
    const { people } = await kith.directory.listPeople({ network, pageSize: 3 });
    expect(people.map((person) => person.handle)).toEqual([1, 2, 3]);
  });

  test("take as many bytes as an answer has", async () => {
    const { entries, end, head } = await kith.log.read({ network, limit: 10_000 });
    const { position } = await kith.log.head({ network });
    expect([head, end]).toEqual([position, true]);
    expect(entries.length).toBeGreaterThan(2_000);
    expect(entries.reduce((bytes, entry) => bytes + entry.length, 0)).toBeGreaterThan(200_000);
  });

  test("name the token's problem", async () => {
    const strangers = services({ server: server.url, token: "kith_wrong" });
    const error = await failure(strangers.log.head({ network }));
    expect([error.kind, error.reason, error.code, error.hadNoEffect, error.isRetryable]).toEqual(["refused", "TOKEN_INVALID", 16, true, false]);
    expect((await failure(services({ server: server.url }).log.head({ network }))).reason).toBe("TOKEN_INVALID");
  });

  test("ask for the token each time", async () => {
    let token: string | undefined = "kith_wrong";
    const changing = services({ server: server.url, token: () => token });
    expect((await failure(changing.log.head({ network }))).reason).toBe("TOKEN_INVALID");
    token = server.token;
    expect((await changing.log.head({ network })).position).toBeGreaterThan(0n);
  });

  test("name the field and the event at fault", async () => {
    const error = await failure(kith.log.append({ network, events: [{ event: new Uint8Array([1]) }] }));
    expect([error.reason, error.field, error.event]).toEqual(["EVENT_INVALID", "event", 0]);
    expect(error.violations[0]!.field).toMatch(/^events\[0\]/);
    const missing = await failure(kith.views.queryView({ network, view: "nothing" }));
    expect([missing.reason, missing.kind]).toEqual(["VIEW_UNKNOWN", "refused"]);
    const unknown = await failure(kith.log.head({ network: "nowhere" }));
    expect(unknown.reason).toBe("NETWORK_UNKNOWN");
  });

  test("go through a proxy's prefix and any spelling of the address", async () => {
    const slashed = services({ server: `${server.url}/`, token: server.token });
    expect((await slashed.log.head({ network })).position).toBeGreaterThan(0n);
    const wrong = services({ server: `${server.url}/prefix`, token: server.token });
    expect((await failure(wrong.log.head({ network }))).reason).toBe("UNSUPPORTED");
  });

  test("that are aborted throw the reason", async () => {
    const before = AbortSignal.abort(new Error("never mind"));
    await expect(kith.log.head({ network }, { signal: before })).rejects.toThrow("never mind");
    const controller = new AbortController();
    const asked = kith.log.read({ network, limit: 10_000 }, { signal: controller.signal });
    controller.abort(new Error("left the page"));
    await expect(asked).rejects.toThrow("left the page");
  });

  test("that take too long time out", async () => {
    const error = await failure(kith.log.read({ network, limit: 10_000 }, { timeoutMs: 1 }));
    expect([error.kind, error.isRetryable, error.hadNoEffect]).toEqual(["timed_out", true, false]);
  });

  test("without a server are unreachable", async () => {
    const nobody = services({ server: "http://127.0.0.1:1", token: "x" });
    const error = await failure(nobody.log.head({ network }));
    expect([error.kind, error.isRetryable, error.hadNoEffect]).toEqual(["unreachable", true, false]);
  });
});

async function firstUpdate(): Promise<void> {
  for await (const update of kith.log.subscribe({ network, cursor: { position: 2_000n } })) {
    expect(update.entries.length).toBeGreaterThan(0);
    return;
  }
}

test.each([{ server: "http://[" }, { token: "two\nlines" }, { token: "schlüssel\u2014" }, { headers: { "a b": "c" } }])("options that make no request are told: %j", async (wrong) => {
  const error = await failure(services({ server: server.url, token: server.token, ...wrong }).log.head({ network }));
  expect([error.kind, error.isRetryable, error.hadNoEffect]).toEqual(["options_invalid", false, true]);
  expect(error.message).not.toContain("schl");
});

describe("streams of answers", () => {
  test("bring history, then what is new", async () => {
    const { entries } = await kith.log.read({ network, limit: 10_000 });
    const found: Uint8Array[] = [];
    for await (const update of kith.log.subscribe({ network })) {
      found.push(...update.entries);
      if (update.caughtUp) break;
    }
    expect(found).toEqual(entries);
  });

  test("end when their reader leaves", async () => {
    // More streams than a principal may have open at a time.
    for (let round = 0; round < 18; round++) await Promise.all(Array.from({ length: 20 }, firstUpdate));
    expect((await kith.log.head({ network })).position).toBeGreaterThan(0n);
  });

  test("that are aborted throw the reason, while waiting and between messages", async () => {
    const controller = new AbortController();
    const { position } = await kith.log.head({ network });
    const updates = kith.log.subscribe({ network, cursor: { position } }, { signal: controller.signal });
    expect((await updates.next()).done).toBe(false);
    setTimeout(() => controller.abort(new Error("enough")), 20);
    await expect(all(updates)).rejects.toThrow("enough");
  });

  test("that fail say why", async () => {
    const updates = kith.log.subscribe({ network, cursor: { incarnation: new Uint8Array(16), position: 1n, filter: new Uint8Array(32) } });
    expect((await failure(all(updates))).reason).toBe("RESET_REQUIRED");
    const watched = kith.views.watchView({ network, view: "nothing" });
    expect((await failure(all(watched))).reason).toBe("VIEW_UNKNOWN");
  });

  test("that are silent count as broken", async () => {
    const { position } = await kith.log.head({ network });
    const updates = kith.log.subscribe({ network, cursor: { position } }, { timeoutMs: 300 });
    const error = await failure(all(updates));
    expect([error.kind, error.message]).toEqual(["timed_out", "no answer within 0.3 s"]);
  });

  test("do not break while their reader is busy", async () => {
    const updates = kith.log.subscribe({ network }, { timeoutMs: 300 });
    expect((await updates.next()).done).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await updates.next()).done).toBe(false);
    await updates.return();
  });
});

describe("streams of questions", () => {
  test("are sent as one body and answered in order", async () => {
    const refused = Array.from({ length: 11 }, (_, at) => ({ network: at === 0 ? network : "", events: [{ event: new Uint8Array([at]) }] }));
    const answers = await all(kith.log.appendStream(refused));
    const numbers = answers.flatMap((answer) => answer.results.map((result) => positionOf(result.number)));
    expect(numbers).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  test("upload plugins", async () => {
    const { views } = await kith.views.listViews({ network });
    const component = views.find((view) => view.name === "strength")!.component;
    const fetched = (await all(kith.plugins.fetchComponent({ network, component }))).map((piece) => piece.data);
    async function* pieces() {
      yield { plugin: { network, name: "strength_90", settings: '{"half_life_days": 90}' } };
      for (const data of fetched) yield { data };
    }
    const answers = await all(kith.plugins.installPlugin(pieces(), { timeoutMs: 120_000 }));
    const installed = answers.at(-1)!.installed!;
    expect([installed.name, [...installed.component]]).toEqual(["strength_90", [...component]]);
    expect(answers.some((answer) => answer.compiling)).toBe(true);
    const { plugins } = await kith.plugins.listPlugins({ network });
    expect(plugins.map((plugin) => plugin.name)).toContain("strength_90");
  }, 150_000);

  test("have a bound", async () => {
    function* endless() {
      for (;;) yield { data: new Uint8Array(4 * 1024 * 1024) };
    }
    expect((await failure(all(kith.plugins.installPlugin(endless())))).reason).toBe("LIMIT_EXCEEDED");
  });
});

test("one service alone, and one call alone", async () => {
  const connection = { server: server.url, token: server.token };
  const log = calls(connection, LogService);
  const head = await log.head({ network });
  expect(await call(connection, LogService.method.head, { network })).toEqual(head);
  const streamed = await all(stream(connection, PluginService.method.fetchComponent, { network, component: new Uint8Array(32) })).catch((error: KithError) => error.kind);
  expect(streamed).toBe("refused");
});

test("values keep their types", async () => {
  // A server that has just started is still building its views.
  const { rows, fields } = await repeated(() => kith.views.queryView({ network, view: "strength", pageSize: 5 }), { patienceMs: 25_000 });
  expect(rows.length).toBe(5);
  expect(rows[0]!.values.length).toBe(fields.length);
  const { views } = await kith.views.listViews({ network });
  expect(views.every((view) => view.state !== ViewState.UNSPECIFIED)).toBe(true);
});
