// The rules of events that need no log, checked before anything is sent, with the reason and field that a server gives:
// those of server/core (wire, detail, prepare). What a rule needs of the log, the server checks.
import { commitment as commitmentTo } from "./canonical.js";
import { equal } from "./bytes.js";
import { KithError } from "./errors.js";
import type { AttributeValue, Detail, Event, RecordedFact } from "./event.js";
import { uuidBytes } from "./ids.js";
import { LIMITS } from "./limits.js";

/** 1900-01-01T00:00:00Z and 9999-12-31T23:59:59.999Z: between them, anything can have happened. */
const TIME_MIN = -2_208_988_800_000;
const TIME_MAX = 253_402_300_799_999;

/** Checks an event that clients record, with its details in the order of its commitments. */
export function checkEvent(event: Event, details: readonly Detail[]): void {
  checkHead(event);
  checkFact(event.fact as RecordedFact);
  checkDetails(event, details);
}

/** Checks the length of an event's bytes. */
export function checkEncoded(bytes: Uint8Array): void {
  if (bytes.length > LIMITS.eventBytes) tooLong("event", LIMITS.eventBytes, bytes.length);
}

/** Checks what every event has, in the order of its fields. */
function checkHead(event: Event): void {
  checkId("event.id", event.id);
  const inRange = Number.isInteger(event.occurredAt) && event.occurredAt >= TIME_MIN && event.occurredAt <= TIME_MAX;
  if (!inRange) mustBe("event.occurred_at", "a time in whole milliseconds between the years 1900 and 9999");
  if (event.scope !== "network" && event.scope !== "organisation") mustBe("event.scope", "network or organisation");
  checkCount("event.caused_by", event.causedBy.length, 0, LIMITS.causedBy);
  for (const id of event.causedBy) checkId("event.caused_by", id);
  checkUnique("event.caused_by", event.causedBy);
  const attributes = Object.entries(event.attributes);
  checkCount("event.attributes", attributes.length, 0, LIMITS.attributes);
  for (const [key, value] of attributes) checkAttribute(key, value);
  checkCount("event.details", event.commitments.length, 0, LIMITS.details);
}

function checkAttribute(key: string, value: AttributeValue): void {
  checkText("event.attributes.key", key, LIMITS.attributeKeyBytes);
  if (!/^[a-z][a-z0-9_.-]*$/.test(key)) mustBe("event.attributes.key", "made of a-z, 0-9, _ . - and start with a letter");
  const field = "event.attributes.value";
  const kinds = value !== null && typeof value === "object" ? Object.keys(value) : [];
  if (kinds.length !== 1) return mustBe(field, "exactly one of text, integer, number and flag");
  if ("text" in value) checkTextOrEmpty(field, value.text, LIMITS.attributeTextBytes);
  else if ("integer" in value) checkInteger(field, value.integer);
  else if ("number" in value && !Number.isFinite(value.number)) mustBe(field, "a finite number");
  else if ("flag" in value && typeof value.flag !== "boolean") mustBe(field, "true or false");
}

function checkInteger(field: string, value: number | bigint): void {
  const isWhole = typeof value === "bigint" ? BigInt.asIntN(64, value) === value : Number.isSafeInteger(value);
  if (!isWhole) mustBe(field, "a whole number of 64 bits, beyond 2^53 as a bigint");
}

