/**
 * Closes what would differ from machine to machine or from call to call: in a component it would be missing, or silently
 * that of the day it was built. `SEALED` is the whole list, besides `Date`.
 *
 * @module
 */

function refuse(what) {
  return () => {
    throw new Error(`a view has no ${what}: the same events must give the same rows everywhere`);
  };
}

/** What a view does not have, and the functions that would provide it: an object and their names in it. */
export const SEALED = {
  clock: [
    [globalThis.performance, ["now", "mark", "measure"]],
    [globalThis, ["setTimeout", "setInterval", "setImmediate"]],
  ],
  chance: [
    [Math, ["random"]],
    [globalThis.crypto, ["getRandomValues", "randomUUID"]],
  ],
  network: [[globalThis, ["fetch", "WebSocket", "XMLHttpRequest", "EventSource"]]],
};

const RealDate = Date;

/** Dates can be made from numbers and texts; without an argument they would need the time, which is not available. */
function SealedDate(...given) {
  if (given.length === 0 || new.target === undefined) refuse("clock")();
  return Reflect.construct(RealDate, given, new.target);
}
SealedDate.prototype = RealDate.prototype;
SealedDate.prototype.constructor = SealedDate;
SealedDate.UTC = RealDate.UTC;
SealedDate.parse = RealDate.parse;
SealedDate.now = refuse("clock");

globalThis.Date = SealedDate;
for (const [what, places] of Object.entries(SEALED)) {
  for (const [place, names] of places) {
    for (const name of names) {
      if (place?.[name]) Object.defineProperty(place, name, { value: refuse(what), configurable: true, writable: true });
    }
  }
}
