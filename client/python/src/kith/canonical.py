"""Canonical bytes of events and details, by the rules of server/core/src/wire, and back.

Written by hand, because no protobuf library promises canonical output, and these bytes are hashed. The library reads.
"""

import hashlib
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, get_args
from uuid import UUID

from google.protobuf.unknown_fields import UnknownFieldSet

from kith import facts
from kith.errors import AnswerInvalid
from kith.event import DETAILS_MAX, AttributeValue, Detail, DetailKind, Event, Scope
from kith.facts import Fact, Newer
from kith.refusals import OCCURRED_AT, TIME_RULE, must_be
from kith.times import TimeOutOfRange, millis_of, time_of
from kith.wire import decode, message, read_time

SCOPES: tuple[Scope, ...] = get_args(Scope)
"""The names of each enum in the order of their numbers, from 1."""
ANSWERS: tuple[str, ...] = get_args(facts.Answer)
RETRACTION_REASONS: tuple[str, ...] = get_args(facts.RetractionReason)
ROLES: tuple[str, ...] = get_args(facts.Role)
DETAIL_KINDS: tuple[str, ...] = get_args(DetailKind)

_COMMITMENT_DOMAIN = b"kith/detail/1"
_FACT_FIRST = 8
_DELIMITED = 2
_WITHOUT_FIELDS = "SignInOptionsRequest"
"""A message to which every field is unknown, and so kept as it stands."""
_NO_EVENT = UUID(int=0)
"""What stands where a fact of an answer names no event though it must."""


@dataclass(frozen=True, slots=True)
class Part:
    """A field of a fact: its number, its name here and in the protocol, and how its bytes are made and read."""

    number: int
    name: str
    write: Callable[[int, Any], bytes]
    read: Callable[[Any, str], Any]
    wire_name: str


class _UnknownValue(Exception):
    """A value that this version does not write, such as one of an enum that a later version has."""


def varint(value: int) -> bytes:
    """A number in as few bytes as possible; negative ones are 64 bits in two's complement."""
    if 0 <= value < 0x80:
        return bytes((value,))
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def delimited(number: int, data: bytes) -> bytes:
    """A field of bytes, even when it is empty."""
    return varint(number << 3 | _DELIMITED) + varint(len(data)) + data


def _bytes(number: int, data: bytes) -> bytes:
    return delimited(number, data) if data else b""


def _text(number: int, text: str) -> bytes:
    return delimited(number, text.encode()) if text else b""


def _number(number: int, value: int) -> bytes:
    return varint(number << 3) + varint(value) if value else b""


def _texts(number: int, items: Sequence[str]) -> bytes:
    return b"".join([delimited(number, item.encode()) for item in items])


def _indexes(number: int, indexes: Sequence[int]) -> bytes:
    """Numbers that fit a byte each, packed."""
    return _bytes(number, bytes(indexes))


def _uuid(number: int, value: UUID | None) -> bytes:
    return b"" if value is None else delimited(number, value.bytes)


def _time(number: int, value: Any) -> bytes:
    if value is None:
        return b""
    seconds, millis = divmod(millis_of(value), 1000)
    return delimited(number, _number(1, seconds) + _number(2, millis * 1_000_000))


def _get(found: Any, name: str) -> Any:
    return getattr(found, name)


def _read_texts(found: Any, name: str) -> tuple[str, ...]:
    return tuple(getattr(found, name))


def _read_indexes(found: Any, name: str) -> tuple[int, ...]:
    """Indexes of details: at least one, ascending."""
    indexes = tuple(getattr(found, name))
    if not indexes or indexes[-1] >= DETAILS_MAX or any(one >= following for one, following in pairwise(indexes)):
        raise _UnknownValue
    return indexes


def _read_uuid(found: Any, name: str) -> UUID:
    return _read_uuid_or_none(found, name) or _NO_EVENT


def _read_uuid_or_none(found: Any, name: str) -> UUID | None:
    data = getattr(found, name)
    return uuid_of(data) if data else None


def _one_of(names: Sequence[str], *, or_none: bool = False) -> tuple[Callable[..., bytes], Callable[..., Any]]:
    """How a value of an enum is written and read; its numbers begin at 1."""
    numbers = {name: number for number, name in enumerate(names, 1)}

    def read(found: Any, name: str) -> str | None:
        number: int = getattr(found, name)
        if number == 0 and or_none:
            return None
        if not 1 <= number <= len(names):
            raise _UnknownValue
        return names[number - 1]

    return lambda number, value: _number(number, numbers.get(value, 0)), read


