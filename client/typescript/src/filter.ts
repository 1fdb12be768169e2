// Filters: which entries a reader, a follower or a condition looks at.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { FilterSchema } from "./gen/kith/v1/log_pb.js";
import { timeMessage } from "./times.js";

/** Which entries. What is left out lets everything pass; all given parts must match. Directory and administration of scope
 * network always pass in streams and reads. */
export interface Filter {
  /** Kinds, such as `met` or `custom:org.example/visit.v1`. */
  readonly kinds?: readonly string[] | undefined;
  /** Entries with any of these people, or with all of them. */
  readonly people?: readonly string[] | undefined;
  readonly allPeople?: boolean | undefined;
  /** Entries recorded by any of these organisations. */
  readonly organisations?: readonly string[] | undefined;
  /** Entries that happened at this time or later, in milliseconds. */
  readonly occurredFrom?: number | undefined;
  /** Entries that happened before this time. */
  readonly occurredUntil?: number | undefined;
}

/** The message for calls that take a filter. */
export function filterMessage(filter: Filter): MessageInitShape<typeof FilterSchema> {
  return {
    kinds: [...(filter.kinds ?? [])],
    people: [...(filter.people ?? [])],
    allPeople: filter.allPeople ?? false,
    organisations: [...(filter.organisations ?? [])],
    ...(filter.occurredFrom !== undefined && { occurredFrom: timeMessage(filter.occurredFrom) }),
    ...(filter.occurredUntil !== undefined && { occurredUntil: timeMessage(filter.occurredUntil) }),
  };
}
