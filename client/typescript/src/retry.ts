// When to retry: doubling delays, shortened at random so that clients do not all come back at once.
import { KithError } from "./errors.js";

/** How long to wait between attempts, and how long to go on. */
export interface Retry {
  /** Milliseconds after the first attempt. */
  readonly firstMs: number;
  /** The longest delay, unless the server asks for a longer one. */
  readonly maxMs: number;
}

/** Delays of calls and of streams, which go on for ever. */
export const RETRY: Retry = { firstMs: 50, maxMs: 2_000 };

/** The delay after `failed` earlier failures, shortened by up to half; one that the server asked for is lengthened instead. */
export function delayMs(retry: Retry, failed: number, askedMs = 0): number {
  const random = Math.random() / 2;
  const own = Math.min(retry.firstMs * 2 ** Math.min(failed, 30), retry.maxMs) * (1 - random);
  return Math.max(own, askedMs * (1 + random));
}

export interface RepeatOptions {
  /** How long to go on: 5,000 ms unless given. */
  readonly patienceMs?: number | undefined;
  readonly retry?: Retry | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Its event `wake` ends a wait. */
  readonly wake?: EventTarget | undefined;
  /** Called before each wait. */
  readonly onInterrupted?: ((error: KithError, retryInMs: number) => void) | undefined;
}

/** Repeats a call that may be made twice, while it can succeed later. */
export async function repeated<T>(attempt: () => Promise<T>, options: RepeatOptions = {}): Promise<T> {
  const { patienceMs = 5_000, retry = RETRY, signal, wake, onInterrupted } = options;
  const end = Date.now() + patienceMs;
  for (let failed = 0; ; failed++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof KithError) || !error.isRetryable) throw error;
      const delay = delayMs(retry, failed, error.retryAfterMs);
      if (Date.now() + delay > end) throw error;
      onInterrupted?.(error, delay);
      await pause(delay, signal, wake);
    }
  }
}

/** Waits; less if the browser finds itself online again, or at the event `wake`. Throws the signal's reason if it is
 * aborted. */
export async function pause(ms: number, signal?: AbortSignal, wake?: EventTarget): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      globalThis.removeEventListener?.("online", end);
      signal?.removeEventListener("abort", end);
      wake?.removeEventListener("wake", end);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(end, ms);
    globalThis.addEventListener?.("online", end);
    signal?.addEventListener("abort", end);
    wake?.addEventListener("wake", end);
  });
}
