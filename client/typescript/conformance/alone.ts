// Commands that need no server: bytes of events, what is refused before it is sent, verification.
import { Growth, NewEvent, Receipt, SignedCheckpoint, VerifierKey, contentHash, encodeEvent, fromHex, kindOf, leafHash, newEvent, newPersonId, peopleOf, readEvent, targetOf, toHex, verifyConsistency, verifyInclusion, type RecordedFact } from "../src/index.js";
import { readDetail } from "../src/canonical.js";
import { eventJson, eventOf, newEventJson, newEventOf, type Json } from "./events.js";

const bytes = (hex: string) => fromHex(hex)!;
const hashes = (command: Json) => (command["hashes"] as string[]).map(bytes);

export const ALONE: Readonly<Record<string, (command: Json) => Json>> = {
  encode: (command) => newEventJson(newEventOf(command["record"])),
  keep: (command) => newEventJson(NewEvent.fromBytes(newEventOf(command["record"]).toBytes())),
  person_id: () => ({ id: newPersonId() }),

  decode(command) {
    const event = readEvent(bytes(command["bytes"]));
    const { fact } = event;
    return { event: eventJson(event), kind: kindOf(fact), people: peopleOf(fact), target: targetOf(fact) ?? null, bytes: toHex(encodeEvent(event)), content_hash: toHex(contentHash(event)) };
  },

  check(command) {
    NewEvent.of(readEvent(bytes(command["event"])), (command["details"] as string[]).map((detail) => readDetail(bytes(detail))));
    return {};
  },

  make(command) {
    const { fact, occurredAt, scope } = eventOf(command["record"]["event"]);
    return newEventJson(newEvent(fact as RecordedFact, { on: occurredAt, scope, details: command["record"]["details"] }));
  },

  verify_note(command) {
    const { origin, size, root } = SignedCheckpoint.parse(command["note"]).verify(VerifierKey.parse(command["key"]));
    return { origin, size: Number(size), root: toHex(root) };
  },

  verify_inclusion(command) {
    verifyInclusion(leafHash(bytes(command["entry"])), command["index"], command["size"], hashes(command), bytes(command["root"]));
    return {};
  },

  verify_consistency(command) {
    verifyConsistency(command["from"], bytes(command["from_root"]), command["to"], bytes(command["to_root"]), hashes(command));
    return {};
  },

  verify_receipt(command) {
    const entry = Receipt.parse(command["receipt"]).verify(VerifierKey.parse(command["key"]));
    return { position: entry.position, id: entry.event.id, kind: entry.kind, recorded_by: entry.recordedBy };
  },

  verify_growth(command) {
    Growth.parse(command["growth"]).verify(SignedCheckpoint.parse(command["earlier"]), VerifierKey.parse(command["key"]));
    return {};
  },
};
