"""The encoder against the protobuf library: two authors of the same bytes."""

import copy

import pytest

from kith import Newer, NewEvent, Refused, met, new_event_id, new_person_id
from kith.calls.requests import new_event_message
from kith.canonical import commitment, content_hash, encode_detail, encode_event, read_detail, read_event
from kith.wire import message
from tests.fixtures import failure
from tests.random_events import Chance

_COUNT = 5_000


def test_random_events_are_what_the_library_writes() -> None:
    chance = Chance(7)
    kinds = set()
    for _ in range(_COUNT):
        event = chance.event()
        data = encode_event(event)
        found = message("Event").FromString(data)
        if isinstance(event.fact, Newer):
            # The library writes what it does not know last, and that is where a fact of a later version stands.
            assert found.SerializeToString() == data
        else:
            rebuilt = message("Event")()
            rebuilt.CopyFrom(found)
            assert rebuilt.SerializeToString(deterministic=True) == data
            assert not list_unknown(found)
        assert read_event(data) == event
        kinds.add(type(event.fact))
    assert len(kinds) == 26


def list_unknown(found: object) -> list[object]:
    from google.protobuf.unknown_fields import UnknownFieldSet

    fields: object = UnknownFieldSet(found)  # type: ignore[arg-type]
    return list(fields)  # type: ignore[call-overload,no-any-return]


def test_random_details_are_what_the_library_writes() -> None:
    chance = Chance(8)
    for _ in range(_COUNT):
        detail = chance.detail()
        found = message("Detail").FromString(encode_detail(detail))
        assert found.SerializeToString() == encode_detail(detail)
        assert read_detail(found) == detail


def test_content_is_what_is_left_without_salt_and_commitments() -> None:
    events = [met("amina", "ben", on="2026-03-04", id=new_event_id()) for _ in range(2)]
    again = met("amina", "ben", on="2026-03-04", id=events[0].id, note="words are no content")
    assert content_hash(events[0].event) == content_hash(again.event)
    assert content_hash(events[0].event) != content_hash(events[1].event)
    assert events[0].data != again.data


def test_a_kept_event_is_the_same_and_no_altered_byte_passes_unseen() -> None:
    event = met("amina", "ben", note="x", attributes={"minutes": 0})
    kept = event.to_bytes()
    assert NewEvent.from_bytes(kept) == event
    assert message("NewEvent").FromString(kept) == new_event_message(event)
    refused = 0
    for at in range(len(kept)):
        altered = bytearray(kept)
        altered[at] ^= 1
        try:
            read = NewEvent.from_bytes(bytes(altered))
        except Refused:
            refused += 1
        else:
            # What is read is another event, and whole.
            assert read.to_bytes() == bytes(altered)
    assert refused > len(kept) / 4
    for other in (b"", kept + b"\x00", kept[:-1], kept + b"\x1a\x00"):
        assert failure(lambda other=other: NewEvent.from_bytes(other)).reason == "EVENT_INVALID"  # type: ignore[misc]


def test_events_never_change() -> None:
    event = met("amina", "ben")
    with pytest.raises(AttributeError):
        event.data = b""  # type: ignore[misc]
    assert copy.deepcopy(event) == event


def test_no_two_events_or_people_are_alike() -> None:
    events = [met("amina", "ben", note="x") for _ in range(1_000)]
    assert len({event.id for event in events}) == 1_000
    assert {event.id.version for event in events} == {7}
    assert len({event.event.salt for event in events}) == len({event.details[0].salt for event in events}) == 1_000
    assert len({commitment(event.details[0]) for event in events}) == 1_000
    people = {new_person_id() for _ in range(1_000)}
    assert len(people) == 1_000
    assert all(len(person) == 12 and person.startswith("p-") for person in people)
