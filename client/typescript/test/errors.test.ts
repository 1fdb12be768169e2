// Every refusal that a server can answer, and every way in which an answer can be none.
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { readFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { KithError, meaning, reasonName, services, type Services } from "../src/index.js";
import { ErrorReason } from "../src/gen/kith/v1/errors_pb.js";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
/** Reasons as errors.proto numbers them. */
const REASONS = [...read("../../../proto/kith/v1/errors.proto").matchAll(/^ {2}ERROR_REASON_(\w+) = (\d+);/gm)].map(([, name, number]) => ({ name: name!, number: Number(number) }));
const VECTORS = JSON.parse(read("../../../tests/fixtures/vectors.json")) as { reasons: { number: number; name: string; code: number; is_retryable: boolean; had_no_effect: boolean }[] };

/** A server that answers as it is told: with bytes that a real one sends only when it is broken or of a later version. */
let server: Server;
let kith: Services;
let answer: (response: ServerResponse) => void;

beforeAll(async () => {
  server = createServer((request, response) => request.resume().on("end", () => answer(response)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  kith = services({ server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: "kith_secret" });
});
afterAll(() => void server.close());

async function failure(): Promise<KithError> {
  const error: unknown = await kith.log.head({ network: "default" }).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(KithError);
  expect((error as KithError).message).not.toContain("kith_secret");
  return error as KithError;
}

interface Status {
  code: number;
  message: string;
  reason?: string;
  domain?: string;
  metadata?: Record<string, string>;
  fields?: [string, string][];
  precondition?: string;
  retryMs?: number;
}

/** A `google.rpc.Status`. */
function encode(status: Status): Uint8Array {
  const writer = new BinaryWriter().uint32(tag(1, 0)).int32(status.code).uint32(tag(2, 2)).string(status.message);
  const add = (type: string, message: BinaryWriter) => {
    const any = new BinaryWriter().uint32(tag(1, 2)).string(`type.googleapis.com/google.rpc.${type}`).uint32(tag(2, 2)).bytes(message.finish());
    writer.uint32(tag(3, 2)).bytes(any.finish());
  };
  if (status.reason) add("ErrorInfo", info(status));
  if (status.fields) add("BadRequest", status.fields.reduce((all, [field, text]) => all.uint32(tag(1, 2)).bytes(pair(field, text)), new BinaryWriter()));
  if (status.precondition) {
    const violation = new BinaryWriter().uint32(tag(1, 2)).string("SCOPE_MISMATCH").uint32(tag(2, 2)).string(status.precondition).uint32(tag(3, 2)).string("why");
    add("PreconditionFailure", new BinaryWriter().uint32(tag(1, 2)).bytes(violation.finish()));
  }
  if (status.retryMs !== undefined) {
    const delay = new BinaryWriter().uint32(tag(1, 0)).int64(Math.floor(status.retryMs / 1000)).uint32(tag(2, 0)).int32((status.retryMs % 1000) * 1e6);
    add("RetryInfo", new BinaryWriter().uint32(tag(1, 2)).bytes(delay.finish()));
  }
  return writer.finish();
}

function info({ reason = "", domain = "kith.v1", metadata = {} }: Status): BinaryWriter {
  const writer = new BinaryWriter().uint32(tag(1, 2)).string(reason).uint32(tag(2, 2)).string(domain);
  for (const [key, value] of Object.entries(metadata)) writer.uint32(tag(3, 2)).bytes(pair(key, value));
  return writer;
}

const tag = (number: number, type: number) => (number << 3) | type;
const pair = (one: string, two: string) => new BinaryWriter().uint32(tag(1, 2)).string(one).uint32(tag(2, 2)).string(two).finish();

/** gRPC sends bytes in base64, without padding. */
const headersOf = (status: Status) => ({
  "grpc-status": String(status.code),
  "grpc-message": encodeURIComponent(status.message),
  "grpc-status-details-bin": Buffer.from(encode(status)).toString("base64").replace(/=+$/, ""),
});

function frame(flags: number, bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

const trailer = (headers: Record<string, string>) => frame(0x80, Buffer.from(Object.entries(headers).map(([name, value]) => `${name}:${value}\r\n`).join("")));
const inHeaders = (status: Status) => (response: ServerResponse) => void response.writeHead(200, { "content-type": "application/grpc-web+proto", ...headersOf(status) }).end();
const inTrailer = (status: Status) => (response: ServerResponse) => void response.writeHead(200, { "content-type": "application/grpc-web+proto" }).end(trailer(headersOf(status)));
const body = (...parts: Uint8Array[]) => (response: ServerResponse) => void response.writeHead(200).end(Buffer.concat(parts));

describe.each([
  ["headers", inHeaders],
  ["a trailer", inTrailer],
])("a status in %s", (_, send) => {
  test.each(REASONS)("$name reads back", async ({ name }) => {
    const { code, isRetryable, hadNoEffect } = meaning(name)!;
    answer = send({ code, message: "in words, ü", reason: name, metadata: { event: "3", head: "7" }, fields: [["events[3].event.met.people", "names amina twice"], ["b", "c"]], retryMs: 1_040 });
    const error = await failure();
    expect(error).toMatchObject({ kind: "refused", reason: name, message: "in words, ü", code, isRetryable, hadNoEffect, field: "event.met.people", event: 3, retryAfterMs: 1_040 });
    expect([error.metadata["head"], error.violations[1]]).toEqual(["7", { field: "b", description: "c" }]);
  });
});

test("the table of reasons is that of the server, and errors.proto's", () => {
  expect(VECTORS.reasons.map(({ number, name }) => ({ name, number }))).toEqual(REASONS);
  for (const { number, name, ...server } of VECTORS.reasons) {
    expect(reasonName(number as ErrorReason)).toBe(name);
    const { code, isRetryable, hadNoEffect } = meaning(name)!;
    expect({ code, is_retryable: isRetryable, had_no_effect: hadNoEffect }, name).toEqual(server);
  }
  expect([meaning("NOT_YET_INVENTED"), meaning("constructor"), reasonName(999 as ErrorReason)]).toEqual([undefined, undefined, "newer:999"]);
});

test("a broken state names its subject", async () => {
  answer = inTrailer({ code: 9, message: "", reason: "SCOPE_MISMATCH", precondition: "event.answered.referral" });
  expect((await failure()).field).toBe("event.answered.referral");
});

test.each<[Status, Partial<KithError>]>([
  [{ code: 13, message: "x" }, { kind: "server_failed", isRetryable: false }],
  [{ code: 12, message: "x" }, { kind: "server_failed", isRetryable: false }],
  [{ code: 14, message: "x" }, { kind: "unreachable", isRetryable: true }],
  [{ code: 4, message: "x" }, { kind: "timed_out", isRetryable: true }],
  [{ code: 13, message: "x", reason: "EVENT_INVALID", domain: "example.org" }, { kind: "server_failed", reason: "" }],
  [{ code: 3, message: "x", reason: "NOT_YET_INVENTED" }, { kind: "server_failed", reason: "NOT_YET_INVENTED", isRetryable: false }],
  [{ code: 8, message: "x", reason: "NOT_YET_INVENTED", retryMs: 40 }, { kind: "server_failed", isRetryable: true, retryAfterMs: 40 }],
])("a status without a known reason: %o", async (status, expected) => {
  answer = inTrailer(status);
  expect(await failure()).toMatchObject({ ...expected, hadNoEffect: false });
});

test.each<[string, (response: ServerResponse) => void, string]>([
  ["nothing", body(), "unreachable"],
  ["half of a head", body(Uint8Array.of(0, 0)), "unreachable"],
  ["half of a message", body(frame(0, new Uint8Array(100)).subarray(0, 50)), "unreachable"],
  ["a message without a status", body(frame(0, new Uint8Array())), "unreachable"],
  ["a status without a message", body(trailer({ "grpc-status": "0" })), "answer_invalid"],
  ["a status that is no number", body(trailer({ "grpc-status": "fine" })), "answer_invalid"],
  ["a trailer that is none", body(frame(0x80, Buffer.from("??"))), "answer_invalid"],
  ["a message that is none", body(frame(0, Uint8Array.of(255, 255, 255))), "answer_invalid"],
  ["a compressed message", body(frame(1, new Uint8Array())), "answer_invalid"],
  ["a length of 4 GiB", body(Uint8Array.of(0, 255, 255, 255, 255)), "answer_invalid"],
  ["a page", (response) => void response.writeHead(404).end("<html>"), "answer_invalid"],
  ["a page of a proxy", (response) => void response.writeHead(502).end("<html>"), "unreachable"],
  ["a way elsewhere", (response) => void response.writeHead(307, { location: "/" }).end(), "unreachable"],
  ["the end of the connection", (response) => void response.destroy(), "unreachable"],
])("an answer that is %s", async (_, send, kind) => {
  answer = send;
  expect(await failure()).toMatchObject({ kind, hadNoEffect: false });
});

test("details that are malformed say nothing, and messages of any spelling are shown", async () => {
  answer = body(trailer({ "grpc-status": "5", "grpc-message": "100% of%20it", "grpc-status-details-bin": "!!!" }));
  expect(await failure()).toMatchObject({ kind: "server_failed", reason: "", message: "the server failed: 100% of%20it" });
  answer = body(trailer({ "grpc-status": "5", "grpc-message": "x", "grpc-status-details-bin": Buffer.from([26, 200, 1]).toString("base64") }));
  expect((await failure()).reason).toBe("");
});

test("a message in many pieces is read whole", async () => {
  const bytes = Buffer.concat([frame(0, Uint8Array.of(8, 42)), trailer({ "grpc-status": "0" })]);
  answer = (response) => {
    response.writeHead(200);
    [...bytes].forEach((byte, at) => setTimeout(() => response.write(Uint8Array.of(byte)), at));
    setTimeout(() => response.end(), bytes.length + 5);
  };
  expect((await kith.log.head({ network: "default" })).position).toBe(42n);
});