/** Checks a fact that clients record. */
function checkFact(fact: RecordedFact): void {
  const at = (field: string) => `event.${fact.kind}.${field}`;
  switch (fact.kind) {
    case "met":
      return checkPeople(at("people"), fact.people, 2, LIMITS.people);
    case "followed_up":
      checkPerson(at("by"), fact.by);
      checkOthers(at("with"), fact.with, fact.by);
      return checkIdOrNone(at("about"), fact.about);
    case "asked":
      checkPerson(at("by"), fact.by);
      checkOthers(at("of"), fact.of, fact.by);
      return checkCategory(at("category"), fact.category);
    case "helped":
      checkPerson(at("helper"), fact.helper);
      checkPerson(at("helped"), fact.helped);
      if (fact.category) checkCategory(at("category"), fact.category);
      checkIdOrNone(at("about"), fact.about);
      return checkUnique("event.helped", [fact.helper, fact.helped]);
    case "referred":
      for (const field of ["referrer", "person", "to"] as const) checkPerson(at(field), fact[field]);
      return checkUnique("event.referred", [fact.referrer, fact.person, fact.to]);
    case "answered":
      checkId(at("referral"), fact.referral);
      checkPerson(at("by"), fact.by);
      return checkOneOf(at("answer"), fact.answer, ["accepted", "declined", "met"], "accepted, declined or met");
    case "custom":
      checkText(at("type"), fact.type, LIMITS.customTypeBytes);
      if (!/^[a-z0-9._-]+\/[a-z0-9._-]+$/.test(fact.type)) mustBe(at("type"), "such as org.example/visit.v1");
      return checkPeople(at("people"), fact.people, 0, LIMITS.people);
    case "retracted":
      checkId(at("event"), fact.event);
      return checkOneOf(at("reason"), fact.reason, ["mistake", "duplicate", "consent", "other"], "mistake, duplicate, consent or other");
    case "organisation_added":
      checkOrganisation(at("organisation"), fact.organisation);
      return checkText(at("name"), fact.name, LIMITS.organisationNameBytes);
    case "person_added":
    case "person_changed":
      checkPerson(at("person"), fact.person);
      if (fact.organisation) checkOrganisation(at("organisation"), fact.organisation);
      return checkTextOrEmpty(at("role"), fact.role ?? "", LIMITS.roleBytes);
    case "people_merged":
      checkPerson(at("kept"), fact.kept);
      checkPerson(at("merged"), fact.merged);
      return checkUnique("event.people_merged", [fact.kept, fact.merged]);
    default:
      fact satisfies never;
      mustBe("event.fact", "a fact that clients record");
  }
}

/** Checks the details of an event, and the names that it gives. */
function checkDetails(event: Event, details: readonly Detail[]): void {
  checkCount("details", details.length, 0, LIMITS.details);
  for (const detail of details) checkDetail(detail);
  const matches = details.length === event.commitments.length && details.every((detail, at) => equal(commitmentTo(detail), event.commitments[at]!));
  if (!matches) refuse("DETAILS_MISMATCH", "details", "does not match its commitment");
  for (const detail of details) checkPlace(event, detail);
  if (event.fact.kind === "organisation_added") checkName("event.organisation_added.name", event.fact.name, LIMITS.organisationNameBytes);
  for (const detail of details) if (detail.kind === "name") checkName("details.text", detail.text, LIMITS.detailTextBytes);
}

function checkDetail(detail: Detail): void {
  checkOneOf("details.kind", detail.kind, ["name", "contact", "note", "place", "words"], "a kind of detail");
  checkText("details.text", detail.text, LIMITS.detailTextBytes);
  checkPeople("details.subjects", detail.subjects, 1, LIMITS.people);
  const isSorted = detail.subjects.every((subject, at) => at === 0 || detail.subjects[at - 1]! < subject);
  if (!isSorted) broken("details.subjects", "is not sorted");
  if (detail.salt.length !== 32) mustBe("details.salt", "32 random bytes");
}

/** Names and contact details belong to the directory, which everybody reads. */
function checkPlace({ fact }: Event, detail: Detail): void {
  if (detail.kind !== "name" && detail.kind !== "contact") return;
  if (fact.kind !== "person_added" && fact.kind !== "person_changed") {
    return mustBe("details.kind", "a note, a place or words: names and contact details belong to the events that add or change a person");
  }
  const isAboutThem = detail.subjects.length === 1 && detail.subjects[0] === fact.person;
  if (!isAboutThem) mustBe("details.subjects", "the person who is added or changed, alone, where it is a name or contact details");
}

