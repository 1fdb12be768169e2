/**
 * The calls of the contract for any view: what the component exports and what the test harness runs.
 *
 * Each slot is folded or read independently of the others.
 *
 * @module
 */

import { decode, encodeStates } from "./batch.js";
import { Fault } from "./view.js";

/** Why a call failed, and for which key. */
export class SlotFault extends Error {
  /** `slot` and `event` are undefined if there is none. */
  constructor(slot, event, message) {
    super(message);
    this.slot = slot;
    this.event = event;
  }
}

const TYPES = {
  integer: (value) => Number.isSafeInteger(value),
  number: (value) => typeof value === "number",
  string: (value) => typeof value === "string",
  boolean: (value) => typeof value === "boolean",
  array: (value) => Array.isArray(value),
  object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
};

/** Makes a view from its settings, or throws an Error with what is wrong with them. */
export function configure(View, text) {
  let given;
  try {
    given = JSON.parse(text);
  } catch (error) {
    throw new Error(`the settings are not JSON: ${error.message}`);
  }
  if (!TYPES.object(given)) throw new Error("the settings are not a JSON object");
  const schema = View.manifest.settings ?? {};
  const known = schema.properties ?? {};
  const settings = {};
  for (const [name, of] of Object.entries(known)) {
    if ("default" in of) settings[name] = of.default;
  }
  for (const [name, value] of Object.entries(given)) {
    if (schema.additionalProperties === false && !Object.hasOwn(known, name)) {
      throw new Error(`there is no setting \`${name}\``);
    }
    checkSetting(name, value, known[name] ?? {});
    settings[name] = value;
  }
  const view = new View();
  view.configure(settings);
  return view;
}

function checkSetting(name, value, schema) {
  if (schema.type in TYPES && !TYPES[schema.type](value)) throw new Error(`\`${name}\` is not of type ${schema.type}`);
  if (schema.enum && !schema.enum.includes(value)) throw new Error(`\`${name}\` is not one of ${schema.enum}`);
  if (value < schema.minimum) throw new Error(`\`${name}\` is less than ${schema.minimum}`);
  if (value > schema.maximum) throw new Error(`\`${name}\` is more than ${schema.maximum}`);
}

const DROPPED = new Uint8Array(0);

/** Folds a packed batch into packed states. */
export function fold(view, batch) {
  const states = [];
  try {
    decode(batch, (key, state, events) => {
      const before = state.length === 0 ? undefined : view.unpack(state);
      const after = view.fold(key, before, events);
      states.push(after === undefined || after === null ? DROPPED : packed(view.pack(after)));
    });
  } catch (error) {
    throw slotFault(states.length, error);
  }
  return encodeStates(states);
}

function packed(state) {
  if (state.length === 0) throw new Fault("the state packs to no bytes, which would drop the key");
  return state;
}

/**
 * Makes the rows of keys, given as `{ a, b, state }` with the length of their states, as of the end of a day: a list
 * of `{ slot, item, values, evidence }` with values in the order of the fields.
 */
export function read(view, asOf, slots, states) {
  const { fields } = view.constructor.manifest;
  const names = new Set(fields.map((field) => field.name));
  const rows = [];
  let at = 0;
  slots.forEach(({ a, b, state: length }, slot) => {
    const state = states.subarray(at, at + length);
    at += length;
    if (length === 0) return;
    try {
      for (const { values, item, evidence } of view.rows({ a, b }, view.unpack(state), asOf)) {
        rows.push({ slot, item, values: inOrder(values, fields, names), evidence: evidence ?? [] });
      }
    } catch (error) {
      throw slotFault(slot, error);
    }
  });
  return rows;
}

function whole(least, most) {
  return (value) => (Number.isSafeInteger(value) || typeof value === "bigint") && value >= least && value <= most;
}

/** Whether a value fits a field of the type. */
const FITS = {
  number: (value) => Number.isFinite(value),
  integer: whole(-(2n ** 63n), 2n ** 63n - 1n),
  text: (value) => typeof value === "string",
  flag: (value) => typeof value === "boolean",
  day: whole(-(2 ** 31), 2 ** 31 - 1),
  person: whole(0, 2 ** 32 - 1),
  event: whole(0n, 2n ** 64n - 1n),
};

function inOrder(values, fields, names) {
  for (const name of Object.keys(values)) {
    if (!names.has(name)) throw new Fault(`a row has a value for \`${name}\`, which is no field`);
  }
  return fields.map(({ name, of }) => {
    const value = values[name] ?? undefined;
    if (value !== undefined && !FITS[of](value)) {
      const shown = typeof value === "string" ? JSON.stringify(value) : String(value);
      throw new Fault(`\`${name}\` is of type ${of}, which ${shown} is not`);
    }
    return value;
  });
}

function slotFault(slot, error) {
  if (error instanceof Fault) return new SlotFault(slot, error.event, error.message);
  return new SlotFault(slot, undefined, told(error));
}

/** What is wrong with the settings, or with the view that takes them. */
export function refusal(error) {
  return error?.constructor === Error ? error.message : told(error);
}

/** An error with the line of the author's own code that it comes from. */
function told(error) {
  const where = ownLine(error?.stack);
  return `${error?.name ?? "Error"}: ${error?.message ?? error}${where === undefined ? "" : ` (${where})`}`;
}

/** The first line of a stack that is in a file of the author: not of the kit, nor of the engine. */
function ownLine(stack) {
  for (const line of `${stack ?? ""}`.split("\n")) {
    if (/(^|[/@( ])sdk\/|node:|node_modules/.test(line)) continue;
    const found = /([\w.-]+\.m?js):(\d+)(:\d+)?\)?$/.exec(line.trim());
    if (found !== null) return `${found[1]}, line ${found[2]}`;
  }
  return undefined;
}
