// Webhooks: that a request comes from the server that has the secret, and says what it was sent with. Standard Webhooks
// (github.com/standard-webhooks/standard-webhooks), as `kith webhook` describes.
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, fromBase64, toBase64 } from "../bytes.js";
import { KithError } from "../errors.js";

const PREFIX = "whsec_";
const SECRET_BYTES = 32;
const VERSION = "v1";
const TOLERANCE_MS = 5 * 60_000;

/** The headers of a request, as `fetch` or node give them. */
export type WebhookHeaders = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

/** A CloudEvent. */
export interface CloudEvent {
  /** The id of the event, the same each time that it is sent. */
  readonly id: string;
  readonly type: string;
  readonly [attribute: string]: unknown;
}

/** How strictly the time of a request is judged. */
export interface WebhookOptions {
  /** The time in milliseconds since 1970; by default that of this machine. */
  readonly now?: number;
  /** How far the time of the request may be from that; by default five minutes. */
  readonly toleranceMs?: number;
}

/** Checks a request of a webhook; returns the CloudEvent in it. Throws `not_verified`, which a receiver answers with 400.
 *
 * `secret` is what `kith webhook add` printed (`whsec_...`), and `body` the body as it arrived: what was parsed and written
 * again has other bytes. */
export function verifyWebhook(secret: string, headers: WebhookHeaders, body: string | Uint8Array, options: WebhookOptions = {}): CloudEvent {
  const key = keyOf(secret);
  const [id, at, signatures] = [header(headers, "webhook-id"), header(headers, "webhook-timestamp"), header(headers, "webhook-signature")];
  if (!/^[0-9]{1,12}$/.test(at)) throw invalid("webhook-timestamp is no time");
  const age = (options.now ?? Date.now()) - Number(at) * 1_000;
  if (Math.abs(age) > (options.toleranceMs ?? TOLERANCE_MS)) throw invalid("the request was made too long ago, or lies ahead: compare the clocks");
  const bytes = typeof body === "string" ? utf8(body) : body;
  const code = `${VERSION},${toBase64(hmac(sha256, key, concat(utf8(`${id}.${at}.`), bytes)))}`;
  // Each of them is compared, in the time that this takes for all.
  const right = signatures.split(" ").map((given) => equalTexts(given, code));
  if (!right.includes(true)) throw invalid("the signature is not the secret's: it is another secret, or the request was changed");
  return eventIn(bytes, id);
}

function keyOf(secret: string): Uint8Array {
  const key = secret.startsWith(PREFIX) ? fromBase64(secret.slice(PREFIX.length)) : undefined;
  if (key?.length !== SECRET_BYTES) throw invalid("the secret is none of a webhook: those begin with whsec_");
  return key;
}

function header(headers: WebhookHeaders, name: string): string {
  const value = headers instanceof Headers ? headers.get(name) : Object.entries(headers).find(([given]) => given.toLowerCase() === name)?.[1];
  if (typeof value !== "string") throw invalid(`the request has no ${name}`);
  return value;
}

/** Whether two texts are equal, in a time that does not tell where they differ. */
function equalTexts(one: string, other: string): boolean {
  let differs = one.length ^ other.length;
  for (let at = 0; at < other.length; at++) differs |= one.charCodeAt(at) ^ other.charCodeAt(at);
  return differs === 0;
}

function eventIn(body: Uint8Array, id: string): CloudEvent {
  let event: unknown;
  try {
    event = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    throw invalid("the body is no JSON");
  }
  if (typeof event !== "object" || event === null || (event as CloudEvent).id !== id) throw invalid("the body is not the event that webhook-id names");
  return event as CloudEvent;
}

const utf8 = (text: string) => new TextEncoder().encode(text);

function invalid(why: string): KithError {
  return new KithError("not_verified", why);
}
