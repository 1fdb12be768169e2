// Calls with one answer.
import { KnownLog, SignedCheckpoint, VerifierKey, append, dayText, filterMessage, positionOf, readEntries, readEntry, toHex, uuidBytes, type Condition, type Services } from "../src/index.js";
import { Direction } from "../src/gen/kith/v1/log_pb.js";
import type { Person } from "../src/gen/kith/v1/directory_pb.js";
import { Role } from "../src/gen/kith/v1/event_pb.js";
import { ViewState, type Field, type Row, type Value } from "../src/gen/kith/v1/view_pb.js";
import { entryJson, filterOf, newEventOf, type Json } from "./events.js";

/** A connection to a network. */
export interface Net {
  readonly services: Services;
  readonly network: string;
}

export const CALLS: Readonly<Record<string, (net: Net, command: Json) => Promise<Json>>> = {
  async who({ services, network }) {
    const { principal, role, person, organisation } = await services.sessions.whoAmI({ network });
    return { principal, role: (Role[role] ?? "").toLowerCase().replaceAll("_", "-"), person, organisation };
  },

  async head({ services, network }) {
    const { position, root, incarnation } = await services.log.head({ network });
    return { position: positionOf(position), root: toHex(root), incarnation: toHex(incarnation) };
  },

  async append({ services, network }, command) {
    const events = (command["events"] as Json[]).map(newEventOf);
    return { outcomes: await append(services.log, network, events, { condition: conditionOf(command["condition"]) }) };
  },

  async read({ services, network }, command) {
    const answer = await services.log.read({
      network,
      after: BigInt(command["after"] ?? 0),
      limit: command["limit"] ?? 0,
      filter: filterMessage(filterOf(command["filter"])),
      direction: command["backward"] ? Direction.BACKWARD : Direction.FORWARD,
      matchingOnly: command["matching_only"] ?? false,
    });
    return { entries: readEntries(answer).map(entryJson), next: positionOf(answer.next), end: answer.end, head: positionOf(answer.head) };
  },

  async people({ services, network }, command) {
    const people: Person[] = [];
    for (let pageToken = ""; ; ) {
      const page = await services.directory.listPeople({ network, organisation: command["organisation"] ?? "", pageToken });
      people.push(...page.people);
      pageToken = page.nextPageToken;
      if (!pageToken) return { people: people.map(personJson) };
    }
  },

  async create_network({ services }, command) {
    const { network } = await services.networks.createNetwork({ name: command["name"] });
    return { name: network?.name };
  },

  async views({ services, network }) {
    const { views } = await services.views.listViews({ network });
    return { views: views.map(({ name, version, state }) => ({ name, version, state: ViewState[state]?.toLowerCase() })) };
  },

  async view({ services, network }, command) {
    const top = command["top"] ?? Number.MAX_SAFE_INTEGER;
    const rows: Json[] = [];
    for (let pageToken = ""; ; ) {
      const page = await services.views.queryView({
        network,
        view: command["view"],
        person: command["person"] ?? "",
        organisation: command["organisation"] ?? "",
        key: command["key"] ?? [],
        sort: command["sort"] ?? "",
        columns: command["columns"] ?? [],
        ...asOf(command),
        pageSize: 100,
        pageToken,
      });
      rows.push(...page.rows.map((row) => rowJson(page.fields, row)));
      pageToken = page.nextPageToken;
      if (!pageToken || rows.length >= top) {
        return { rows: rows.slice(0, top), position: positionOf(page.position), day: dayText(page.day), total: Number(page.total) };
      }
    }
  },

  async why({ services, network }, command) {
    const found = await services.views.explainRow({ network, view: command["view"], key: command["key"], ...asOf(command) });
    return {
      rows: found.rows.map((row) => rowJson(found.fields, row)),
      evidence: found.evidence.map(({ entry, share }) => ({ position: readEntry(entry).position, share: share ?? null })),
      hidden: Number(found.hidden),
      share_of: found.shareOf,
    };
  },

  async checkpoint({ services, network }) {
    const { checkpoint, key } = await services.audit.getCheckpoint({ network });
    SignedCheckpoint.parse(checkpoint).verify(VerifierKey.parse(key));
    return { note: checkpoint, key };
  },

  async receipt({ services, network }, command) {
    const { entry } = await services.audit.getInclusionProof({ network, event: uuidBytes(command["event"])! });
    const receipt = await known({ services, network }).prove(readEntry(entry));
    receipt.verify(VerifierKey.parse(command["key"]));
    return { receipt: `${receipt}` };
  },

  async growth({ services, network }, command) {
    const earlier = SignedCheckpoint.parse(command["earlier"]);
    const growth = await known({ services, network }).growth(earlier);
    growth.verify(earlier, VerifierKey.parse(command["key"]));
    return { growth: `${growth}` };
  },
};

/** A log of which nothing is kept yet. */
function known({ services, network }: Net): KnownLog {
  const kept = new Map<string, string>();
  return new KnownLog(services.audit, network, { getItem: (name) => kept.get(name) ?? null, setItem: (name, text) => kept.set(name, text) });
}

function conditionOf(given: Json | undefined): Condition | undefined {
  if (!given) return undefined;
  return "expected_head" in given ? { expectedHead: given["expected_head"] } : { noneMatch: filterOf(given["none_match"]), after: given["after"] };
}

function asOf(command: Json) {
  const at = command["at"] === undefined ? undefined : Date.parse(`${command["at"]}T00:00:00Z`) / 86_400_000;
  return { ...(at !== undefined && { at }), asOf: BigInt(command["as_of"] ?? 0) };
}

function personJson({ id, name, organisation, role, handle, position, mergedInto, erased }: Person): Json {
  return { id, name: name || null, organisation: organisation || null, role: role || null, handle: Number(handle), position: positionOf(position), merged_into: mergedInto || null, erased };
}

/** A row as `kith view -o json` writes it. */
export function rowJson(fields: readonly Field[], row: Row): Json {
  const values = fields.map((field, at) => [field.name, valueJson(row.values[at])] as const);
  return { key: row.key, ...(row.item && { item: positionOf(row.item) }), ...Object.fromEntries(values), evidence: Number(row.evidence) };
}

function valueJson(value: Value | undefined): unknown {
  const held = value?.value;
  if (held?.case === undefined) return null;
  if (held.case === "day") return dayText(held.value);
  return typeof held.value === "bigint" ? Number(held.value) : held.value;
}

