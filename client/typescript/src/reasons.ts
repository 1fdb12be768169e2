// What a reason for a refusal means: the table of server/core/src/reason.rs. A reason that errors.proto gains does not
// compile here until it has its line, in the order of their numbers.
import type { ErrorReason } from "./gen/kith/v1/errors_pb.js";

/** A reason as servers name it, such as `EVENT_INVALID`. */
export type Reason = keyof typeof ErrorReason;

/** What a reason means for the caller. */
export interface Meaning {
  /** Its status code in gRPC. */
  readonly code: number;
  /** Whether the same call can succeed later, unchanged. */
  readonly isRetryable: boolean;
  /** Whether it is certain that the call changed nothing. */
  readonly hadNoEffect: boolean;
}

const final = (code: number): Meaning => ({ code, isRetryable: false, hadNoEffect: true });
const retryable = (code: number): Meaning => ({ code, isRetryable: true, hadNoEffect: true });
const unsure = (code: number): Meaning => ({ code, isRetryable: true, hadNoEffect: false });

const MEANINGS: Readonly<Record<Reason, Meaning>> = {
  UNSPECIFIED: { code: 2, isRetryable: false, hadNoEffect: false },
  CONDITION_FAILED: final(10),
  EVENT_INVALID: final(3),
  VIEW_UNKNOWN: final(5),
  PERSON_UNKNOWN: final(5),
  EVENT_UNKNOWN: final(5),
  NETWORK_UNKNOWN: final(5),
  EVENT_ID_REUSED: final(6),
  SCOPE_MISMATCH: final(9),
  RESET_REQUIRED: final(9),
  PERSON_ERASED: final(9),
  VIEW_INCOMPLETE: final(9),
  TOKEN_INVALID: final(16),
  DETAILS_MISMATCH: final(3),
  PLUGIN_REFUSED: final(3),
  LOG_BUSY: retryable(8),
  VIEW_BUILDING: retryable(14),
  LOG_POISONED: unsure(14),
  POSITION_AHEAD: retryable(14),
  LIMIT_EXCEEDED: final(3),
  PERMISSION_DENIED: final(7),
  SCOPE_LOST: final(7),
  SUBSCRIBER_TOO_SLOW: retryable(8),
  ORGANISATION_UNKNOWN: final(5),
  REQUEST_INVALID: final(3),
  ALREADY_EXISTS: final(6),
  ROW_UNKNOWN: final(5),
  TOKEN_UNKNOWN: final(5),
  VIEW_STOPPED: final(14),
  SHUTTING_DOWN: unsure(14),
  LOG_ROLLED_BACK: retryable(14),
  RATE_LIMITED: retryable(8),
  SIGNATURE_INVALID: final(3),
  DEADLINE_EXCEEDED: unsure(4),
  DISK_FULL: retryable(14),
  UNSUPPORTED: final(12),
  PERSON_HELD: final(9),
  MEMBER_UNKNOWN: final(5),
  RIGHTS_CHANGED: unsure(14),
};

/** What a reason means; `undefined` for one that this version does not know. */
export function meaning(reason: string): Meaning | undefined {
  return Object.hasOwn(MEANINGS, reason) ? MEANINGS[reason as Reason] : undefined;
}

/** The name of a reason that came as a number, as in the results of an append stream. */
export function reasonName(reason: ErrorReason): string {
  return Object.keys(MEANINGS)[reason] ?? `newer:${reason}`;
}