/** Checks that a name is one line that is displayed as written, with at least one visible letter or digit. */
function checkName(field: string, name: string, max: number): void {
  checkText(field, name, max);
  if (/[\p{Cc}\u2028\u2029]/u.test(name)) mustBe(field, "a name on one line, without tabs");
  if (/[\u202a-\u202e\u2066-\u2069]/u.test(name)) mustBe(field, "a name without characters that turn the direction of text");
  const letters = name.replace(/[\u115f\u1160\u3164\uffa0]/gu, "");
  if (!/[\p{Alphabetic}\p{N}]/u.test(letters)) mustBe(field, "a name with a letter or digit that can be seen");
}

function checkPeople(field: string, ids: readonly string[], min: number, max: number): void {
  checkCount(field, ids.length, min, max);
  for (const id of ids) checkPerson(field, id);
  checkUnique(field, ids);
}

function checkOthers(field: string, ids: readonly string[], by: string): void {
  checkPeople(field, ids, 1, LIMITS.others);
  if (ids.includes(by)) broken(field, `names ${by} twice`);
}

function checkPerson(field: string, id: string): void {
  checkShort(field, id, LIMITS.personIdBytes, /^[A-Za-z0-9_.@-]+$/, "made of letters, digits and _ . @ -");
}

function checkOrganisation(field: string, id: string): void {
  checkShort(field, id, LIMITS.organisationIdBytes, /^[A-Za-z0-9_.-]+$/, "made of letters, digits and _ . -");
}

function checkCategory(field: string, category: string): void {
  checkShort(field, category, LIMITS.categoryBytes, /^[a-z0-9_-]+$/, "made of a-z, 0-9, _ and -");
}

function checkShort(field: string, text: string, max: number, allowed: RegExp, rule: string): void {
  if (!text) broken(field, "is missing");
  checkBytes(field, text, max);
  if (!allowed.test(text)) mustBe(field, rule);
}

function checkId(field: string, id: string): void {
  if (!id) broken(field, "is missing");
  if (!uuidBytes(id)) mustBe(field, "an RFC 9562 UUID of 16 bytes");
}

function checkIdOrNone(field: string, id: string | undefined): void {
  if (id) checkId(field, id);
}

function checkOneOf(field: string, value: string, all: readonly string[], rule: string): void {
  if (!value) broken(field, "is missing");
  if (!all.includes(value)) mustBe(field, rule);
}

function checkText(field: string, text: string, max: number): void {
  if (text === "") broken(field, "is missing");
  checkTextOrEmpty(field, text, max);
}

function checkTextOrEmpty(field: string, text: string, max: number): void {
  checkBytes(field, text, max);
  if (/[^\P{Cc}\n\t]/u.test(text)) mustBe(field, "text without control characters");
}

/** Half of a pair of surrogates would be written as another character, and hashed as such. */
function checkBytes(field: string, text: string, max: number): void {
  if (typeof text !== "string") return mustBe(field, "text");
  if (/\p{Cs}/u.test(text)) mustBe(field, "text without halves of characters");
  const bytes = new TextEncoder().encode(text).length;
  if (bytes > max) tooLong(field, max, bytes);
}

function checkCount(field: string, found: number, min: number, max: number): void {
  if (found < min) broken(field, `has ${found} items; at least ${min} are needed`);
  if (found > max) refuse("LIMIT_EXCEEDED", field, `has ${found} items; at most ${max} are allowed`);
}

function checkUnique(field: string, items: readonly string[]): void {
  const twice = items.find((item, at) => items.indexOf(item) !== at);
  if (twice !== undefined) broken(field, `names ${twice} twice`);
}

function tooLong(field: string, max: number, found: number): never {
  refuse("LIMIT_EXCEEDED", field, `has ${found} bytes; at most ${max} are allowed`);
}

function mustBe(field: string, rule: string): never {
  broken(field, `must be ${rule}`);
}

function broken(field: string, problem: string): never {
  refuse("EVENT_INVALID", field, problem);
}

function refuse(reason: string, field: string, problem: string): never {
  throw new KithError("refused", `${field}: ${problem}`, { reason, violations: [{ field, description: problem }] });
}
