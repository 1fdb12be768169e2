// What happened, in a sentence: the words of `kith log`. tests/fixtures/sentences.json lists them.
import type { Fact } from "./event.js";

/** A piece of a sentence: words, or an id that a page may show as a name or link. */
export type Part = string | { readonly person: string } | { readonly organisation: string } | { readonly event: string };

/** What a fact says, in pieces. Its kind is not repeated. */
export function sentence(fact: Fact): Part[] {
  switch (fact.kind) {
    case "met":
      return [...list(fact.people), " met"];
    case "followed_up":
      return [{ person: fact.by }, " followed up with ", ...list(fact.with), ...(fact.about ? [" on ", { event: fact.about }] : [])];
    case "asked":
      return [{ person: fact.by }, " asked ", ...list(fact.of), ` for help with ${fact.category}`];
    case "helped":
      return [
        { person: fact.helper },
        " helped ",
        { person: fact.helped },
        ...(fact.category ? [` with ${fact.category}`] : []),
        ...(fact.about ? [", after ", { event: fact.about }] : []),
      ];
    case "referred":
      return [{ person: fact.referrer }, " introduced ", { person: fact.person }, " to ", { person: fact.to }];
    case "answered":
      return [{ person: fact.by }, ` ${fact.answer === "met" ? "met after" : fact.answer} `, { event: fact.referral }];
    case "custom":
      return list(fact.people);
    case "retracted":
      return [{ event: fact.event }, ` because of ${fact.reason}`];
    case "organisation_added":
      return [`${fact.name} (`, { organisation: fact.organisation }, ")"];
    case "person_added":
    case "person_changed":
      return [{ person: fact.person }, ...(fact.role ? [`, ${fact.role}`] : []), ...(fact.organisation ? [", ", { organisation: fact.organisation }] : [])];
    case "people_merged":
      return [{ person: fact.merged }, " is ", { person: fact.kept }];
    case "plugin_installed":
    case "plugin_activated":
      return [`${fact.name} ${fact.version}`];
    case "plugin_paused":
      return [`${fact.name} ${fact.paused ? "paused" : "resumed"}`];
    case "plugin_removed":
      return fact.installed ? ["installed by event ", { event: fact.installed }] : [fact.name ?? ""];
    case "member_changed":
      return [`${fact.principal} ${fact.role ?? "left"}`];
    case "token_issued":
      if (fact.invitation) return [`${fact.token} invites `, ...persons(fact.person), ` as ${fact.role}`];
      return fact.role ? [`${fact.token} for ${fact.role}`] : [`${fact.token} for `, ...persons(fact.person), ", a member"];
    case "policy_changed":
      return [demands(fact)];
    case "token_revoked":
      return [fact.token];
    case "person_erased":
      return [{ person: fact.person }, `, ${grounds(fact.reason, fact.reference)}`];
    case "erasure_completed":
      return [{ person: fact.person }, `, ${details(fact.detailsErased)}`];
    case "hold_changed":
      return [{ person: fact.person }, ` ${fact.held ? "held" : "released"}, ${grounds(fact.reason, fact.reference)}`];
    case "details_erased":
      return [`${details(fact.details.length)} of event `, { event: fact.event }, `, ${grounds(fact.reason, fact.reference)}`];
    case "log_restored":
      return fact.unverified
        ? [`from a backup that nobody vouches for, with ${fact.lostHead} entries; earlier tokens are revoked`]
        : [`${fact.lostHead} entries were known before`];
    case "newer":
      return ["recorded by a later version of Kith, which this one cannot read"];
  }
}

/** A sentence as text. `nameOf` gives people's names; without one, ids stand. */
export function sentenceText(parts: readonly Part[], nameOf: (person: string) => string = (person) => person): string {
  return parts.map((part) => textOf(part, nameOf)).join("");
}

function textOf(part: Part, nameOf: (person: string) => string): string {
  if (typeof part === "string") return part;
  if ("person" in part) return nameOf(part.person);
  return "event" in part ? part.event : part.organisation;
}

const persons = (person: string | undefined): Part[] => (person === undefined ? [] : [{ person }]);

/** What a network demands of new events. */
function demands({ randomIds, tokenAttributes, replicaDays }: Extract<Fact, { kind: "policy_changed" }>): string {
  const days = Number(replicaDays);
  const demanded = [...(randomIds ? ["random ids"] : []), ...(tokenAttributes ? ["tokens as attributes"] : []), ...(days > 0 ? [`replicas sync within ${days} ${days === 1 ? "day" : "days"}`] : [])];
  return demanded.length > 0 ? demanded.join(", ") : "no demands";
}

/** `Amina, Ben and Carol`. */
function list(people: readonly string[]): Part[] {
  return people.flatMap((person, at) => (at === 0 ? [{ person }] : [at === people.length - 1 ? " and " : ", ", { person }]));
}

const grounds = (reason: string, reference: string | undefined): string => (reference ? `${reason}, case ${reference}` : reason);

const details = (count: number | bigint): string => `${count} ${Number(count) === 1 ? "detail" : "details"}`;
