"""Events: immutable facts as clients recorded them, and the words beside them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from kith.facts import Fact, PersonAdded, PersonChanged

Scope = Literal["network", "organisation"]
"""Who may see an event: every member of the network, or only members of the recorder's organisation."""
DetailKind = Literal["name", "contact", "note", "place", "words"]
AttributeValue = str | int | float | bool
"""A value that plugins see. `1` is a whole number, `1.0` a number, `True` a flag."""

DETAILS_MAX = 8
"""Details of an event."""


@dataclass(frozen=True, slots=True)
class Detail:
    """Personal words of an event: erasable, because the log holds only commitments to them."""

    kind: str
    """A `DetailKind`, or `newer:N` for a kind of a later version."""
    subjects: tuple[str, ...]
    """The people whom it is about, sorted."""
    text: str
    salt: bytes = field(repr=False)
    """32 random bytes that keep the commitment from being guessed."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event: people and organisations by their ids, other events by theirs."""

    id: UUID
    occurred_at: datetime
    """When it happened, in UTC and whole milliseconds: the client's claim."""
    scope: Scope
    caused_by: tuple[UUID, ...]
    """Events that led to this one."""
    attributes: Mapping[str, AttributeValue]
    """Values for plugins; never personal."""
    salt: bytes = field(repr=False)
    """16 random bytes that keep the entry's hash from being guessed."""
    commitments: tuple[bytes, ...] = field(repr=False)
    """One commitment of 32 bytes for each detail."""
    fact: Fact


def person_named(fact: Fact, detail: Detail) -> str | None:
    """The person whom a detail names publicly: only facts that add or change a person do, and only that person."""
    if detail.kind != "name" or not isinstance(fact, PersonAdded | PersonChanged):
        return None
    return fact.person if detail.subjects == (fact.person,) else None
