/**
 * Write Kith views in JavaScript: say how one key's events become a state, and a state rows. Packing, calls and faults
 * are done here. Everything runs in Node too, so a plugin is tested like any program; only `component.js` needs the
 * sandbox. Invariant: a plugin's answer depends on its arguments alone.
 *
 * @module
 */

export { ACCEPTED, DECLINED, Event, MET, dayOf } from "./event.js";
export { Fault, View } from "./view.js";
