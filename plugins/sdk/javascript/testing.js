/**
 * Runs a view in Node through the same packed batches that a host sends. Only the sandbox is missing.
 *
 * @module
 */

import { encode } from "./batch.js";
import * as calls from "./calls.js";

const DAY_MS = 86_400_000;
const NOON_MS = 43_200_000;

/** A configured view under test. */
export class Harness {
  constructor(View, settings = {}) {
    this.view = calls.configure(View, JSON.stringify(settings));
    this.manifest = View.manifest;
  }

  /**
   * An event of a kind that the view routes, at noon of a day, with one other person. `extras` are attributes, whole ones
   * as bigints; `about` may have `actor`, `subject`, `third`, `others` and `flags`.
   */
  event(kind, position, day, extras = {}, about = {}) {
    const route = this.manifest.routes.findIndex((route) => route.kind === kind);
    if (route < 0) throw new Error(`the manifest does not route ${kind}`);
    const at = day * DAY_MS + NOON_MS;
    return { position, at, actor: 0, subject: 0, third: 0, others: 1, flags: 0, ...about, route, extras };
  }

  /** Folds events, in this order, into a packed state; empty: none. */
  fold(key, events, state = new Uint8Array(0)) {
    return calls.fold(this.view, encode([{ key, state, events }])).subarray(4);
  }

  /** The rows of a packed state as of the end of a day: values by field. */
  rows(key, state, asOf) {
    const { fields } = this.manifest;
    return calls.read(this.view, asOf, [{ ...key, state: state.length }], state).map(({ values }) =>
      Object.fromEntries(values.map((value, place) => [fields[place].name, value])),
    );
  }
}
