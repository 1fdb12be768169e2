/**
 * Write Kith views in JavaScript: define how a key's events become a state, and a state rows. Packing, calls and faults
 * are handled here. Everything runs in Node too, so a plugin is tested like any program; only `component.js` needs the
 * sandbox. Invariant: a plugin's answer depends only on its arguments.
 *
 * @module
 */

export { ACCEPTED, DECLINED, Event, MET, dayOf } from "./event.js";
export { Fault, View } from "./view.js";
