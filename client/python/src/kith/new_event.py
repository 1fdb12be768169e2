"""Events to record: made once, by whoever records.

A `NewEvent` holds its bytes and never changes, so that repeating an append after a failure repeats the very same event.
"""

import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypedDict, Unpack
from uuid import UUID

from kith.canonical import (
    commitment,
    delimited,
    encode_detail,
    encode_event,
    read_detail,
    read_event,
)
from kith.dates import parse_on, started
from kith.errors import AnswerInvalid, OptionsInvalid, Refused
from kith.event import AttributeValue, Detail, DetailKind, Event, Scope
from kith.facts import Fact, people_of
from kith.ids import new_event_id
from kith.refusals import broken, must_be
from kith.rules import DETAIL_SALT_BYTES, EVENT_SALT_BYTES, check_event
from kith.times import time_of
from kith.wire import decode, message

_NOT_CANONICAL = "is not in canonical form: unknown, repeated or unordered fields"


@dataclass(frozen=True, slots=True)
class Words:
    """Words to record with an event, about some of its people. Erasable, as all words are."""

    kind: DetailKind
    subjects: Sequence[str]
    """1 to 64 people."""
    text: str
    """Up to 4,096 bytes."""


class EventOptions(TypedDict, total=False):
    """What events of every kind may have.

    `on`: when it happened: a day, an aware datetime, or text as people write it (`"yesterday"`, `"2026-03-04"`, RFC
    3339; a day means its noon here, or now if that lies ahead). `at`: the same as an aware datetime. Now unless one of
    the two is given. `note`, `place`: words about `subjects`, who are the event's people unless given. `attributes`:
    up to 32 values for plugins, never personal; `1` is a whole number, `1.0` a number, `True` a flag. `scope`:
    `"network"` unless `"organisation"`. `id`: a UUID, a new one of version 7 unless given. `caused_by`: up to 16 ids of
    events that led to it.
    """

    on: str | date
    at: datetime
    note: str
    place: str
    subjects: Sequence[str]
    details: Sequence[Words]
    attributes: Mapping[str, AttributeValue]
    scope: Scope
    id: UUID | str
    caused_by: Iterable[UUID | str]


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event ready to be appended, with its details. It obeys every rule that needs no log."""

    event: Event
    data: bytes = field(repr=False)
    """Its canonical bytes."""
    details: tuple[Detail, ...]

    @property
    def id(self) -> UUID:
        """The event's id."""
        return self.event.id

    @property
    def size_bytes(self) -> int:
        """Bytes that count towards the limit of an append: the event and the text of its details."""
        return len(self.data) + sum(len(detail.text.encode()) for detail in self.details)

    @classmethod
    def of(cls, event: Event, details: Sequence[Detail]) -> "NewEvent":
        """Makes an event of its parts; what breaks a rule is `Refused`, with the field."""
        check_event(event, details)
        return cls(event, encode_event(event), tuple(details))

    def to_bytes(self) -> bytes:
        """Its bytes with those of its details, to keep until it is recorded."""
        return delimited(1, self.data) + b"".join(delimited(2, encode_detail(detail)) for detail in self.details)

    @classmethod
    def from_bytes(cls, data: bytes) -> "NewEvent":
        """Undoes `to_bytes`; anything else is `Refused`."""
        try:
            kept = decode(message("NewEvent"), data)
            read = cls.of(read_event(kept.event), [read_detail(detail) for detail in kept.details])
        except AnswerInvalid as error:
            raise _not_canonical() from error
        if read.to_bytes() != data:
            raise _not_canonical()
        return read


def _not_canonical() -> Refused:
    try:
        broken("event", _NOT_CANONICAL)
    except Refused as error:
        return error


def new_event(fact: Fact, words: Sequence[Words] = (), **options: Unpack[EventOptions]) -> NewEvent:
    """An event with this fact. The functions of `kith.builders` make one of each kind."""
    subjects = options.get("subjects", people_of(fact))
    said = [
        *words,
        *words_of("note", options.get("note"), subjects),
        *words_of("place", options.get("place"), subjects),
    ]
    details = [_detail(one) for one in (*said, *options.get("details", ()))]
    given = options.get("id")
    return NewEvent.of(
        Event(
            id=new_event_id() if given is None else event_id("event.id", given),
            occurred_at=_occurred_at(options),
            scope=options.get("scope", "network"),
            caused_by=tuple(event_id("event.caused_by", cause) for cause in options.get("caused_by", ())),
            attributes=dict(options.get("attributes", {})),
            salt=secrets.token_bytes(EVENT_SALT_BYTES),
            commitments=_commitments(details),
            fact=fact,
        ),
        details,
    )


def words_of(kind: DetailKind, text: str | None, subjects: Sequence[str]) -> list[Words]:
    """Words of a kind, if there are any."""
    if text is not None and not isinstance(text, str):
        must_be("details.text", "text")
    return [Words(kind, subjects, text)] if text and text.strip() else []


def event_id(field: str, value: UUID | str) -> UUID:
    """An event's id as it was given."""
    if isinstance(value, UUID):
        return value
    try:
        return UUID(value)
    except (ValueError, AttributeError):
        must_be(field, "an RFC 9562 UUID of 16 bytes")


def _detail(words: Words) -> Detail:
    return Detail(words.kind, tuple(sorted(set(words.subjects))), words.text, secrets.token_bytes(DETAIL_SALT_BYTES))


def _commitments(details: Sequence[Detail]) -> tuple[bytes, ...]:
    """The commitments to details. Those with half a character have none, and a rule refuses them."""
    try:
        return tuple(commitment(detail) for detail in details)
    except UnicodeEncodeError:
        return tuple(b"" for _ in details)


def _occurred_at(options: EventOptions) -> datetime:
    on, at = options.get("on"), options.get("at")
    if on is not None and at is not None:
        raise OptionsInvalid("on and at both say when it happened: give one of them")
    if at is not None and not isinstance(at, datetime):
        raise OptionsInvalid(f"at is a time, not {at!r}: give a day as on")
    when = at if on is None else on
    if when is None:
        return time_of(time.time_ns() // 1_000_000)
    return parse_on(when) if isinstance(when, str) else started(when)