_HOLDS: dict[str, tuple[Callable[..., bytes], Callable[..., Any]]] = {
    "text": (_text, _get),
    "texts": (_texts, _read_texts),
    "indexes": (_indexes, _read_indexes),
    "event": (_uuid, _read_uuid),
    "event or none": (_uuid, _read_uuid_or_none),
    "bytes": (_bytes, _get),
    "flag": (_number, _get),
    "count": (_number, _get),
    "time": (_time, read_time),
    "answer": _one_of(ANSWERS),
    "reason": _one_of(RETRACTION_REASONS),
    "role": _one_of(ROLES),
    "role or none": _one_of(ROLES, or_none=True),
}


def _parts(*held: str) -> tuple[Part, ...]:
    """The fields of a fact in order of their numbers from 1, each as `name: what it holds`."""
    found = []
    for number, one in enumerate(held, 1):
        name, _, holds = one.partition(": ")
        write, read = _HOLDS[holds]
        found.append(Part(number, name, write, read, name.removesuffix("_")))
    return tuple(found)


_PERSON = ("person: text", "organisation: text", "role: text")
FACTS: dict[type[Fact], tuple[int, tuple[Part, ...]]] = {
    facts.Met: (8, _parts("people: texts")),
    facts.FollowedUp: (9, _parts("by: text", "with_: texts", "about: event or none")),
    facts.Asked: (10, _parts("by: text", "of: texts", "category: text")),
    facts.Helped: (11, _parts("helper: text", "helped: text", "category: text", "about: event or none")),
    facts.Referred: (12, _parts("referrer: text", "person: text", "to: text")),
    facts.Answered: (13, _parts("referral: event", "by: text", "answer: answer")),
    facts.Custom: (14, _parts("type: text", "people: texts")),
    facts.Retracted: (15, _parts("event: event", "reason: reason")),
    facts.OrganisationAdded: (16, _parts("organisation: text", "name: text")),
    facts.PersonAdded: (17, _parts(*_PERSON)),
    facts.PersonChanged: (18, _parts(*_PERSON)),
    facts.PeopleMerged: (19, _parts("kept: text", "merged: text")),
    facts.PluginInstalled: (24, _parts("name: text", "version: text", "component: bytes", "settings: text")),
    facts.PluginActivated: (25, _parts("name: text", "version: text", "component: bytes")),
    facts.PluginPaused: (26, _parts("name: text", "paused: flag")),
    facts.PluginRemoved: (27, _parts("name: text", "installed: event or none")),
    facts.MemberChanged: (
        28,
        _parts("principal: text", "role: role or none", "organisation: text", "identity: text"),
    ),
    facts.TokenIssued: (
        29,
        _parts(
            "token: text",
            "role: role or none",
            "person: text",
            "organisation: text",
            "expires_at: time",
            "secret_digest: bytes",
            "invitation: flag",
        ),
    ),
    facts.TokenRevoked: (30, _parts("token: text")),
    facts.PersonErased: (31, _parts("person: text", "reason: text", "reference: text")),
    facts.ErasureCompleted: (
        32,
        _parts("person: text", "erasure: event", "details_erased: count", "keys_destroyed: count"),
    ),
    facts.HoldChanged: (33, _parts("person: text", "held: flag", "reason: text", "reference: text")),
    facts.LogRestored: (34, _parts("incarnation: bytes", "lost_head: count", "lost_root: bytes", "unverified: flag")),
    facts.PolicyChanged: (38, _parts("random_ids: flag", "token_attributes: flag", "replica_days: count")),
    facts.DetailsErased: (37, _parts("event: event", "details: indexes", "reason: text", "reference: text")),
}
_BY_NAME = {kind.KIND: kind for kind in FACTS}


def encode_event(event: Event) -> bytes:
    """The canonical bytes of an event, whose rules must have been checked."""
    commitments = b"".join([delimited(7, commitment) for commitment in event.commitments])
    return _head(event) + _bytes(6, event.salt) + commitments + _fact(event.fact)


def content_hash(event: Event) -> bytes:
    """Content identity: SHA-256 of the canonical bytes without salt and commitments."""
    return hashlib.sha256(_head(event) + _fact(event.fact)).digest()


def commitment(detail: Detail) -> bytes:
    """The commitment to a detail, as its event holds it: 32 bytes."""
    return hashlib.sha256(_COMMITMENT_DOMAIN + detail.salt + _unsalted(detail)).digest()


def encode_detail(detail: Detail) -> bytes:
    """The canonical bytes of a detail."""
    return _unsalted(detail) + _bytes(4, detail.salt)


def detail_kind_number(kind: str) -> int:
    """The number of a kind of detail; 0 for what is none."""
    if kind in DETAIL_KINDS:
        return DETAIL_KINDS.index(kind) + 1
    number = kind.removeprefix("newer:")
    return int(number) if number.isascii() and number.isdigit() else 0


