/**
 * The packed batch of the contract, in both directions. Its layout is specified in `wit/`, at `fold`.
 *
 * @module
 */

import { Event } from "./event.js";

const HEADER_BYTES = 24;
const SLOT_BYTES = 16;
const EVENT_BYTES = 40;

const encoder = new TextEncoder();

/** Rows of a batch as words, and the words of a row; copied if they are not aligned to words. */
function wordsOf(batch, at, count, bytes) {
  const start = batch.byteOffset + at;
  if (bytes % 4 === 0 && start % 4 === 0) {
    return { words: new Uint32Array(batch.buffer, start, (count * bytes) / 4), step: bytes / 4 };
  }
  const step = Math.ceil(bytes / 4);
  const copy = new Uint8Array(count * step * 4);
  for (let row = 0; row < count; row++) {
    copy.set(batch.subarray(at + row * bytes, at + (row + 1) * bytes), row * step * 4);
  }
  return { words: new Uint32Array(copy.buffer), step };
}

/**
 * Reads a batch and calls `take(key, state, events)` for each slot in order. Throws if the batch does not match
 * its header.
 */
export function decode(batch, take) {
  if (batch.length < HEADER_BYTES) throw new Error("the batch is shorter than its header");
  const view = new DataView(batch.buffer, batch.byteOffset, batch.length);
  const layout = view.getUint16(0, true);
  if (layout !== 1) throw new Error(`the batch has layout ${layout}, not 1`);
  const slotBytes = view.getUint16(2, true);
  const eventBytes = view.getUint16(4, true);
  if (slotBytes < SLOT_BYTES || eventBytes < EVENT_BYTES) {
    throw new Error("the batch has slots or events that are too short");
  }
  const slotCount = view.getUint32(8, true);
  const eventCount = view.getUint32(12, true);
  const eventsAt = HEADER_BYTES + slotCount * slotBytes;
  let stateAt = eventsAt + eventCount * eventBytes;
  const extrasAt = stateAt + view.getUint32(16, true);
  if (extrasAt + view.getUint32(20, true) !== batch.length) {
    throw new Error("the batch has another length than its header says");
  }
  const { words: slots, step: slotStep } = wordsOf(batch, HEADER_BYTES, slotCount, slotBytes);
  const { words: events, step: eventStep } = wordsOf(batch, eventsAt, eventCount, eventBytes);
  let place = 0;
  for (let slot = 0; slot < slots.length; slot += slotStep) {
    const stateEnd = stateAt + slots[slot + 3];
    const placeEnd = place + slots[slot + 2] * eventStep;
    if (placeEnd > events.length || stateEnd > extrasAt) throw new Error("slots do not add up to the batch");
    const ofSlot = [];
    for (let next = 0; place < placeEnd; next++, place += eventStep) {
      ofSlot[next] = new Event(events, place, view, extrasAt);
    }
    take({ a: slots[slot], b: slots[slot + 1] }, batch.subarray(stateAt, stateEnd), ofSlot);
    stateAt = stateEnd;
  }
  if (place !== events.length || stateAt !== extrasAt) throw new Error("slots do not add up to the batch");
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

/** Packs a batch of `{ key, state, events }` as a host does, events as plain objects: for tests. */
export function encode(slots) {
  const out = [];
  const extras = [];
  const events = slots.flatMap((slot) => slot.events);
  const states = slots.flatMap((slot) => [...slot.state]);
  const places = events.map(({ extras: values = {} }) => {
    if (Object.keys(values).length === 0) return 0;
    const place = extras.length + 1;
    extras.push(...encodeExtras(values));
    return place;
  });
  put(out, [1, SLOT_BYTES, EVENT_BYTES, 0], 2);
  put(out, [slots.length, events.length, states.length, extras.length], 4);
  for (const { key, state, events } of slots) put(out, [key.a, key.b, events.length, state.length], 4);
  for (const [index, event] of events.entries()) {
    put(out, [event.position, event.at], 8);
    put(out, [event.actor, event.subject, event.third, event.others], 4);
    put(out, [event.route, event.flags], 2);
    put(out, [places[index]], 4);
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
  for (const [key, value] of Object.entries(values).sort(([one], [other]) => (one < other ? -1 : 1))) {
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
