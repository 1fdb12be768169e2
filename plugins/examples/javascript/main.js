/**
 * The view `contacts`: one row per pair of people, with how often and when last they were in contact.
 *
 * @module
 */

import { View } from "./sdk/index.js";

const KINDS = ["met", "followed_up", "helped", "referred"];

/** A contact is an event of the two; one that says it was shorter than the settings require does not count. */
export default class Contacts extends View {
  static manifest = {
    name: "contacts",
    version: "1.0.0",
    stateVersion: 1,
    routes: KINDS.map((kind) => ({ kind, keyBy: "pair" })),
    fields: [
      { name: "days", of: "integer", about: "days in contact" },
      { name: "last", of: "day", about: "the latest day in contact" },
      { name: "silent", of: "integer", about: "days since then" },
      { name: "per_month", of: "number", about: "days in contact per 30 days since the first" },
      {
        name: "minutes",
        of: "integer",
        about: "minutes together, where the attribute `minutes` says how long",
      },
    ],
    settings: {
      type: "object",
      additionalProperties: false,
      properties: {
        minutes_min: {
          type: "integer",
          minimum: 0,
          maximum: 1440,
          default: 0,
          description: "A contact that says it took fewer minutes does not count.",
        },
      },
    },
  };

  configure(settings) {
    this.minutesMin = settings.minutes_min;
  }

  fold(_key, state, events) {
    // By index: `for (const event of events)` takes several times as long in this engine.
    for (let place = 0; place < events.length; place++) {
      const event = events[place];
      const minutes = event.attribute("minutes");
      const said = typeof minutes === "bigint";
      if (said && !(minutes >= this.minutesMin && minutes <= 1440)) continue;
      const day = event.day;
      state ??= { days: 0, first: day, last: null, minutes: null };
      if (day !== state.last) {
        state.days += 1;
        state.last = day;
      }
      if (said) state.minutes = (state.minutes ?? 0) + Number(minutes);
    }
    return state;
  }

  row(_key, state, asOf) {
    return {
      days: state.days,
      last: state.last,
      silent: Math.max(0, asOf - state.last),
      per_month: (state.days * 30) / Math.max(1, asOf - state.first + 1),
      minutes: state.minutes,
    };
  }
}
