/** A view that does what each event says: for tests of what authors are told. */

import { View } from "./sdk/index.js";

const DO = {
  date: () => new Date(),
  now: () => Date.now(),
  performance: () => performance.now(),
  timeout: () => setTimeout(() => {}, 0),
  random: () => Math.random(),
  uuid: () => crypto.randomUUID(),
  fetch: () => fetch("http://localhost"),
  log: () => {
    console.log("debug", { n: 1 });
    return undefined.length;
  },
};

export default class Contacts extends View {
  static manifest = {
    name: "contacts",
    version: "1.0.0",
    routes: [{ kind: "met", keyBy: "pair" }],
    fields: [{ name: "days", of: "integer", about: "events" }],
    settings: { type: "object", properties: { how: { type: "string", default: "" } } },
  };

  configure(settings) {
    this.how = settings.how;
    if (this.how === "break") {
      console.log("about to break");
      undefined.length;
    }
  }

  fold(_key, state, events) {
    state ??= [0];
    for (let place = 0; place < events.length; place++) {
      const what = events[place].attribute("do");
      if (what !== undefined) DO[what]();
      if (this.how === "grow") state.push([events[place].position, events[place].at]);
    }
    return this.how === "forget" ? undefined : state;
  }

  row(_key, state) {
    return { days: this.how === "text" ? "2" : state.length };
  }
}
