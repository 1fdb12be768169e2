"""Filters: which entries a reader, a follower or a condition looks at."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries. What is left out lets everything pass; all given parts must match.

    Directory and administration of scope network always pass in streams and reads, unless a read asks for
    `matching_only`.
    """

    kinds: tuple[str, ...] = ()
    """Kinds, such as `met` or `custom:org.example/visit.v1`; up to 32.

    An event that names another, as a retraction does, also counts as one of that event's kind and people.
    """
    people: tuple[str, ...] = ()
    """Entries with any of these people, up to 64."""
    all_people: bool = False
    """Only entries in which all of `people` take part."""
    organisations: tuple[str, ...] = ()
    """Entries recorded by any of these organisations, up to 64."""
    since: datetime | date | str | None = None
    """Entries that happened at this time or later; a day begins with its first moment here."""
    until: datetime | date | str | None = None
    """Entries that happened before this time."""
