/**
 * The component: the calls of the contract on the view that `main.js` exports as its default. Only this module knows
 * the generated bindings.
 *
 * What is imported before the plugin closes whatever would differ from call to call, and keeps what is logged.
 *
 * @module
 */

import "./sealed.js";
import * as said from "./said.js";
import View from "../main.js";
import * as calls from "./calls.js";

const NO_SLOT = 0xffff_ffff;
let configured;

function call(run) {
  said.forget();
  try {
    if (configured === undefined) throw new calls.SlotFault(undefined, undefined, "the view is not configured");
    return run(configured);
  } catch (error) {
    const { slot, event, message } = error;
    throw { slot: slot ?? NO_SLOT, event: event === undefined ? undefined : BigInt(event), message: said.addedTo(`${message}`) };
  }
}

const VALUES = {
  number: Number,
  integer: BigInt,
  text: String,
  flag: Boolean,
  day: Number,
  person: Number,
  event: BigInt,
};

function variant(value, { of }) {
  return value === undefined ? { tag: "none" } : { tag: of, val: VALUES[of](value) };
}

/** What the component exports. */
export const view = {
  describe() {
    const { name, version, stateVersion = 1, routes, fields, settings = {} } = View.manifest;
    return { name, version, stateVersion, routes, fields, settings: JSON.stringify(settings) };
  },

  configure(settings) {
    said.forget();
    try {
      configured = calls.configure(View, settings);
    } catch (error) {
      throw said.addedTo(calls.refusal(error));
    }
  },

  fold(batch) {
    return call((of) => calls.fold(of, batch));
  },

  read(asOf, slots, states) {
    return call((of) =>
      calls.read(of, asOf, slots, states).map(({ slot, item, values, evidence }) => ({
        slot,
        item: item === undefined || item === null ? undefined : BigInt(item),
        values: values.map((value, place) => variant(value, View.manifest.fields[place])),
        evidence: BigUint64Array.from(evidence, BigInt),
      })),
    );
  },
};
