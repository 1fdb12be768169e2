// Logs that are followed and views that are watched.
import { KithError, delayMs, follow, fromHex, pause, positionOf, toHex, RETRY, type Update } from "../src/index.js";
import type { Field, WatchViewResponse } from "../src/gen/kith/v1/view_pb.js";
import { rowJson, type Net } from "./calls.js";
import { entryJson, filterOf, type Json } from "./events.js";

/** What is open: items that are asked for one by one, and how often the connection broke meanwhile. */
export class Stream {
  readonly #end = new AbortController();
  readonly #items: AsyncGenerator<Json, void, undefined>;
  #waiting: Promise<IteratorResult<Json, void>> | undefined;
  #interruptions = 0;

  private constructor(open: (signal: AbortSignal, interrupted: () => void) => AsyncGenerator<Json, void, undefined>) {
    this.#items = open(this.#end.signal, () => this.#interruptions++);
  }

  static follow({ services, network }: Net, command: Json): Stream {
    const after = command["cursor"] ? cursorOf(command["cursor"]) : (command["after"] ?? 0);
    return new Stream(async function* (signal, interrupted) {
      const options = { after, filter: filterOf(command["filter"]), signal, silenceMs: command["silence_ms"], onInterrupted: interrupted };
      for await (const update of follow(services.log, network, options)) yield updateJson(update);
    });
  }

  static watch(net: Net, command: Json): Stream {
    return new Stream((signal, interrupted) => watch(net, command["view"], BigInt(command["after"] ?? 0), signal, interrupted));
  }

  /** The next message; if there is none in time it can be asked for again. */
  async next(ms: number): Promise<Json> {
    this.#waiting ??= this.#items.next();
    // It may fail while nobody waits: whoever waits next is told.
    this.#waiting.catch(() => {});
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, ms, undefined)));
    const found = await Promise.race([this.#waiting, late]).finally(() => clearTimeout(timer));
    const interruptions = this.#interruptions;
    this.#interruptions = 0;
    if (!found) return { silent: true, interruptions };
    this.#waiting = undefined;
    return { ...found.value, interruptions };
  }

  async stop(): Promise<void> {
    this.#end.abort(new Error("stopped"));
    await this.#items.return().catch(() => {});
  }
}

/** Rows of a view as they change, across broken connections. */
async function* watch({ services, network }: Net, view: string, after: bigint, signal: AbortSignal, interrupted: () => void): AsyncGenerator<Json, void, undefined> {
  let fields: readonly Field[] = [];
  for (let failed = 0; ; failed++) {
    try {
      for await (const change of services.views.watchView({ network, view, after }, { signal })) {
        failed = 0;
        after = change.position;
        if (change.fields.length > 0) fields = change.fields;
        yield changeJson(change, fields);
      }
    } catch (error) {
      if (!(error instanceof KithError) || !error.isRetryable) throw error;
      interrupted();
      await pause(delayMs(RETRY, failed, error.retryAfterMs), signal);
    }
  }
}

function cursorOf(given: Json) {
  return { incarnation: fromHex(given["incarnation"])!, position: given["position"], filter: fromHex(given["filter"])! };
}

function updateJson({ entries, cursor, caughtUp }: Update): Json {
  const { incarnation, position, filter } = cursor;
  return { entries: entries.map(entryJson), cursor: { incarnation: toHex(incarnation), position, filter: toHex(filter) }, caught_up: caughtUp };
}

function changeJson(change: WatchViewResponse, fields: readonly Field[]): Json {
  return {
    rows: change.rows.map((row) => rowJson(fields, row)),
    removed: change.removed.map(({ key, item }) => ({ key, ...(item && { item: positionOf(item) }), removed: true })),
    position: positionOf(change.position),
    reset: change.reset,
  };
}
