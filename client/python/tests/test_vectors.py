"""What the Rust side computes, computed here: tests/fixtures/vectors.json is written by server/json/tests/vectors."""

from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from kith import Detail, Event, Newer, NewEvent, kind_of, target_of
from kith.canonical import (
    commitment,
    content_hash,
    delimited,
    encode_detail,
    encode_event,
    read_detail,
    read_event,
)
from kith.dates import read_time
from kith.facts import DetailsErased
from kith.wire import message
from tests.fixtures import failure, fixture

VECTORS = fixture("vectors")


def in_json(value: Any) -> Any:
    """A value of a fact as `kith log -o json` writes it."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, UUID):
        return str(value)
    return [in_json(one) for one in value] if isinstance(value, tuple) else value


def fact_json(event: Event) -> dict[str, Any]:
    held = {field.name.removesuffix("_"): in_json(getattr(event.fact, field.name)) for field in fields(event.fact)}
    return {name: value for name, value in held.items() if value not in (None, "")}


def attributes_json(event: Event) -> list[dict[str, Any]]:
    names = {bool: "flag", int: "integer", float: "number", str: "text"}
    return [{"key": key, names[type(value)]: value} for key, value in event.attributes.items()]


def given_attributes(event: dict[str, Any]) -> list[dict[str, Any]]:
    """Whole numbers beyond 2^53 are text in JSON."""
    given: list[dict[str, Any]] = event.get("attributes", [])
    return [{**one, "integer": int(one["integer"])} if "integer" in one else one for one in given]


@pytest.mark.parametrize("vector", VECTORS["events"])
def test_events_are_read_and_written(vector: dict[str, Any]) -> None:
    data, given = bytes.fromhex(vector["bytes"]), vector["event"]
    event = read_event(data)
    assert encode_event(event) == data
    kind = list(given)[-1]
    assert kind_of(event.fact).split(":")[0] == kind
    expected = {name: value for name, value in given[kind].items() if value != ""}
    if "expires_at" in expected:
        expected["expires_at"] = read_time(expected["expires_at"])
    assert fact_json(event) == expected
    assert (str(event.id), event.scope) == (given["id"], given["scope"])
    assert event.occurred_at == read_time(given["occurred_at"])
    assert [str(cause) for cause in event.caused_by] == given.get("caused_by", [])
    assert attributes_json(event) == given_attributes(given)
    assert [one.hex() for one in (event.salt, content_hash(event))] == [vector["salt"], vector["content_hash"]]
    assert [one.hex() for one in event.commitments] == vector["commitments"]
    salts = [bytes.fromhex(salt) for salt in vector["detail_salts"]]
    details = [
        Detail(one["kind"], tuple(one["subjects"]), one["text"], salt)
        for one, salt in zip(vector["details"], salts, strict=True)
    ]
    assert [commitment(detail).hex() for detail in details] == vector["commitments"]
    assert [encode_detail(detail).hex() for detail in details] == vector["detail_bytes"]
    assert [read_detail(message("Detail").FromString(encode_detail(detail))) for detail in details] == details


def test_there_are_vectors() -> None:
    assert (len(VECTORS["events"]) > 100, len(VECTORS["refused"]) > 50) == (True, True)


@pytest.mark.parametrize("vector", VECTORS["refused"])
def test_what_breaks_a_rule_is_refused_as_the_server_refuses_it(vector: dict[str, Any]) -> None:
    details = b"".join(delimited(2, bytes.fromhex(detail)) for detail in vector["details"])
    error = failure(lambda: NewEvent.from_bytes(delimited(1, bytes.fromhex(vector["event"])) + details))
    assert (error.kind, error.reason, error.field) == ("refused", vector["reason"], vector["field"])
    assert str(error) == vector["message"]
    assert error.had_no_effect
    assert not error.is_retryable


def altered(event: Event, number: int, data: bytes) -> Event:
    """The event with another fact."""
    held = {field.name: getattr(event, field.name) for field in fields(event)}
    return read_event(encode_event(Event(**{**held, "fact": Newer(number, data)})))


def test_facts_fields_and_values_of_later_versions_are_kept_or_passed_over() -> None:
    known = bytes.fromhex(VECTORS["events"][0]["bytes"])
    before = read_event(known)
    later = altered(before, 60, b"\x08\x01")
    assert (kind_of(later.fact), later.fact) == ("newer:60", Newer(60, b"\x08\x01"))
    assert read_event(encode_event(later)) == later
    assert kind_of(altered(before, 90, b"").fact) == "newer:90"
    met = altered(before, 8, b"\x0a\x01a\x0a\x01b\x78\x05")
    assert met.fact == read_event(encode_event(altered(before, 8, b"\x0a\x01a\x0a\x01b"))).fact
    answered = b"\x0a\x10" + before.id.bytes + b"\x12\x01a\x18\x09"
    assert altered(before, 13, answered).fact == Newer(13, answered)
    for broken in (known[:-1], b""):
        assert failure(lambda broken=broken: read_event(broken)).kind == "answer_invalid"  # type: ignore[misc]


EVENT = bytes.fromhex("01960000000070008000000000000001")


@pytest.mark.parametrize("indexes", [b"\x00", b"\x07", b"\x00\x02", bytes(range(8))])
def test_indexes_of_details_ascend(indexes: bytes) -> None:
    before = read_event(bytes.fromhex(VECTORS["events"][0]["bytes"]))
    data = delimited(1, EVENT) + delimited(2, indexes) + delimited(3, b"error")
    event = altered(before, 37, data)
    assert event.fact == DetailsErased(UUID(bytes=EVENT), tuple(indexes), "error")
    assert target_of(event.fact) == UUID(bytes=EVENT)
    # What a later version adds is passed over, as in other facts.
    assert altered(before, 37, data + b"\x78\x05").fact == event.fact


@pytest.mark.parametrize(
    "indexes",
    [
        b"",
        delimited(2, b""),
        delimited(2, b"\x08"),
        delimited(2, b"\x00\x00"),
        delimited(2, b"\x02\x01"),
        delimited(2, bytes(range(9))),
        delimited(2, b"\x80\x00"),
        delimited(2, b"\x81\x80\x80\x80\x10"),  # 2^32 + 1
        b"\x10\x00\x10\x02",
        delimited(2, b"\x00") + delimited(2, b"\x02"),
    ],
)
def test_other_lists_of_indexes_are_of_a_later_version(indexes: bytes) -> None:
    before = read_event(bytes.fromhex(VECTORS["events"][0]["bytes"]))
    data = delimited(1, EVENT) + indexes + delimited(3, b"error")
    later = altered(before, 37, data)
    assert (later.fact, kind_of(later.fact)) == (Newer(37, data), "newer:37")
    assert read_event(encode_event(later)) == later


def test_times_before_the_epoch_are_floored() -> None:
    event = read_event(bytes.fromhex(VECTORS["events"][2]["bytes"]))
    assert event.occurred_at == datetime.fromisoformat("1969-12-31T23:59:59.999+00:00")
    assert b"\x12\x11\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x10" in encode_event(event)
