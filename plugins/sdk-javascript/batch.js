/**
 * The packed batch of the contract, in both directions. Its layout is written down in `wit/`, at `fold`.
 *
 * @module
 */

import { Event } from "./event.js";

const HEADER_BYTES = 24;
const SLOT_BYTES = 16;
const EVENT_BYTES = 40;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Reads the 64-bit number at a place as a number; both halves are far below 2^53 together. */
function readU64(view, at) {
  return view.getUint32(at + 4, true) * 4_294_967_296 + view.getUint32(at, true);
}

function readS64(view, at) {
  return view.getInt32(at + 4, true) * 4_294_967_296 + view.getUint32(at, true);
}

/**
 * Takes a batch apart: yields `{ key, state, events }`. Throws where it is not what its header says.
 */
export function* decode(batch) {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
  if (batch.length < HEADER_BYTES) throw new Error("the batch is shorter than its header");
  const layout = view.getUint16(0, true);
  if (layout !== 1) throw new Error(`the batch has layout ${layout}, not 1`);
  const slotBytes = view.getUint16(2, true);
  const eventBytes = view.getUint16(4, true);
  if (slotBytes < SLOT_BYTES || eventBytes < EVENT_BYTES) {
    throw new Error("the batch has slots or events that are too short");
  }
  const slots = view.getUint32(8, true);
  const events = view.getUint32(12, true);
  const eventsAt = HEADER_BYTES + slots * slotBytes;
  let stateAt = eventsAt + events * eventBytes;
  const extrasAt = stateAt + view.getUint32(16, true);
  if (extrasAt + view.getUint32(20, true) !== batch.length) {
    throw new Error("the batch has another length than its header says");
  }
  let eventAt = eventsAt;
  const lastEventAt = eventsAt + events * eventBytes;
  for (let at = HEADER_BYTES; at < eventsAt; at += slotBytes) {
    const key = { a: view.getUint32(at, true), b: view.getUint32(at + 4, true) };
    const count = view.getUint32(at + 8, true);
    const length = view.getUint32(at + 12, true);
    if (eventAt + count * eventBytes > lastEventAt || stateAt + length > extrasAt) {
      throw new Error("slots do not add up to the batch");
    }
    const ofSlot = new Array(count);
    for (let place = 0; place < count; place++) {
      ofSlot[place] = decodeEvent(batch, view, eventAt, extrasAt);
      eventAt += eventBytes;
    }
    yield { key, state: batch.subarray(stateAt, stateAt + length), events: ofSlot };
    stateAt += length;
  }
  if (eventAt !== lastEventAt || stateAt !== extrasAt) throw new Error("slots do not add up to the batch");
}

function decodeEvent(batch, view, at, extrasAt) {
  const extra = view.getUint32(at + 36, true);
  return new Event(
    readU64(view, at),
    readS64(view, at + 8),
    view.getUint32(at + 16, true),
    view.getUint32(at + 20, true),
    view.getUint32(at + 24, true),
    view.getUint32(at + 28, true),
    view.getUint16(at + 32, true),
    view.getUint16(at + 34, true),
    extra === 0 ? undefined : decodeExtras(batch, view, extrasAt + extra - 1),
  );
}

function decodeExtras(batch, view, start) {
  const values = new Map();
  const end = start + 4 + view.getUint32(start, true);
  let at = start + 4;
  while (at < end) {
    const keyBytes = view.getUint16(at, true);
    at += 2;
    const key = decoder.decode(batch.subarray(at, at + keyBytes));
    at += keyBytes;
    const tag = batch[at];
    at += 1;
    if (tag === 4) {
      const textBytes = view.getUint32(at, true);
      at += 4;
      values.set(key, decoder.decode(batch.subarray(at, at + textBytes)));
      at += textBytes;
      continue;
    }
    if (tag === 1) values.set(key, view.getBigInt64(at, true));
    else if (tag === 2) values.set(key, view.getFloat64(at, true));
    else if (tag === 3) values.set(key, view.getUint32(at, true) !== 0);
    else throw new Error(`an extra has the unknown tag ${tag}`);
    at += 8;
  }
  return values;
}

/** Packs the answer of `fold`: the new states in the order of the slots, empty ones for dropped keys. */
export function encodeStates(states) {
  const bytes = states.reduce((sum, state) => sum + state.length, 4 * states.length);
  const out = new Uint8Array(bytes);
  const view = new DataView(out.buffer);
  let at = 4 * states.length;
  states.forEach((state, place) => {
    view.setUint32(4 * place, state.length, true);
    out.set(state, at);
    at += state.length;
  });
  return out;
}

/** Packs a batch of `{ key, state, events }` as a host does: for tests. */
export function encode(slots) {
  const out = [];
  const extras = [];
  const events = slots.flatMap((slot) => slot.events);
  const states = slots.flatMap((slot) => [...slot.state]);
  for (const event of events) {
    event.place = event.extras?.size ? extras.length + 1 : 0;
    if (event.place) extras.push(...encodeExtras(event.extras));
  }
  put(out, [1, SLOT_BYTES, EVENT_BYTES, 0], 2);
  put(out, [slots.length, events.length, states.length, extras.length], 4);
  for (const { key, state, events } of slots) put(out, [key.a, key.b, events.length, state.length], 4);
  for (const event of events) {
    put(out, [event.position, event.at], 8);
    put(out, [event.actor, event.subject, event.third, event.others], 4);
    put(out, [event.route, event.flags], 2);
    put(out, [event.place], 4);
    delete event.place;
  }
  return Uint8Array.from(out.concat(states, extras));
}

function put(out, numbers, bytes) {
  for (const number of numbers) {
    let rest = BigInt.asUintN(64, BigInt(number));
    for (let place = 0; place < bytes; place++) {
      out.push(Number(rest & 0xffn));
      rest >>= 8n;
    }
  }
}

function encodeExtras(values) {
  const list = [];
  for (const [key, value] of [...values].sort(([one], [other]) => (one < other ? -1 : 1))) {
    put(list, [key.length], 2);
    list.push(...encoder.encode(key));
    if (typeof value === "bigint") {
      list.push(1);
      put(list, [value], 8);
    } else if (typeof value === "number") {
      list.push(2, ...new Uint8Array(Float64Array.of(value).buffer));
    } else if (typeof value === "boolean") {
      list.push(3);
      put(list, [Number(value)], 8);
    } else {
      const text = encoder.encode(value);
      list.push(4);
      put(list, [text.length], 4);
      list.push(...text);
    }
  }
  const out = [];
  put(out, [list.length], 4);
  return out.concat(list);
}
