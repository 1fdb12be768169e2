// Ids of events (UUIDs as text) and pseudonyms of people.
import { fromHex, toHex } from "./bytes.js";

/** The alphabet of a pseudonym (RFC 4648 base32, in lower case). */
const PSEUDONYM_LETTERS = "abcdefghijklmnopqrstuvwxyz234567";
/** Number of letters in a pseudonym, 5 bits each. */
const PSEUDONYM_LENGTH = 10;

/** Random bytes from the operating system. */
export function randomBytes(count: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(count));
}

/** A new event id: a UUID of version 7, which begins with the time. */
export function newEventId(now: number = Date.now()): string {
  const bytes = randomBytes(16);
  for (let at = 0; at < 6; at++) bytes[at] = Math.floor(now / 2 ** (8 * (5 - at))) % 256;
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return uuidText(bytes);
}

/** A new pseudonym for a person: `p-` and ten random letters. */
export function newPersonId(): string {
  return `p-${Array.from(randomBytes(PSEUDONYM_LENGTH), (byte) => PSEUDONYM_LETTERS[byte & 31]).join("")}`;
}

/** The text of an event's id. */
export function uuidText(bytes: Uint8Array): string {
  return toHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The 16 bytes of an event's id, any RFC 9562 UUID; `undefined` for anything else. */
export function uuidBytes(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i.test(text)) return undefined;
  return fromHex(text.replaceAll("-", ""));
}
