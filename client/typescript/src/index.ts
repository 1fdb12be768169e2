export { append, type AppendOptions, type Condition, type Outcome } from "./append.js";
export { fromBase64, fromHex, toBase64, toHex } from "./bytes.js";
export { commitment, contentHash, encodeDetail, encodeEvent, readEvent } from "./canonical.js";
export { dayOf, dayText, localZone, parseDuration, parseEnd, parseKnown, parseOn, parseSince, parseViewDay, readTime, timeText } from "./dates.js";
export { isCommitted, positionOf, readDetailMessage, readEntries, readEntry, type Entry, type EntryBatch, type ErasedDetail } from "./entry.js";
export { KithError, type ErrorDetails, type ErrorKind, type FieldViolation } from "./errors.js";
export { kindOf, peopleOf, personNamed, targetOf } from "./event.js";
export type { Administration, Answer, AttributeValue, Detail, DetailKind, DirectoryFact, Event, Fact, Habit, NewerFact, RecordedFact, RetractionReason, Role, Scope } from "./event.js";
export { filterMessage, type Filter } from "./filter.js";
export { cursorAfter, follow, type Cursor, type FollowOptions, type Update } from "./follow.js";
export { newEventId, newPersonId, uuidBytes, uuidText } from "./ids.js";
export {
  NewEvent,
  answered,
  asked,
  custom,
  followedUp,
  helped,
  met,
  newEvent,
  organisationAdded,
  peopleMerged,
  personAdded,
  personChanged,
  referred,
  retracted,
  type AboutOptions,
  type EventOptions,
  type PersonOptions,
} from "./new_event.js";
export { KnownLog, type KeptLog, type LogStore, type ProofCalls, type Standing } from "./known_log.js";
export { LIMITS } from "./limits.js";
export { meaning, reasonName, type Meaning, type Reason } from "./reasons.js";
export {
  ERASURE_REASONS,
  HOLD_REASONS,
  eraseDetails,
  erasePerson,
  erasure,
  liftHold,
  listHolds,
  previewErasure,
  setHold,
  type Completion,
  type ErasedPerson,
  type Erasure,
  type ErasureReason,
  type Grounds,
  type Hold,
  type HoldReason,
  type RecordsCalls,
} from "./records.js";
export { RETRY, delayMs, pause, repeated, type RepeatOptions, type Retry } from "./retry.js";
export { call, stream, type CallOptions, type Connection, type Messages } from "./rpc.js";
export { sentence, sentenceText, type Part } from "./sentence.js";
export { calls, services, type Call, type Calls, type Services } from "./services.js";
export { followTail, type TailOptions, type TailState, type Tick } from "./tail.js";
export { timeMessage, timeOf } from "./times.js";
export { Growth, Receipt, SignedCheckpoint, VerifierKey, leafHash, nodeHash, readEvidence, verifyConsistency, verifyEvidence, verifyInclusion, type Checkpoint, type Evidence, type Size } from "./verify/index.js";
