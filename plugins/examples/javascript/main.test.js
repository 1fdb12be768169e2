/**
 * Tests of the view, for Node: `node --test`. `kith plugin test` runs the component itself.
 *
 * @module
 */

import assert from "node:assert/strict";
import test from "node:test";

import View from "./main.js";
import { Harness } from "./sdk/testing.js";

const KEY = { a: 1, b: 2 };

function row(daysAndMinutes, asOf, settings = {}) {
  const harness = new Harness(View, settings);
  const events = daysAndMinutes.map(([day, minutes], place) =>
    harness.event("met", place + 1, day, minutes === undefined ? {} : { minutes: BigInt(minutes) }),
  );
  const state = harness.fold(KEY, events);
  const inPieces = events.reduce((before, event) => harness.fold(KEY, [event], before), undefined);
  assert.deepEqual(state, inPieces, "batches must not matter");
  return harness.rows(KEY, state, asOf)[0];
}

test("a day counts once", () => {
  const expected = { days: 2, last: 19, silent: 10, per_month: 3, minutes: undefined };
  assert.deepEqual(row([[10], [10], [19]], 29), expected);
});

test("a short contact counts only if it may", () => {
  const events = [[10, 5], [11, 40], [12]];
  assert.equal(row(events, 12, { minutes_min: 0 }).minutes, 45);
  assert.equal(row(events, 12, { minutes_min: 30 }).days, 2);
  assert.equal(row(events.slice(0, 1), 12, { minutes_min: 30 }), undefined);
});

test("a length that no day has is refused", () => {
  assert.throws(() => new Harness(View, { minutes_min: 1441 }));
});
