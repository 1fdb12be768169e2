// Events: immutable facts as clients recorded them, in types of this language. `canonical.ts` makes and reads their bytes.

/** Who may see an event: every member of the network, or only members of the recorder's organisation. */
export type Scope = "network" | "organisation";
export type Answer = "accepted" | "declined" | "met";
export type RetractionReason = "mistake" | "duplicate" | "consent" | "other";
export type Role = "reader" | "recorder" | "analyst" | "auditor" | "records-officer" | "owner";
/** What a detail is; `newer:N` for a kind of a later version. */
export type DetailKind = "name" | "contact" | "note" | "place" | "words" | `newer:${number}`;

/** A value that plugins see. This language cannot tell 1 from 1.0, so it says which it is. */
export type AttributeValue = { readonly text: string } | { readonly integer: number | bigint } | { readonly number: number } | { readonly flag: boolean };

/** An event: people and organisations by their ids, events by their ids (UUIDs as text), times in milliseconds. */
export interface Event {
  readonly id: string;
  /** When it happened: the client's claim. */
  readonly occurredAt: number;
  readonly scope: Scope;
  /** Events that led to this one. */
  readonly causedBy: readonly string[];
  /** Values for plugins; never personal. */
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  /** 16 random bytes that keep the entry's hash from being guessed. */
  readonly salt: Uint8Array;
  /** One commitment per detail. */
  readonly commitments: readonly Uint8Array[];
  readonly fact: Fact;
}

/** What people of a network do with each other. */
export type Habit =
  | { readonly kind: "met"; readonly people: readonly string[] }
  | { readonly kind: "followed_up"; readonly by: string; readonly with: readonly string[]; readonly about?: string | undefined }
  | { readonly kind: "asked"; readonly by: string; readonly of: readonly string[]; readonly category: string }
  | { readonly kind: "helped"; readonly helper: string; readonly helped: string; readonly category?: string | undefined; readonly about?: string | undefined }
  | { readonly kind: "referred"; readonly referrer: string; readonly person: string; readonly to: string }
  | { readonly kind: "answered"; readonly referral: string; readonly by: string; readonly answer: Answer };

/** A change of the directory. */
export type DirectoryFact =
  | { readonly kind: "organisation_added"; readonly organisation: string; readonly name: string }
  | { readonly kind: "person_added"; readonly person: string; readonly organisation?: string | undefined; readonly role?: string | undefined }
  | { readonly kind: "person_changed"; readonly person: string; readonly organisation?: string | undefined; readonly role?: string | undefined }
  | { readonly kind: "people_merged"; readonly kept: string; readonly merged: string };

/** What clients record. */
export type RecordedFact =
  | Habit
  | DirectoryFact
  | { readonly kind: "custom"; readonly type: string; readonly people: readonly string[] }
  | { readonly kind: "retracted"; readonly event: string; readonly reason: RetractionReason };

/** What only servers record. Digests and incarnations are hexadecimal; details are indexes, ascending. */
export type Administration =
  | { readonly kind: "plugin_installed"; readonly name: string; readonly version: string; readonly component: string; readonly settings: string }
  | { readonly kind: "plugin_activated"; readonly name: string; readonly version: string; readonly component: string }
  | { readonly kind: "plugin_paused"; readonly name: string; readonly paused: boolean }
  | { readonly kind: "plugin_removed"; readonly name?: string; readonly installed?: string }
  | { readonly kind: "member_changed"; readonly principal: string; readonly role?: Role; readonly organisation?: string; readonly identity?: string }
  | { readonly kind: "token_issued"; readonly token: string; readonly role?: Role; readonly person?: string; readonly organisation?: string; readonly expiresAt?: number; readonly secretDigest?: string; readonly invitation: boolean }
  | { readonly kind: "token_revoked"; readonly token: string }
  | { readonly kind: "policy_changed"; readonly randomIds: boolean; readonly tokenAttributes: boolean; readonly replicaDays: number | bigint }
  | { readonly kind: "person_erased"; readonly person: string; readonly reason: string; readonly reference?: string }
  | { readonly kind: "erasure_completed"; readonly person: string; readonly erasure: string; readonly detailsErased: number | bigint; readonly keysDestroyed: number | bigint }
  | { readonly kind: "hold_changed"; readonly person: string; readonly held: boolean; readonly reason: string; readonly reference: string }
  | { readonly kind: "details_erased"; readonly event: string; readonly details: readonly number[]; readonly reason: string; readonly reference?: string }
  | { readonly kind: "log_restored"; readonly incarnation: string; readonly lostHead: number | bigint; readonly lostRoot: string; readonly unverified: boolean };

/** A fact that a later version records and this one does not know: shown by its number, counted nowhere. */
export interface NewerFact {
  readonly kind: "newer";
  /** Number of its field in `kith.v1.Event`. */
  readonly number: number;
  /** The message in that field. */
  readonly bytes: Uint8Array;
}

export type Fact = RecordedFact | Administration | NewerFact;

/** Personal words of an event: erasable, because the log holds only commitments to them. */
export interface Detail {
  readonly kind: DetailKind;
  /** The people it is about, sorted. */
  readonly subjects: readonly string[];
  readonly text: string;
  /** 32 random bytes that keep the commitment from being guessed. */
  readonly salt: Uint8Array;
}

/** What kind of fact it is, as filters name it: `met`, `custom:org.example/visit.v1`, `newer:60`. */
export function kindOf(fact: Fact): string {
  if (fact.kind === "custom") return `custom:${fact.type}`;
  return fact.kind === "newer" ? `newer:${fact.number}` : fact.kind;
}

/** What precedes a person's id among members. */
const PERSON = "person:";

/** The people in a fact, in the order of its fields. */
export function peopleOf(fact: Fact): readonly string[] {
  switch (fact.kind) {
    case "met":
    case "custom":
      return fact.people;
    case "followed_up":
      return [fact.by, ...fact.with];
    case "asked":
      return [fact.by, ...fact.of];
    case "helped":
      return [fact.helper, fact.helped];
    case "referred":
      return [fact.referrer, fact.person, fact.to];
    case "answered":
      return [fact.by];
    case "people_merged":
      return [fact.kept, fact.merged];
    case "person_added":
    case "person_changed":
    case "person_erased":
    case "erasure_completed":
    case "hold_changed":
      return [fact.person];
    case "token_issued":
      return fact.person === undefined ? [] : [fact.person];
    case "member_changed":
      return fact.principal.startsWith(PERSON) ? [fact.principal.slice(PERSON.length)] : [];
    default:
      return [];
  }
}

/** The event that a fact names, if any. Causes are no targets: they need not be in this log. */
export function targetOf(fact: Fact): string | undefined {
  switch (fact.kind) {
    case "followed_up":
    case "helped":
      return fact.about;
    case "answered":
      return fact.referral;
    case "retracted":
    case "details_erased":
      return fact.event;
    default:
      return undefined;
  }
}

/** The person whom a detail names publicly: only facts that add or change a person name anybody, and only that person. */
export function personNamed(fact: Fact, detail: Pick<Detail, "kind" | "subjects">): string | undefined {
  if (detail.kind !== "name" || (fact.kind !== "person_added" && fact.kind !== "person_changed")) return undefined;
  return detail.subjects.length === 1 && detail.subjects[0] === fact.person ? fact.person : undefined;
}
