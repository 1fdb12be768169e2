/**
 * Disables the clock and random numbers: in a component they would silently be those of the day it was built.
 *
 * @module
 */

function refuse(what) {
  return () => {
    throw new Error(`a view has no ${what}: the same events must give the same rows everywhere`);
  };
}

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
Math.random = refuse("chance");
for (const name of ["now", "mark", "measure"]) {
  if (globalThis.performance?.[name]) globalThis.performance[name] = refuse("clock");
}
for (const name of ["getRandomValues", "randomUUID"]) {
  if (globalThis.crypto?.[name]) globalThis.crypto[name] = refuse("chance");
}
