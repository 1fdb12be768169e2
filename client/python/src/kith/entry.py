"""Entries: events as the log holds them, and the words beside them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from kith.canonical import commitment, read_detail, read_event
from kith.errors import AnswerInvalid, Refused
from kith.event import Detail, Event
from kith.facts import Fact, kind_of, people_of
from kith.frames import columns_of_entries, frame_of
from kith.html import table
from kith.listing import Listing
from kith.sentences import sentence
from kith.wire import decode, message, read_time

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True, slots=True)
class ErasedDetail:
    """A detail that is no more; its commitment stays in the event."""

    index: int
    """Its index among the event's commitments."""
    position: int
    """Position of the entry that erased it; 0 if the log was restored from before that entry."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event as the log holds it."""

    position: int
    """Its place in the log: 1, 2, 3 ... without gaps."""
    recorded_at: datetime
    """When the server accepted it."""
    recorded_by: str
    """Who recorded it: `person:ID` or `token:ID`."""
    organisation: str
    """The recorder's organisation at acceptance; empty if none."""
    event: Event
    details: tuple[Detail, ...]
    """The words of the event that the caller may see, in the order of its commitments; erased ones are missing."""
    data: bytes = field(repr=False)
    """Its bytes, exactly as stored and hashed."""
    erased: tuple[ErasedDetail, ...] = ()
    """Those that were erased, in the same order."""

    @property
    def id(self) -> UUID:
        """The event's id."""
        return self.event.id

    @property
    def fact(self) -> Fact:
        """What happened."""
        return self.event.fact

    @property
    def kind(self) -> str:
        """The kind of its fact, as filters name it: `met`, `custom:org.example/visit.v1`, `newer:60`."""
        return kind_of(self.event.fact)

    @property
    def people(self) -> tuple[str, ...]:
        """The people in its fact."""
        return people_of(self.event.fact)

    @property
    def words(self) -> Mapping[str, str]:
        """The text of its details by kind; several of a kind are joined by newlines."""
        found: dict[str, str] = {}
        for detail in self.details:
            found[detail.kind] = f"{found[detail.kind]}\n{detail.text}" if detail.kind in found else detail.text
        return found

    def is_committed(self, detail: Detail) -> bool:
        """Whether words are among those that were recorded with the event."""
        return commitment(detail) in self.event.commitments


_Words = tuple[tuple[Detail, ...], tuple[ErasedDetail, ...]]
"""The details of an entry, and those that were erased."""


class Entries(Listing[Entry]):
    """Entries in the order in which they were read."""

    def frame(self) -> "DataFrame":
        """A pandas DataFrame, one row for each entry; missing is `<NA>`.

        Columns: position, recorded_at and occurred_at (UTC), kind, people (joined by commas), recorded_by,
        organisation, scope, id, caused_by, then each kind of words and `attribute_NAME` for each attribute.
        """
        return frame_of(columns_of_entries(self))

    def _repr_html_(self) -> str:
        rows = [(one.position, one.event.occurred_at, one.kind, sentence(one.fact)) for one in self]
        return table(("position", "happened", "kind", "what"), rows)


def read_entries(entries: Iterable[bytes], details: Iterable[Any]) -> Entries:
    """Reads the entries of an answer, each with its words."""
    words = {one.position: _read_words(one) for one in details}
    return Entries([_read(data, words) for data in entries])


def read_entry(data: bytes, details: Sequence[Detail] = ()) -> Entry:
    """Reads an entry, perhaps of a later version; raises `AnswerInvalid`."""
    return _read(data, {read_position(data): (tuple(details), ())} if details else {})


def _read_words(found: Any) -> _Words:
    details = tuple(read_detail(detail) for detail in found.details)
    return details, tuple(ErasedDetail(one.index, one.position) for one in found.erased)


def _read(data: bytes, words: Mapping[int, _Words]) -> Entry:
    """Reads an entry; `words` are those of entries by position."""
    found = _decode(data)
    recorded_at = read_time(found, "recorded_at")
    if recorded_at is None:
        raise AnswerInvalid("the server's answer is malformed: entry")
    try:
        event = read_event(found.event)
    except Refused as error:
        raise AnswerInvalid(f"the server's answer is malformed: {error}") from error
    position = found.position
    details, erased = words.get(position, ((), ()))
    return Entry(position, recorded_at, found.recorded_by, found.organisation, event, details, data, erased)


def read_position(data: bytes) -> int:
    """The position that an entry's bytes give it; raises `AnswerInvalid`."""
    position: int = _decode(data).position
    return position


def _decode(data: bytes) -> Any:
    found = decode(message("Entry"), data)
    if not found.position:
        raise AnswerInvalid("the server's answer is malformed: entry")
    return found
