// gRPC-web over fetch: calls, server streams, and client streams sent as one body of frames, which servers accept.
// A failed call throws a KithError; nothing else is thrown but the reason of an abort that the caller asked for.
import { create, fromBinary, toBinary, type DescMessage, type DescMethod, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { KithError, errorOfStatus } from "./errors.js";

/** Where calls go, as whom, and how long they may take. */
export interface Connection {
  /** The server's address, such as `location.origin` or `http://127.0.0.1:7420`; a path is a proxy's prefix. */
  readonly server: string;
  /** The token's secret, or what gives it at each call. Without one, a page's session cookie says who calls. */
  readonly token?: string | (() => string | undefined) | undefined;
  /** Headers for every call. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Milliseconds until a call without a stream must be answered: 30,000 unless given. */
  readonly callTimeoutMs?: number | undefined;
  /** Milliseconds without a message after which a stream counts as broken: 60,000 unless given. Servers send heartbeats
   * more often than that. */
  readonly silenceTimeoutMs?: number | undefined;
  /** In place of the platform's `fetch`. */
  readonly fetch?: typeof fetch | undefined;
}

/** Options of one call. */
export interface CallOptions {
  /** Aborts the call: it then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** In place of the connection's `callTimeoutMs` or `silenceTimeoutMs`. */
  readonly timeoutMs?: number | undefined;
}

/** Messages for a client stream. */
export type Messages<D extends DescMessage> = Iterable<MessageInitShape<D>> | AsyncIterable<MessageInitShape<D>>;

/** Bytes of the largest message that a server may send. */
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;
/** Bytes of the largest body that is sent: a component and its frames fit. */
const BODY_BYTES_MAX = 40 * 1024 * 1024;
/** Bytes before the message in a frame: a flag and the length. */
const FRAME_HEAD_BYTES = 5;
const CALL_TIMEOUT_MS = 30_000;
const SILENCE_TIMEOUT_MS = 60_000;
/** How slowly a body may be sent: 64 kB a second. */
const SENT_BYTES_PER_MS_MIN = 64;

/** A call with one message each way. */
export async function call<M extends DescMethod>(
  connection: Connection,
  method: M,
  input: MessageInitShape<M["input"]>,
  options: CallOptions = {},
): Promise<MessageShape<M["output"]>> {
  const patience = new Patience(options.signal, options.timeoutMs ?? connection.callTimeoutMs ?? CALL_TIMEOUT_MS);
  patience.start();
  let answer: object | undefined;
  for await (const message of exchange(connection, method, frame(method.input, input), patience, patience.ms)) answer ??= message;
  if (!answer) throw malformed("it is empty");
  return answer as MessageShape<M["output"]>;
}

/** A call whose answer is a stream; of a client stream all messages are sent before the first answer is read. */
export async function* stream<M extends DescMethod>(
  connection: Connection,
  method: M,
  input: MessageInitShape<M["input"]> | Messages<M["input"]>,
  options: CallOptions = {},
): AsyncGenerator<MessageShape<M["output"]>, void, undefined> {
  const one = method.methodKind === "server_streaming" || method.methodKind === "unary";
  const body = one ? frame(method.input, input as MessageInitShape<M["input"]>) : await frames(method, input as Messages<M["input"]>);
  const patience = new Patience(options.signal, options.timeoutMs ?? connection.silenceTimeoutMs ?? SILENCE_TIMEOUT_MS);
  patience.start(body instanceof Blob ? body.size / SENT_BYTES_PER_MS_MIN : 0);
  for await (const message of exchange(connection, method, body, patience)) {
    patience.stop();
    yield message;
    patience.start();
  }
}

/** Sends a body and reads the answer's messages. The connection is given up when the reader stops. */
async function* exchange<M extends DescMethod>(
  connection: Connection,
  method: M,
  body: Uint8Array<ArrayBuffer> | Blob,
  patience: Patience,
  deadlineMs?: number,
): AsyncGenerator<MessageShape<M["output"]>, void, undefined> {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  try {
    const response = await patience.wait(post(connection, method, body, patience.signal, deadlineMs));
    const refused = response.headers.get("grpc-status");
    if (refused !== null) finish((name) => response.headers.get(name) ?? "");
    if (refused !== null) return;
    if (!response.ok || !response.body) throw ofHttp(response.status);
    reader = response.body.getReader();
    yield* messages(method.output as M["output"], reader, patience);
  } finally {
    patience.stop();
    reader?.cancel().catch(() => {});
    patience.end();
  }
}

/** Options that no request can be made of are told apart from a server that is not there: trying again does not help. */
async function post(connection: Connection, method: DescMethod, body: BodyInit, signal: AbortSignal, deadlineMs?: number): Promise<Response> {
  const token = typeof connection.token === "function" ? connection.token() : connection.token;
  const headers: Record<string, string> = { ...connection.headers, "content-type": "application/grpc-web+proto", "x-grpc-web": "1" };
  if (token) headers["authorization"] = `Bearer ${token}`;
  if (deadlineMs !== undefined) headers["grpc-timeout"] = `${Math.min(Math.ceil(deadlineMs), 99_999_999)}m`;
  const url = `${connection.server.replace(/\/+$/, "")}/${method.parent.typeName}/${method.name}`;
  let request: Request;
  try {
    request = new Request(url, { method: "POST", body, headers, signal, credentials: token ? "omit" : "same-origin", cache: "no-store", redirect: "error" });
  } catch {
    throw new KithError("options_invalid", "the server's address is no URL, or the token or a header has characters that no header can have");
  }
  return (connection.fetch ?? fetch)(request);
}

/** The messages of an answer, until its trailer says that the call succeeded. */
async function* messages<D extends DescMessage>(output: D, reader: ReadableStreamDefaultReader<Uint8Array>, patience: Patience): AsyncGenerator<MessageShape<D>, void, undefined> {
  const held = new Held();
  for (;;) {
    for (let next = held.take(); next; next = held.take()) {
      if (next.flags & COMPRESSED) throw malformed("a message is compressed");
      if (next.flags & TRAILER) return finish(trailer(next.bytes));
      yield decode(output, next.bytes);
    }
    const { value, done } = await patience.wait(reader.read());
    if (done) throw new KithError("unreachable", "the connection to the server broke: the answer was cut off");
    held.add(value);
  }
}

const COMPRESSED = 0x01;
const TRAILER = 0x80;

function decode<D extends DescMessage>(output: D, bytes: Uint8Array): MessageShape<D> {
  try {
    return fromBinary(output, bytes);
  } catch (error) {
    throw malformed(String(error));
  }
}

/** Bytes that have arrived and are not read yet, kept in pieces so that a large message is joined once. */
class Held {
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  add(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
  }

  /** The next frame, once it is complete. */
  take(): { flags: number; bytes: Uint8Array } | undefined {
    if (this.#bytes < FRAME_HEAD_BYTES) return undefined;
    const head = this.#joined(FRAME_HEAD_BYTES);
    const length = new DataView(head.buffer, head.byteOffset).getUint32(1);
    if (length > MESSAGE_BYTES_MAX) throw malformed(`a message has ${length} bytes`);
    const end = FRAME_HEAD_BYTES + length;
    if (this.#bytes < end) return undefined;
    const all = this.#joined(end);
    this.#pieces[0] = all.subarray(end);
    this.#bytes -= end;
    return { flags: all[0]!, bytes: all.subarray(FRAME_HEAD_BYTES, end) };
  }

  /** The first piece, made at least this long. */
  #joined(bytes: number): Uint8Array {
    let first = this.#pieces[0]!;
    if (first.length >= bytes) return first;
    first = new Uint8Array(this.#bytes);
    let at = 0;
    for (const piece of this.#pieces) {
      first.set(piece, at);
      at += piece.length;
    }
    this.#pieces = [first];
    return first;
  }
}

/** Waits for a call as long as its caller wants: until an abort, or until time is up. */
class Patience {
  readonly #own = new AbortController();
  readonly #given: AbortSignal | undefined;
  readonly #abort = () => this.#own.abort(this.#given?.reason);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(given: AbortSignal | undefined, readonly ms: number) {
    this.#given = given;
    if (given?.aborted) this.#abort();
    given?.addEventListener("abort", this.#abort);
  }

  get signal(): AbortSignal {
    return this.#own.signal;
  }

  start(moreMs = 0): void {
    this.stop();
    const ms = this.ms + moreMs;
    const late = () => this.#own.abort(new KithError("timed_out", `no answer within ${ms / 1000} s`));
    this.#timer = setTimeout(late, ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  end(): void {
    this.#given?.removeEventListener("abort", this.#abort);
    this.#own.abort();
  }

  /** What a step of the call gives; if it fails, why. */
  async wait<T>(step: Promise<T>): Promise<T> {
    try {
      return await step;
    } catch (error) {
      if (this.signal.aborted) throw this.signal.reason;
      if (error instanceof KithError) throw error;
      throw new KithError("unreachable", `the server cannot be reached: ${innermost(error)}`);
    }
  }
}

/** The cause below the layers around it. */
function innermost(error: unknown): string {
  let cause = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  return cause instanceof Error ? cause.message : String(cause);
}

function frame<D extends DescMessage>(input: D, message: MessageInitShape<D>): Uint8Array<ArrayBuffer> {
  const bytes = toBinary(input, create(input, message));
  const framed = new Uint8Array(FRAME_HEAD_BYTES + bytes.length);
  new DataView(framed.buffer).setUint32(1, bytes.length);
  framed.set(bytes, FRAME_HEAD_BYTES);
  return framed;
}

async function frames<M extends DescMethod>(method: M, inputs: Messages<M["input"]>): Promise<Blob> {
  const all: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const input of inputs) {
    const framed = frame(method.input, input);
    bytes += framed.length;
    if (bytes > BODY_BYTES_MAX) throw new KithError("refused", `a stream is sent as one body of at most ${BODY_BYTES_MAX} bytes`, { reason: "LIMIT_EXCEEDED" });
    all.push(framed);
  }
  return new Blob(all);
}

/** Reads the status at the end of an answer: returns if the call succeeded. */
function finish(header: (name: string) => string): void {
  const code = header("grpc-status");
  if (!/^\d{1,3}$/.test(code)) throw malformed("its status is no number");
  if (Number(code) === 0) return;
  throw errorOfStatus(Number(code), percentDecoded(header("grpc-message")), base64(header("grpc-status-details-bin")));
}

function trailer(bytes: Uint8Array): (name: string) => string {
  const lines = new TextDecoder().decode(bytes).split("\r\n");
  const pairs = lines.map((line) => [line.slice(0, line.indexOf(":")).trim().toLowerCase(), line.slice(line.indexOf(":") + 1).trim()] as const);
  const found = new Map(pairs);
  return (name) => found.get(name) ?? "";
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function base64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

/** An answer that is none of a Kith server, but of a proxy or of something else at that address. */
function ofHttp(status: number): KithError {
  const passing = [408, 429, 502, 503, 504].includes(status);
  if (passing) return new KithError("unreachable", `the server is not available: HTTP status ${status}`);
  return new KithError("answer_invalid", `this is not an answer of a Kith server: HTTP status ${status}`);
}

function malformed(what: string): KithError {
  return new KithError("answer_invalid", `the server's answer is malformed: ${what}`);
}
