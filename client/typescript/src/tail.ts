// The tail of a log for the pages of one browser: a tick when the log grew, with its head, the directory's new entries and
// the newest signed checkpoint.
//
// A browser opens at most six connections to a server without TLS, and each stream takes one. So one page leads: it has
// the only stream, and tells the others. When it closes, the next one leads, from where it was. Without locks, as in pages
// without a secure context and in node, each has its own stream. A page that is hidden may lead, and browsers let hidden
// pages wait for a minute instead of a second: pages that are seen ask it to try again.
import { positionOf, type Entry } from "./entry.js";
import { KithError, type ErrorKind } from "./errors.js";
import { cursorAfter, follow, type Cursor } from "./follow.js";
import type { LogService } from "./gen/kith/v1/log_pb.js";
import { repeated } from "./retry.js";
import type { Calls } from "./services.js";

/** The log grew, or is another one. */
export interface Tick {
  readonly head: number;
  /** New entries of the directory and of administration, and nothing else. */
  readonly entries: readonly Entry[];
  /** A newer signed checkpoint, as a note. */
  readonly checkpoint: string | undefined;
  /** Whether what was read before no longer counts: the log has another history, or the token sees less. */
  readonly reset: boolean;
}

/** Whether pages hear of what happens. */
export interface TailState {
  readonly connected: boolean;
  /** When that began. */
  readonly since: number;
  /** Why it is not connected. */
  readonly error?: { readonly kind: ErrorKind; readonly reason: string; readonly message: string } | undefined;
  /** Whether it has stopped trying: for this error there is something to do first, such as to log in. */
  readonly ended: boolean;
}

export interface TailOptions {
  readonly log: Pick<Calls<typeof LogService>, "subscribe" | "head">;
  readonly network: string;
  /** What pages must have in common to share a stream: server, network and token. */
  readonly name: string;
  readonly onTick: (tick: Tick) => void;
  readonly onState: (state: TailState) => void;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** No entry is of this kind, so only what passes every filter arrives. */
const NOTHING = "custom:kith.client/none.v1";
const SILENCE_MS = 40_000;
const RETRY = { firstMs: 1_000, maxMs: 30_000 };
/** How often a page that is seen asks for another attempt. */
const ASK_MS = 5_000;
/** After these, reading starts anew. */
const STARTS_ANEW = ["RESET_REQUIRED", "SCOPE_LOST"];

/** What the leading page tells the others, and what they ask: how things stand, and to try again. */
type Message =
  | { readonly type: "tick"; readonly tick: Tick; readonly cursor: Cursor }
  | { readonly type: "state"; readonly state: TailState }
  | { readonly type: "ask" };

/** Follows the tail of a log until the signal aborts it. */
export function followTail(options: TailOptions): void {
  const { signal } = options;
  const locks: LockManager | undefined = globalThis.navigator?.locks;
  const channel = locks && new BroadcastChannel(`kith/tail/${options.name}`);
  const tail = new Tail(options, (message) => channel?.postMessage(message));
  if (!locks || !channel) return void tail.lead();
  channel.onmessage = ({ data }: MessageEvent<Message>) => tail.hear(data);
  channel.postMessage({ type: "ask" } satisfies Message);
  signal.addEventListener("abort", () => channel.close());
  locks.request(`kith/tail/${options.name}`, { signal }, () => tail.lead()).catch((error: unknown) => {
    // A page that waits for the lock is rejected when it is aborted.
    if (!signal.aborted) throw error;
  });
}

class Tail {
  #leads = false;
  #cursor: Cursor | undefined;
  #state: TailState | undefined;
  #asking: ReturnType<typeof setTimeout> | undefined;
  readonly #wake = new EventTarget();

  constructor(
    private readonly options: TailOptions,
    private readonly tell: (message: Message) => void,
  ) {}

  hear(message: Message): void {
    if (message.type === "ask") return this.#answer();
    if (this.#leads) return;
    if (message.type === "state") return this.#show(message.state);
    this.#cursor = message.cursor;
    this.options.onTick(message.tick);
  }

  /** Tells a page how things stand: if they are not well, after another attempt. */
  #answer(): void {
    if (!this.#leads) return;
    if (this.#state?.connected === false) this.#wake.dispatchEvent(new Event("wake"));
    else if (this.#state) this.tell({ type: "state", state: this.#state });
    if (this.#cursor) this.tell({ type: "tick", tick: { head: this.#cursor.position, entries: [], checkpoint: undefined, reset: false }, cursor: this.#cursor });
  }

  async lead(): Promise<void> {
    this.#leads = true;
    clearTimeout(this.#asking);
    for (let reset = false; !this.options.signal.aborted; reset = true) {
      const error = await this.#run(reset);
      if (!error) return;
      if (!STARTS_ANEW.includes(error.reason)) return this.#broken(error, true);
      this.#cursor = undefined;
    }
  }

  /** Follows until that is no longer possible; says why, unless it was aborted. */
  async #run(reset: boolean): Promise<KithError | undefined> {
    const { log, network, signal } = this.options;
    let told = reset ? -1 : (this.#cursor?.position ?? -1);
    try {
      this.#cursor ??= await this.#head();
      const updates = follow(log, network, {
        filter: { kinds: [NOTHING] },
        after: this.#cursor,
        withCheckpoints: true,
        silenceMs: SILENCE_MS,
        retry: RETRY,
        signal,
        wake: this.#wake,
        onInterrupted: (error) => this.#broken(error, false),
      });
      for await (const { entries, cursor, checkpoint } of updates) {
        this.#cursor = cursor;
        if (!this.#state?.connected) this.#become({ connected: true, since: Date.now(), ended: false });
        const isNews = cursor.position !== told || entries.length > 0 || checkpoint !== undefined;
        if (isNews) this.#tick({ head: cursor.position, entries, checkpoint, reset: reset && told < 0 }, cursor);
        told = cursor.position;
      }
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!(error instanceof KithError)) throw error;
      return error;
    }
    return undefined;
  }

  /** The end of the log, from which only what is new is read. */
  async #head(): Promise<Cursor> {
    const { log, network, signal } = this.options;
    const onInterrupted = (error: KithError) => this.#broken(error, false);
    const { position } = await repeated(() => log.head({ network }, { signal }), { patienceMs: Infinity, retry: RETRY, signal, wake: this.#wake, onInterrupted });
    return cursorAfter(positionOf(position));
  }

  #tick(tick: Tick, cursor: Cursor): void {
    this.tell({ type: "tick", tick, cursor });
    this.options.onTick(tick);
  }

  #broken({ kind, reason, message }: KithError, ended: boolean): void {
    const since = this.#state && !this.#state.connected ? this.#state.since : Date.now();
    this.#become({ connected: false, since, error: { kind, reason, message }, ended });
  }

  #become(state: TailState): void {
    this.tell({ type: "state", state });
    this.#show(state);
  }

  #show(state: TailState): void {
    this.#state = state;
    clearTimeout(this.#asking);
    if (!this.#leads && !state.connected && !state.ended) this.#asking = setTimeout(() => this.#ask(), ASK_MS);
    this.options.onState(state);
  }

  /** A page that nobody sees does not ask. */
  #ask(): void {
    if (this.options.signal.aborted) return;
    if (globalThis.document?.visibilityState !== "hidden") this.tell({ type: "ask" });
    this.#asking = setTimeout(() => this.#ask(), ASK_MS);
  }
}
