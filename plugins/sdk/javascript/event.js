/**
 * What a plugin sees of an event: ids, kinds, times, numbers and attributes. No names, no notes.
 *
 * An event is a view of the packed batch and reads only what is requested: an engine without its own compiler
 * would spend most of its time on fields that nobody uses.
 *
 * @module
 */

const DAY_MS = 86_400_000;
const HIGH = 4_294_967_296;

const decoder = new TextDecoder();

/** The introduction is welcome. */
export const ACCEPTED = 1;
/** It is not wanted. */
export const DECLINED = 2;
/** The two have met. */
export const MET = 3;

/** The UTC day of a time in milliseconds since 1970-01-01. */
export function dayOf(at) {
  return Math.floor(at / DAY_MS);
}

/**
 * An event as a key sees it. People are handles, from 1; 0 is nobody.
 *
 * Positions and times are numbers: both stay below 2^53.
 */
export class Event {
  /** The event that begins at a word of a batch; its extras begin at `extrasAt`, in bytes. */
  constructor(words, place, view, extrasAt) {
    this._words = words;
    this._place = place;
    this._view = view;
    this._extrasAt = extrasAt;
  }

  /** Its position in the log. */
  get position() {
    return this._words[this._place + 1] * HIGH + this._words[this._place];
  }

  /** When it happened: milliseconds since 1970-01-01, UTC. */
  get at() {
    return (this._words[this._place + 3] | 0) * HIGH + this._words[this._place + 2];
  }

  /** Who acts. */
  get actor() {
    return this._words[this._place + 4];
  }

  /** Who is acted upon. */
  get subject() {
    return this._words[this._place + 5];
  }

  /** `referred` under an introduced pair: the referrer. `answered`: who answered. */
  get third() {
    return this._words[this._place + 6];
  }

  /** Number of people in the event besides the one it is seen by. */
  get others() {
    return this._words[this._place + 7];
  }

  /** Its index in the view's routes. */
  get route() {
    return this._words[this._place + 8] & 0xffff;
  }

  /** Low 2 bits: the answer; the others are reserved. */
  get flags() {
    return this._words[this._place + 8] >>> 16;
  }

  /** The UTC day it happened on, days since 1970-01-01. */
  get day() {
    return Math.floor(((this._words[this._place + 3] | 0) * HIGH + this._words[this._place + 2]) / DAY_MS);
  }

  /** ACCEPTED, DECLINED or MET of an `answered`; else undefined. */
  get answer() {
    return this.flags & 3 || undefined;
  }

  /** The position of the `referred` that an `answered` names. */
  get referral() {
    const position = this.attribute("@referral");
    return position === undefined ? undefined : Number(position);
  }

  /** The category of an `asked` or `helped`, if it has one. */
  get category() {
    return this.attribute("@category");
  }

  /** The value of an attribute: bigint for a whole number, number, boolean or string; undefined if there is none. */
  attribute(key) {
    const extra = this._words[this._place + 9];
    return extra === 0 ? undefined : findExtra(this._view, this._extrasAt + extra - 1, packedKey(key));
  }

  /** All attributes and the values that the host adds, by key. */
  get attributes() {
    const all = new Map();
    const extra = this._words[this._place + 9];
    if (extra !== 0) eachExtra(this._view, this._extrasAt + extra - 1, all);
    return all;
  }
}

const encoder = new TextEncoder();
const KEYS = new Map();

/** A key as it is packed in a batch: whole words, then single bytes. Computed once. */
function packedKey(key) {
  let packed = KEYS.get(key);
  if (packed === undefined) {
    const bytes = encoder.encode(key);
    const view = new DataView(bytes.buffer);
    const whole = bytes.length >> 2;
    const words = Array.from({ length: whole }, (_, place) => view.getUint32(4 * place, true));
    packed = { length: bytes.length, words, rest: [...bytes.subarray(4 * whole)] };
    KEYS.set(key, packed);
  }
  return packed;
}

/** Where the extra after one with this tag begins. */
function nextExtra(view, tag, valueAt) {
  if (tag < 1 || tag > 4) throw new Error(`an extra has the unknown tag ${tag}`);
  return valueAt + (tag === 4 ? 4 + view.getUint32(valueAt, true) : 8);
}

function findExtra(view, start, wanted) {
  const end = start + 4 + view.getUint32(start, true);
  let at = start + 4;
  while (at < end) {
    const keyBytes = view.getUint16(at, true);
    const valueAt = at + 3 + keyBytes;
    const tag = view.getUint8(valueAt - 1);
    if (keyBytes === wanted.length && isAt(view, at + 2, wanted)) return readValue(view, tag, valueAt);
    at = nextExtra(view, tag, valueAt);
  }
  return undefined;
}

function isAt(view, at, { words, rest }) {
  for (let place = 0; place < words.length; place++, at += 4) {
    if (view.getUint32(at, true) !== words[place]) return false;
  }
  for (let place = 0; place < rest.length; place++) {
    if (view.getUint8(at + place) !== rest[place]) return false;
  }
  return true;
}

function eachExtra(view, start, into) {
  const end = start + 4 + view.getUint32(start, true);
  let at = start + 4;
  while (at < end) {
    const keyBytes = view.getUint16(at, true);
    const valueAt = at + 3 + keyBytes;
    const tag = view.getUint8(valueAt - 1);
    into.set(readText(view, at + 2, keyBytes), readValue(view, tag, valueAt));
    at = nextExtra(view, tag, valueAt);
  }
}

function readValue(view, tag, at) {
  if (tag === 1) return view.getBigInt64(at, true);
  if (tag === 2) return view.getFloat64(at, true);
  if (tag === 3) return view.getUint32(at, true) !== 0;
  if (tag === 4) return readText(view, at + 4, view.getUint32(at, true));
  throw new Error(`an extra has the unknown tag ${tag}`);
}

function readText(view, at, bytes) {
  return decoder.decode(new Uint8Array(view.buffer, view.byteOffset + at, bytes));
}
