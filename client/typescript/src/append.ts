// Appends: all events or none, repeated with the same ids until the server's answer arrives.
import type { Calls } from "./services.js";
import type { LogService } from "./gen/kith/v1/log_pb.js";
import { positionOf } from "./entry.js";
import type { NewEvent } from "./new_event.js";
import { repeated } from "./retry.js";
import { filterMessage, type Filter } from "./filter.js";

/** What must hold for an append to be accepted. It is not checked when every event is already recorded. */
export type Condition =
  /** The head is this position. */
  | { readonly expectedHead: number }
  /** No visible entry after a position matches a filter. */
  | { readonly noneMatch: Filter; readonly after: number };

/** The outcome of an event that was not refused. */
export interface Outcome {
  readonly id: string;
  readonly position: number;
  /** Whether the same event had been recorded there before: then the words sent with it now were dropped. */
  readonly duplicate: boolean;
}

export interface AppendOptions {
  readonly condition?: Condition | undefined;
  readonly signal?: AbortSignal | undefined;
  /** How long to repeat what can succeed later: 5,000 ms unless given. */
  readonly patienceMs?: number | undefined;
}

/** Appends 1 to 1,000 events within 1 MiB. Repeating it with the same events records nothing twice. */
export async function append(log: Pick<Calls<typeof LogService>, "append">, network: string, events: readonly NewEvent[], options: AppendOptions = {}): Promise<Outcome[]> {
  const { condition, signal, patienceMs } = options;
  const request = { network, events: events.map((event) => event.toMessage()), ...(condition && { condition: conditionMessage(condition) }) };
  const { outcomes } = await repeated(() => log.append(request, { signal }), { patienceMs, signal });
  return outcomes.map(({ position, duplicate }, at) => ({ id: events[at]?.id ?? "", position: positionOf(position), duplicate }));
}

function conditionMessage(condition: Condition) {
  if ("expectedHead" in condition) return { condition: { case: "expectedHead" as const, value: BigInt(condition.expectedHead) } };
  const value = { after: BigInt(condition.after), filter: filterMessage(condition.noneMatch) };
  return { condition: { case: "noneMatch" as const, value } };
}
