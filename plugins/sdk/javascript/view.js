/**
 * The base class of a view: how one key's events become a state, and a state rows.
 *
 * @module
 */

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Why the view cannot continue with a key. The host stops that key and shows the message. */
export class Fault extends Error {
  /** `event` is the position of the event at fault, if any. */
  constructor(message, event = undefined) {
    super(message);
    this.event = event;
  }
}

/**
 * A view: a pure keyed fold. The instance is the view with its settings.
 *
 * A subclass has a static `manifest`:
 * `{ name, version, stateVersion, routes: [{ kind, keyBy }], fields: [{ name, of, about }], settings }`.
 *
 * - `name`: `[a-z][a-z0-9_]*`; `version`: the plugin's own, for people.
 * - `stateVersion`: grows when states written by an older plugin can no longer be read.
 * - `routes`: the kinds it folds (`met`, `followed_up`, `asked`, `helped`, `referred`, `answered`, or `custom:` and a
 *   type), by `pair`, `directed-pair`, `introduced-pair`, `actor`, `subject` or `each-person`. `event.route` is the
 *   index in this list.
 * - `fields`: the columns; `of` is `number`, `integer`, `text`, `flag`, `day`, `person` or `event`.
 * - `settings`: a JSON schema; values of `default` at the top level are filled in.
 */
export class View {
  /** Takes the settings, checked against the top level of the schema. Throw an Error to say what is wrong. */
  configure(_settings) {}

  /**
   * Adds a key's events, in the order of (time, position), to its state; undefined drops the key.
   *
   * `state` is what the last call returned, undefined at first. Must return the same however events are split into
   * calls.
   */
  fold(_key, _state, _events) {
    throw new Error("fold is not written yet");
  }

  /** Makes the key's one row as of the end of a day: values by field. Undefined: there is no row. */
  row(_key, _state, _asOf) {
    throw new Error("row is not written yet");
  }

  /**
   * Makes the key's rows, at most 1,000, as `{ values, item, evidence }`: `item` is a position that distinguishes them,
   * `evidence` the positions of their evidence (empty: every entry of the key). Override it in views with
   * several rows a key.
   */
  rows(key, state, asOf) {
    const values = this.row(key, state, asOf);
    return values === undefined || values === null ? [] : [{ values }];
  }

  /** The bytes of a state, 1 to 65,536; equal states must have equal bytes. By default JSON. */
  pack(state) {
    return encoder.encode(JSON.stringify(state));
  }

  /** Undoes `pack`. */
  unpack(bytes) {
    return JSON.parse(decoder.decode(bytes));
  }
}
