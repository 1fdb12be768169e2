"""Streams that break, fall silent, lie or end, and what a client makes of them."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

import kith
from kith import Filter
from kith.canonical import encode_event
from kith.wire import message
from tests.fixtures import failure
from tests.scripted import Scripted, Status


def later_entry(position: int) -> bytes:
    """An entry whose event has a fact, and the entry a field, of a later version."""
    known = kith.met("amina", "ben").event
    event = encode_event(replace(known, fact=kith.Newer(60, b"\x08\x01")))
    entry = message("Entry")(position=position, recorded_at={"seconds": 10**9}, recorded_by="token:x", event=event)
    data: bytes = entry.SerializeToString() + b"\xa2\x06\x01x"
    return data


def subscribed(*positions: int) -> bytes:
    """A message of a subscription."""
    head = max(positions, default=0)
    cursor = {"position": head, "incarnation": bytes(16), "filter": bytes(32)}
    answer = message("SubscribeResponse")(entries=[later_entry(one) for one in positions], cursor=cursor)
    data: bytes = answer.SerializeToString()
    return data


def test_what_a_later_version_records_is_followed_on(patient: Any, scripted: Scripted) -> None:
    scripted.answers = [[subscribed(1, 2)]]
    entry = next(patient.follow())
    assert (entry.kind, entry.people) == ("newer:60", ())
    assert isinstance(entry.fact, kith.Newer)
    assert kith.sentence(entry.fact).startswith("recorded by a later version")


def test_following_goes_on_after_every_interruption_from_where_it_was(patient: Any, scripted: Scripted) -> None:
    asked: list[int] = []

    class Noting(list[Any]):
        def __iter__(self) -> Iterator[Any]:
            asked.append(len(asked))
            return super().__iter__()

    scripted.answers = [
        Noting([subscribed(1, 2), Status(14, "x", "SHUTTING_DOWN")]),
        Noting([Status(14, "x")]),
        Noting([subscribed(3)]),
        Noting([Status(8, "x", "SUBSCRIBER_TOO_SLOW", retry_ms=1)]),
        Noting([Status(8, "x", "NOT_YET_INVENTED", retry_ms=1)]),
        Noting([subscribed(4), Status(9, "x", "RESET_REQUIRED")]),
    ]
    positions: list[int] = []
    interruptions: list[str] = []
    updates = patient.updates()

    def take() -> None:
        for update in updates:
            positions.extend(entry.position for entry in update.entries)
            if update.interrupted is not None:
                interruptions.append(update.interrupted.reason)
                assert update.cursor.position == (positions[-1] if positions else 0)

    assert failure(take).reason == "RESET_REQUIRED"
    assert positions == [1, 2, 3, 4]
    # The stream that ends without a word is an interruption, too.
    assert interruptions == ["SHUTTING_DOWN", "", "", "SUBSCRIBER_TOO_SLOW", "NOT_YET_INVENTED"]


def test_a_silent_stream_counts_as_broken_and_is_opened_again(hasty: Any, scripted: Scripted) -> None:
    scripted.answers = [[subscribed(1), None], [subscribed(2)]]
    updates = hasty.updates()
    assert next(updates).cursor.position == 1
    began = time.monotonic()
    silent = next(updates)
    assert silent.interrupted is not None
    assert (silent.interrupted.kind, str(silent.interrupted)) == ("timed_out", "no answer within 0.5 s")
    assert 0.4 < time.monotonic() - began < 3
    assert next(updates).cursor.position == 2
    updates.close()


def test_a_stream_does_not_break_while_its_reader_is_busy(hasty: Any, scripted: Scripted) -> None:
    scripted.answers = [[subscribed(at) for at in range(1, 40)]]
    updates = hasty.updates(filter=Filter())
    assert next(updates).cursor.position == 1
    time.sleep(0.8)
    assert [next(updates).cursor.position for _ in range(30)] == list(range(2, 32))
    updates.close()


@pytest.mark.parametrize("broken", [b"\xff", message("SubscribeResponse")().SerializeToString()])
def test_a_stream_of_malformed_messages_ends(patient: Any, scripted: Scripted, broken: bytes) -> None:
    scripted.answers = [[subscribed(1), broken]]
    entries = patient.follow()
    assert next(entries).position == 1
    assert failure(lambda: next(entries)).kind == "answer_invalid"


def result(number: int, **held: Any) -> Any:
    return {"number": number, **held}


def test_bulk_appends_are_sent_again_and_malformed_results_told(patient: Any, scripted: Scripted) -> None:
    refused = {"reason": 99, "field": "event.x", "message": "later"}
    results = [result(1, outcome={"position": 5}), result(2, refused=refused)]
    whole = message("AppendStreamResponse")(results=results).SerializeToString()
    events = [kith.met("amina", "ben"), kith.met("amina", "ben")]
    scripted.answers = [[Status(14, "x")], [Status(8, "x", "LOG_BUSY", retry_ms=1)], [], [whole]]
    first, second = patient.append_many(events)
    assert (first.outcome.position, first.id, first.refusal) == (5, events[0].id, None)
    assert (second.outcome, second.refusal.reason, second.refusal.message) == (None, "newer:99", "later")
    for broken in ([result(1)], [result(1, outcome={"position": 5}), result(2)], []):
        scripted.answers = [[message("AppendStreamResponse")(results=broken).SerializeToString()]]
        assert failure(lambda: list(patient.append_many(events))).kind == "answer_invalid"
    scripted.answers = [[Status(14, "x")]]
    assert failure(lambda: list(patient.append_many(events))).kind == "unreachable"


def test_a_bulk_append_that_is_refused_at_once_says_why(patient: Any, scripted: Scripted) -> None:
    scripted.answers = [Status(7, "x", "PERMISSION_DENIED")]
    events = [kith.met("amina", "ben") for _ in range(3_000)]
    assert failure(lambda: list(patient.append_many(events))).reason == "PERMISSION_DENIED"


def test_what_a_source_raises_is_the_callers(patient: Any, scripted: Scripted) -> None:
    def source() -> Iterator[kith.NewEvent]:
        yield kith.met("amina", "ben")
        raise kith.Unreachable("the source's own")

    scripted.answers = [[]]
    with pytest.raises(kith.Unreachable, match="the source's own"):
        list(patient.append_many(source()))
    assert scripted.asked == []