def _unsalted(detail: Detail) -> bytes:
    return _number(1, detail_kind_number(detail.kind)) + _texts(2, detail.subjects) + _text(3, detail.text)


def _head(event: Event) -> bytes:
    attributes = sorted(event.attributes.items())  # keys are of ASCII, so this is the order of their bytes
    return b"".join(
        [
            delimited(1, event.id.bytes),
            _time(2, event.occurred_at),
            _number(3, SCOPES.index(event.scope) + 1),
            *[delimited(4, cause.bytes) for cause in event.caused_by],
            *[delimited(5, _attribute(key, value)) for key, value in attributes],
        ]
    )


def _attribute(key: str, value: AttributeValue) -> bytes:
    """Members of a oneof are written even when they hold a default."""
    head = _text(1, key)
    if isinstance(value, str):
        return head + delimited(2, value.encode())
    if isinstance(value, bool):
        return head + varint(5 << 3) + varint(int(value))
    if isinstance(value, int):
        return head + varint(3 << 3) + varint(value)
    return head + varint(4 << 3 | 1) + struct.pack("<d", value)


def _fact(fact: Fact) -> bytes:
    if isinstance(fact, Newer):
        return delimited(fact.number, fact.data)
    number, parts = FACTS[type(fact)]
    return delimited(number, b"".join([part.write(part.number, getattr(fact, part.name)) for part in parts]))


def read_event(data: bytes) -> Event:
    """Reads an event that a log holds, perhaps one of a later version.

    Unknown fields are passed over, and an unknown fact is a `Newer` one. Raises `AnswerInvalid`; a time that no
    calendar has is refused.
    """
    found = decode(message("Event"), data)
    fact = _read_fact(found, data)
    if not found.HasField("occurred_at") or not 1 <= found.scope <= len(SCOPES) or fact is None:
        raise AnswerInvalid("the server's answer is malformed: event")
    time = found.occurred_at
    try:
        occurred_at = time_of(time.seconds * 1000 + time.nanos // 1_000_000)
    except TimeOutOfRange:
        must_be(OCCURRED_AT, TIME_RULE)
    return Event(
        id=uuid_of(found.id),
        occurred_at=occurred_at,
        scope=SCOPES[found.scope - 1],
        caused_by=tuple([uuid_of(cause) for cause in found.caused_by]),
        attributes={
            one.key: getattr(one, held) for one in found.attributes if (held := one.WhichOneof("value")) is not None
        },
        salt=found.salt,
        commitments=tuple(found.details),
        fact=fact,
    )


def _read_fact(found: Any, data: bytes) -> Fact | None:
    """A fact with a number or a value that this version does not know is kept as it is."""
    name = found.WhichOneof("fact")
    if name is None:
        unknown = [one for one in _delimited_fields(found) if one.field_number >= _FACT_FIRST]
        return Newer(unknown[-1].field_number, unknown[-1].data) if unknown else None
    kind, held = _BY_NAME[name], getattr(found, name)
    number, parts = FACTS[kind]
    try:
        fact = kind(*[part.read(held, part.wire_name) for part in parts])
    except _UnknownValue:
        return Newer(number, _as_it_stands(data, number))
    if isinstance(fact, facts.DetailsErased):
        # The library cuts numbers to 32 bits and reads them unpacked, too: these are other lists.
        stands = _as_it_stands(data, number)
        if bytes(fact.details) != _as_it_stands(stands, 2):
            return Newer(number, stands)
    return fact


def _as_it_stands(data: bytes, number: int) -> bytes:
    """The bytes of a field of a message, the last one with this number."""
    fields = _delimited_fields(message(_WITHOUT_FIELDS).FromString(data))
    return b"".join([one.data for one in fields if one.field_number == number][-1:])


def _delimited_fields(found: Any) -> list[Any]:
    """The fields of bytes that a message does not know."""
    fields: Any = UnknownFieldSet(found)
    return [one for one in fields if one.wire_type == _DELIMITED]


def uuid_of(data: bytes) -> UUID:
    """The id of an event in an answer; raises `AnswerInvalid`."""
    if len(data) != len(_NO_EVENT.bytes):
        raise AnswerInvalid("the server's answer is malformed: an id of an event has 16 bytes")
    return UUID(bytes=data)


def read_detail(found: Any) -> Detail:
    """A detail as it came in a message, perhaps of a kind of a later version."""
    number = found.kind
    kind = DETAIL_KINDS[number - 1] if 1 <= number <= len(DETAIL_KINDS) else f"newer:{number}"
    return Detail(kind, tuple(found.subjects), found.text, found.salt)
