"""Networks, tokens, who calls; and who is in a network's directory."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from kith.frames import Column, frame_of
from kith.html import table
from kith.listing import Listing

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True, slots=True)
class Person:
    """A person in the directory."""

    id: str
    """Their pseudonym."""
    handle: int
    """Ordinal of their `person_added` entry, from 1: what plugins see."""
    organisation: str
    """The organisation they belong to now; may be empty."""
    role: str
    """Their role now; may be empty."""
    name: str
    """Their name, if one is recorded and not erased; else empty."""
    position: int
    """Position of their `person_added` entry."""
    merged_into: str
    """The person this id was merged into; empty if none."""
    erased: bool
    """Whether the person's words are erased: then nothing can be recorded with the person any more."""


class People(Listing[Person]):
    """People, in the order in which they were added."""

    def frame(self) -> "DataFrame":
        """A pandas DataFrame, one row for each person; what is empty is `<NA>`."""
        texts = ("organisation", "role", "name", "merged_into")
        columns: list[Column] = [
            ("id", "text", [one.id for one in self]),
            ("handle", "integer", [one.handle for one in self]),
            ("position", "integer", [one.position for one in self]),
            *[(name, "text", [getattr(one, name) or None for one in self]) for name in texts],
            ("erased", "flag", [one.erased for one in self]),
        ]
        return frame_of(columns)

    def _repr_html_(self) -> str:
        return table(("id", "name", "organisation", "role"), [(p.id, p.name, p.organisation, p.role) for p in self])


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation in the directory."""

    id: str
    name: str
    position: int
    """Position of its `organisation_added` entry."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network of a server."""

    name: str
    head: int
    """The last position of its log."""
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class Token:
    """A token, without its secret."""

    id: str
    role: str
    """A `Role`, or `newer:N` for one of a later version."""
    person: str
    """The person it speaks for; may be empty."""
    organisation: str
    """The organisation it belongs to; may be empty."""
    issued_at: datetime | None
    expires_at: datetime | None
    """`None` if never."""
    revoked_at: datetime | None
    """`None` if it was not."""
    server: bool
    """Whether it is a token of the server, for every network."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token that was just issued."""

    token: Token
    secret: str = field(repr=False)
    """The server keeps only a hash, so it is never shown again."""
    position: int
    """Position of the `token_issued` entry."""


@dataclass(frozen=True, slots=True)
class WhoAmI:
    """Who the caller is."""

    principal: str
    """How entries name the caller, such as `person:amina`."""
    role: str
    """A `Role`, or `newer:N` for one of a later version."""
    person: str
    """The person it speaks for; may be empty."""
    organisation: str
    """The organisation it belongs to; may be empty."""
    networks: tuple[str, ...] | None
    """The networks it may enter; `None` if every one of the server."""
    expires_at: datetime | None
    """When its credential expires; `None` if never."""
    scope_digest: bytes
    """32 bytes, equal for all callers who may see the same entries."""
    server_version: str
    server_time: datetime | None
