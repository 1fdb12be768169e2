/**
 * What a plugin sees of an event: ids, kinds, times, numbers and attributes. No names, no notes.
 *
 * @module
 */

const DAY_MS = 86_400_000;

/** The introduction is welcome. */
export const ACCEPTED = 1;
/** It is not wanted. */
export const DECLINED = 2;
/** The two have met. */
export const MET = 3;

/** The UTC day of a time in milliseconds since 1970-01-01. */
export function dayOf(at) {
  return Math.floor(at / DAY_MS);
}

/**
 * An event as a key sees it. People are handles, from 1; 0 is nobody.
 *
 * Positions and times are numbers: both stay below 2^53.
 */
export class Event {
  /** Its fields in the order of the packed batch. */
  constructor(position, at, actor, subject, third, others, route, flags, extras = undefined) {
    /** Its place in the log. */
    this.position = position;
    /** When it happened: milliseconds since 1970-01-01, UTC. */
    this.at = at;
    /** Who acts. */
    this.actor = actor;
    /** Who is acted upon. */
    this.subject = subject;
    /** `referred` under an introduced pair: the referrer. `answered`: who answered. */
    this.third = third;
    /** People in the event beside the one looked at. */
    this.others = others;
    /** Its place in the view's routes. */
    this.route = route;
    /** Low 2 bits: the answer; the others are reserved. */
    this.flags = flags;
    /** Attributes and what the host adds: a Map, or undefined if there are none. */
    this.extras = extras;
  }

  /** The UTC day it happened on, days since 1970-01-01. */
  get day() {
    return Math.floor(this.at / DAY_MS);
  }

  /** ACCEPTED, DECLINED or MET of an `answered`; else undefined. */
  get answer() {
    return this.flags & 3 || undefined;
  }

  /** The position of the `referred` that an `answered` names. */
  get referral() {
    const position = this.extras?.get("@referral");
    return position === undefined ? undefined : Number(position);
  }

  /** The category of an `asked` or `helped`, if it has one. */
  get category() {
    return this.extras?.get("@category");
  }

  /**
   * The value of an attribute: bigint for a whole number, number, boolean or string; undefined if there is none.
   */
  attribute(key) {
    return this.extras?.get(key);
  }
}
