// Following a log: entries after a cursor, then new ones as they are appended, across restarts of the server.
import type { MessageShape } from "@bufbuild/protobuf";
import { readEntries, positionOf, type Entry } from "./entry.js";
import { KithError } from "./errors.js";
import { filterMessage, type Filter } from "./filter.js";
import type { CursorSchema, LogService } from "./gen/kith/v1/log_pb.js";
import { RETRY, delayMs, pause, type Retry } from "./retry.js";
import type { Calls } from "./services.js";

/** How far a log was read: a plain value, which a page may keep or send to another. */
export interface Cursor {
  /** The log's incarnation, 16 bytes; empty before the first answer. */
  readonly incarnation: Uint8Array;
  /** The last position read or filtered out. */
  readonly position: number;
  /** SHA-256 of the filter; empty before the first answer. */
  readonly filter: Uint8Array;
}

/** A part of what is followed. Without entries it is a heartbeat. */
export interface Update {
  readonly entries: readonly Entry[];
  /** How far it reaches: where to go on after a crash. */
  readonly cursor: Cursor;
  /** Whether that is the head. */
  readonly caughtUp: boolean;
  /** A newer signed checkpoint, if they were asked for. */
  readonly checkpoint: string | undefined;
}

export interface FollowOptions {
  readonly filter?: Filter | undefined;
  /** Where to go on: a cursor, or a position. From the first entry unless given. */
  readonly after?: Cursor | number | undefined;
  readonly withCheckpoints?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds of silence after which the connection counts as broken. */
  readonly silenceMs?: number | undefined;
  readonly retry?: Retry | undefined;
  /** Its event `wake` ends a wait for the next attempt. */
  readonly wake?: EventTarget | undefined;
  /** Called when the connection breaks, with how long it will be until the next attempt. */
  readonly onInterrupted?: ((error: KithError, retryInMs: number) => void) | undefined;
}

/** The cursor after a position. */
export function cursorAfter(position: number): Cursor {
  return { incarnation: new Uint8Array(), position, filter: new Uint8Array() };
}

/** Follows a log for ever: each entry once and in order, whatever happens to connection and server. What cannot succeed
 * later, such as `RESET_REQUIRED`, is thrown. */
export async function* follow(log: Pick<Calls<typeof LogService>, "subscribe">, network: string, options: FollowOptions = {}): AsyncGenerator<Update, never, undefined> {
  const { signal, silenceMs, retry = RETRY, wake, onInterrupted } = options;
  let cursor = typeof options.after === "number" ? cursorAfter(options.after) : (options.after ?? cursorAfter(0));
  for (let failed = 0; ; failed++) {
    try {
      const request = { network, cursor: cursorMessage(cursor), filter: filterMessage(options.filter ?? {}), withCheckpoints: options.withCheckpoints ?? false };
      for await (const answer of log.subscribe(request, { signal, timeoutMs: silenceMs })) {
        failed = 0;
        cursor = answer.cursor ? cursorOf(answer.cursor) : cursor;
        yield { entries: readEntries(answer), cursor, caughtUp: answer.caughtUp, checkpoint: answer.checkpoint?.checkpoint };
      }
      throw new KithError("unreachable", "the connection to the server broke: the stream ended");
    } catch (error) {
      if (!(error instanceof KithError) || !error.isRetryable) throw error;
      const delay = delayMs(retry, failed, error.retryAfterMs);
      onInterrupted?.(error, delay);
      await pause(delay, signal, wake);
    }
  }
}

function cursorMessage(cursor: Cursor) {
  return { incarnation: cursor.incarnation, position: BigInt(cursor.position), filter: cursor.filter };
}

function cursorOf(message: MessageShape<typeof CursorSchema>): Cursor {
  return { incarnation: message.incarnation, position: positionOf(message.position), filter: message.filter };
}
