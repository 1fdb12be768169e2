// The error of every call, read from a status or raised by the client. It says what the caller can do.
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { meaning } from "./reasons.js";

/** What kind of failure it is. */
export type ErrorKind =
  /** The call was refused by the server, or by a check before it was sent, with the same reason. */
  | "refused"
  /** There is no connection, or it broke before the answer arrived. */
  | "unreachable"
  /** The answer did not arrive in time. */
  | "timed_out"
  /** The server failed, or refused for a reason that this version does not know. */
  | "server_failed"
  /** The answer is not a valid answer of a Kith server. */
  | "answer_invalid"
  /** The answer does not prove what it should: the server or somebody in between changed the log or the answer. */
  | "not_verified"
  /** The options are invalid. */
  | "options_invalid";

/** A field at fault, as the server names it, such as `events[3].event.met.people`. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** What a failure is known to be, beyond its kind and message. */
export interface ErrorDetails {
  /** Why the call was refused: a reason of errors.proto, or one that this version does not know; empty without one. */
  readonly reason?: string;
  /** The status code in gRPC; 2 if there was no status. */
  readonly code?: number;
  /** The fields at fault. */
  readonly violations?: readonly FieldViolation[];
  /** How long the server asks the client to wait before the next attempt, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** Values that belong to the reason, such as `head` of `CONDITION_FAILED`. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Why a call failed. Calls throw nothing else, but the reason of an abort that the caller asked for. */
export class KithError extends Error {
  override readonly name = "KithError";
  readonly reason: string;
  readonly code: number;
  readonly violations: readonly FieldViolation[];
  readonly retryAfterMs: number | undefined;
  readonly metadata: Readonly<Record<string, string>>;

  constructor(readonly kind: ErrorKind, message: string, details: ErrorDetails = {}) {
    super(message);
    this.reason = details.reason ?? "";
    this.code = details.code ?? meaning(this.reason)?.code ?? UNKNOWN;
    this.violations = details.violations ?? [];
    this.retryAfterMs = details.retryAfterMs;
    this.metadata = details.metadata ?? {};
  }

  /** The first field at fault, without the index of its event: `event.met.people`; empty without one. */
  get field(): string {
    return (this.violations[0]?.field ?? "").replace(EVENT_INDEX, "");
  }

  /** The index of the event at fault in an append, from 0. */
  get event(): number | undefined {
    const index = this.metadata["event"] ?? EVENT_INDEX.exec(this.violations[0]?.field ?? "")?.[1];
    return index !== undefined && /^\d{1,9}$/.test(index) ? Number(index) : undefined;
  }

  /** Whether the same call can succeed later, unchanged. */
  get isRetryable(): boolean {
    const known = this.kind === "refused" ? meaning(this.reason) : undefined;
    if (known) return known.isRetryable;
    return this.kind === "unreachable" || this.kind === "timed_out" || this.retryAfterMs !== undefined;
  }

  /** Whether it is certain that the call changed nothing on the server. */
  get hadNoEffect(): boolean {
    if (this.kind === "options_invalid") return true;
    return this.kind === "refused" && (meaning(this.reason)?.hadNoEffect ?? false);
  }
}

const EVENT_INDEX = /^events\[(\d+)\]\./;
const UNKNOWN = 2;
const DEADLINE_EXCEEDED = 4;
const UNIMPLEMENTED = 12;
const UNAVAILABLE = 14;
/** The domain of reasons in `google.rpc.ErrorInfo`. */
const DOMAIN = "kith.v1";

/** The error that a status stands for; `details` is the serialised `google.rpc.Status`, empty if there is none. */
export function errorOfStatus(code: number, message: string, details: Uint8Array): KithError {
  const said = readStatus(details);
  const known: ErrorDetails = { ...said, code };
  if (said.reason && meaning(said.reason)) return new KithError("refused", message, known);
  switch (code) {
    case DEADLINE_EXCEEDED:
      return new KithError("timed_out", "no answer in time", known);
    case UNAVAILABLE:
      return new KithError("unreachable", `the server is not available: ${message}`, known);
    case UNIMPLEMENTED:
      return new KithError("server_failed", "the server does not know this call: is it older than this client?", known);
    default:
      return new KithError("server_failed", `the server failed: ${message}`, known);
  }
}

interface Said {
  reason?: string;
  violations: FieldViolation[];
  retryAfterMs: number | undefined;
  metadata: Record<string, string>;
}

/** Reads the parts of a `google.rpc.Status` that servers send. Malformed bytes say nothing. */
function readStatus(bytes: Uint8Array): Said {
  const said: Said = { violations: [], retryAfterMs: undefined, metadata: {} };
  try {
    eachField(bytes, (number, any) => number === 3 && readAny(any, said));
  } catch {
    return { violations: [], retryAfterMs: undefined, metadata: {} };
  }
  return said;
}

function readAny(bytes: Uint8Array, said: Said): void {
  let type = "";
  let value = new Uint8Array();
  eachField(bytes, (number, part) => {
    if (number === 1) type = text(part);
    if (number === 2) value = part;
  });
  switch (type.slice(type.lastIndexOf("/") + 1)) {
    case "google.rpc.ErrorInfo":
      return readErrorInfo(value, said);
    case "google.rpc.BadRequest":
      return eachField(value, (number, part) => number === 1 && said.violations.push(violation(part, 1, 2)));
    case "google.rpc.PreconditionFailure":
      return eachField(value, (number, part) => {
        const broken = violation(part, 2, 3);
        if (number === 1 && broken.field && !said.violations.some((one) => one.field === broken.field)) said.violations.push(broken);
      });
    case "google.rpc.RetryInfo":
      return eachField(value, (number, part) => number === 1 && (said.retryAfterMs = milliseconds(part)));
  }
}

function readErrorInfo(bytes: Uint8Array, said: Said): void {
  let reason = "";
  let domain = "";
  const metadata: Record<string, string> = {};
  eachField(bytes, (number, part) => {
    if (number === 1) reason = text(part);
    if (number === 2) domain = text(part);
    if (number !== 3) return;
    const { field: key, description: value } = violation(part, 1, 2);
    metadata[key] = value;
  });
  if (domain === DOMAIN) Object.assign(said, { reason, metadata });
}

/** A message of two texts. */
function violation(bytes: Uint8Array, field: number, description: number): FieldViolation {
  const found = { field: "", description: "" };
  eachField(bytes, (number, part) => {
    if (number === field) found.field = text(part);
    if (number === description) found.description = text(part);
  });
  return found;
}

/** A `google.protobuf.Duration` in milliseconds. */
function milliseconds(bytes: Uint8Array): number {
  const reader = new BinaryReader(bytes);
  let found = 0;
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === 1) found += Number(reader.int64()) * 1000;
    else if (number === 2) found += reader.int32() / 1e6;
    else reader.skip(type, number);
  }
  return found;
}

/** The fields of a message that hold bytes, text or messages. */
function eachField(bytes: Uint8Array, field: (number: number, value: Uint8Array<ArrayBuffer>) => unknown): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (type === 2) field(number, reader.bytes() as Uint8Array<ArrayBuffer>);
    else reader.skip(type, number);
  }
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
