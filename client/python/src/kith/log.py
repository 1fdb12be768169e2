"""What a log answers: its head, pages of entries, outcomes of appends, and what is followed."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kith.entry import Entries
from kith.errors import Error
from kith.filters import Filter
from kith.verify.partial_tree import Subtree


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a log."""

    position: int
    """The last position; 0 in an empty log."""
    root: bytes
    """Root of the hash tree over all entries, 32 bytes."""
    incarnation: bytes
    """The log's incarnation, 16 bytes."""
    recorded_at: datetime | None
    """When the last entry was recorded; `None` in an empty log."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the log."""

    entries: Entries
    next: int
    """`after` of the next read."""
    end: bool
    """Whether there is nothing more in this direction."""
    head: int
    """The head at the time of reading."""
    left_out: tuple[Subtree, ...] = ()
    """If asked for: hashes in place of the entries between `after` and `next` that are left out."""


@dataclass(frozen=True, slots=True)
class ExpectedHead:
    """A condition of an append: the head is this position."""

    position: int


@dataclass(frozen=True, slots=True)
class NoneMatch:
    """A condition of an append: no visible entry after a position matches a filter."""

    after: int
    filter: Filter


Condition = ExpectedHead | NoneMatch
"""What must hold for an append to be accepted. It is not checked when every event is already recorded."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of an event that was not refused."""

    id: UUID
    position: int
    duplicate: bool
    """Whether the same event had been recorded there before: then the words sent with it now were dropped."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an event of a bulk append was refused. No part of it is in the log."""

    reason: str
    """A reason of errors.proto."""
    field: str
    """The field at fault, such as `event.met.people`; may be empty."""
    message: str


@dataclass(frozen=True, slots=True)
class EventResult:
    """The result of one event of a bulk append."""

    number: int
    """The event's number along the stream, from 1."""
    id: UUID
    outcome: Outcome | None
    """Where it is in the log; `None` if it was refused."""
    refusal: Refusal | None
    """Why it was refused; `None` if it was not."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a log was read: a plain value, to keep with whatever was derived from the entries."""

    position: int = 0
    """The last position read or filtered out."""
    incarnation: bytes = b""
    """The log's incarnation, 16 bytes; empty before the first answer."""
    filter: bytes = b""
    """SHA-256 of the filter; empty before the first answer."""
    tree: bytes = b""
    """The hash tree up to the position, if entries are verified; else empty."""


@dataclass(frozen=True, slots=True)
class CheckpointUpdate:
    """A newer signed checkpoint of a log that is followed."""

    note: str
    """The signed note; its size is at most the cursor's position."""
    hashes: tuple[bytes, ...]
    """Proof that the tree of the cursor's position continues it."""


@dataclass(frozen=True, slots=True)
class Update:
    """A part of what is followed. Without entries it is a heartbeat or an interruption."""

    entries: Entries
    cursor: Cursor
    """How far it reaches: where to go on after a crash."""
    caught_up: bool = False
    """Whether that is the head."""
    interrupted: Error | None = None
    """Why the connection broke, if it did: following resumes by itself."""
    retry_in: float = 0.0
    """Seconds until the next attempt, if the connection broke."""
    checkpoint: CheckpointUpdate | None = None
    """A newer signed checkpoint, if they were asked for."""
    left_out: tuple[Subtree, ...] = ()
    """Hashes in place of the entries left out since the previous update, if they were asked for."""
