"""Every refusal that a server can answer, and every way in which an answer can be none."""

import asyncio
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

import kith
from kith import Error, Filter, Retry, Timeouts
from kith.canonical import encode_event
from kith.errors import Refused
from kith.reasons import meaning, reason_name
from kith.wire import message
from tests import both
from tests.fixtures import PROTO, failure, fixture
from tests.scripted import Scripted, Status

REASONS = [
    (name, int(number))
    for name, number in re.findall(r"(?m)^  ERROR_REASON_(\w+) = (\d+);", (PROTO / "errors.proto").read_text())
]
VECTORS = fixture("vectors")["reasons"]
KEY = kith.verify.VerifierKey.parse(fixture("vectors")["notes"]["key"])
ONCE = Retry(attempts_max=1)
QUICK = Retry(attempts_max=4, delay_first=0.001, delay_max=0.002)


@pytest.fixture(scope="module")
def scripted() -> Iterator[Scripted]:
    server = Scripted()
    yield server
    server.stop()


@pytest.fixture
def net(scripted: Scripted, which: str) -> Iterator[Any]:
    scripted.asked.clear()
    scripted.ended.clear()
    client = both.connect(
        which, scripted.url, token="kith_secret", retry=ONCE, timeouts=Timeouts(call=0.5, silence=0.5)
    )
    yield client
    client.close()


@pytest.fixture
def patient(scripted: Scripted, which: str) -> Iterator[Any]:
    """A client that tries again."""
    scripted.asked.clear()
    client = both.connect(which, scripted.url, token="kith_secret", retry=QUICK)
    yield client
    client.close()


def told(net: Any, scripted: Scripted, answer: Any) -> Error:
    scripted.answers = [answer]
    error = failure(net.head)
    assert "kith_secret" not in str(error) + repr(error)
    return error


def test_the_table_of_reasons_is_that_of_the_server_and_of_errors_proto() -> None:
    assert [(vector["name"], vector["number"]) for vector in VECTORS] == REASONS
    assert len(REASONS) > 30
    for vector in VECTORS:
        found = meaning(vector["name"])
        assert found is not None
        expected = vector["code"], vector["is_retryable"], vector["had_no_effect"]
        assert (found.code, found.is_retryable, found.had_no_effect) == expected
        assert reason_name(vector["number"]) == vector["name"]
    assert (meaning("NOT_YET_INVENTED"), reason_name(999), reason_name(-1)) == (None, "newer:999", "newer:-1")


@pytest.mark.parametrize("name", [name for name, _ in REASONS])
def test_every_reason_reads_back(net: Any, scripted: Scripted, name: str) -> None:
    found = meaning(name)
    assert found is not None
    violations = (("events[3].event.met.people", "names amina twice"), ("b", "c"))
    metadata = {"event": "3", "head": "7"}
    status = Status(found.code, "in words, ü", name, metadata=metadata, fields=violations, retry_ms=1_040)
    error = told(net, scripted, status)
    assert isinstance(error, Refused)
    assert (error.reason, str(error), error.code) == (name, "in words, ü", found.code)
    assert (error.is_retryable, error.had_no_effect) == (found.is_retryable, found.had_no_effect)
    assert (error.field, error.event, error.retry_after) == ("event.met.people", 3, 1.04)
    assert (error.metadata["head"], error.violations[1].description) == ("7", "c")


def test_a_broken_state_names_its_subject(net: Any, scripted: Scripted) -> None:
    error = told(net, scripted, Status(9, reason="SCOPE_MISMATCH", subject="event.answered.referral"))
    assert (error.field, error.event) == ("event.answered.referral", None)


@pytest.mark.parametrize(
    ("status", "kind", "reason", "is_retryable"),
    [
        (Status(13, "x"), "server_failed", "", False),
        (Status(12, "x"), "server_failed", "", False),
        (Status(14, "x"), "unreachable", "", True),
        (Status(4, "x"), "timed_out", "", True),
        (Status(13, "x", "EVENT_INVALID", domain="example.org"), "server_failed", "", False),
        (Status(3, "x", "NOT_YET_INVENTED"), "server_failed", "NOT_YET_INVENTED", False),
        (Status(14, "x", "NOT_YET_INVENTED"), "unreachable", "NOT_YET_INVENTED", True),
        (Status(8, "x", "NOT_YET_INVENTED", retry_ms=40), "server_failed", "NOT_YET_INVENTED", True),
        (Status(5, "x", retry_ms=40), "server_failed", "", True),
    ],
)
def test_a_status_without_a_known_reason_follows_its_code(
    net: Any, scripted: Scripted, status: Status, kind: str, reason: str, is_retryable: bool
) -> None:
    error = told(net, scripted, status)
    assert (error.kind, error.reason, error.is_retryable) == (kind, reason, is_retryable)
    assert not error.had_no_effect


def test_details_that_are_malformed_say_nothing(net: Any, scripted: Scripted) -> None:
    class Broken(Status):
        def details(self) -> bytes:
            return b"\x1a\xc8\x01"

    error = told(net, scripted, Broken(5, "100% of%20it"))
    assert (error.kind, error.reason, str(error)) == ("server_failed", "", "the server failed: 100% of%20it")


def test_an_answer_that_is_no_message_is_invalid(net: Any, scripted: Scripted) -> None:
    assert told(net, scripted, b"\xff\xff\xff").kind == "answer_invalid"
    late = message("HeadResponse")(position=1, recorded_at={"seconds": 1 << 60}).SerializeToString()
    assert told(net, scripted, late).kind == "answer_invalid"


def test_silence_is_an_answer_in_the_end(net: Any, scripted: Scripted) -> None:
    scripted.answers = [lambda _: scripted.ended.wait(5) and b""]
    began = time.monotonic()
    error = failure(net.head)
    assert (error.kind, error.is_retryable, error.had_no_effect) == ("timed_out", True, False)
    assert 0.4 < time.monotonic() - began < 3
    scripted.ended.set()


def test_closing_a_client_ends_calls_that_wait(scripted: Scripted) -> None:
    async def close() -> object:
        net = kith.aio.connect(scripted.url, token="x")
        asking = asyncio.create_task(net.head())
        await asyncio.sleep(0.1)
        await net.close()
        return (await asyncio.gather(asking, return_exceptions=True))[0]

    scripted.ended.clear()
    scripted.answers = [lambda _: scripted.ended.wait(5) and b""]
    assert repr(both.awaited(close())) == "OptionsInvalid('the client is closed')"
    scripted.ended.set()


def test_the_token_is_sent_with_every_call(net: Any, scripted: Scripted) -> None:
    told(net, scripted, Status(13))
    scripted.answers = [[Status(5, "x", "VIEW_UNKNOWN")]]
    assert failure(lambda: next(net.watch("strength"))).reason == "VIEW_UNKNOWN"
    assert {headers["authorization"] for _, headers in scripted.asked} == {"Bearer kith_secret"}
    assert all("kith-python/" in headers["user-agent"] for _, headers in scripted.asked)


HEAD = message("HeadResponse")(position=7, root=bytes(32)).SerializeToString()
BUSY = Status(8, "busy", "LOG_BUSY", retry_ms=5)


def test_what_can_succeed_later_is_sent_again(patient: Any, scripted: Scripted) -> None:
    scripted.answers = [BUSY, Status(14, "x"), BUSY, HEAD]
    assert patient.head().position == 7
    assert len(scripted.asked) == 4
    scripted.asked.clear()
    scripted.answers = [BUSY]
    assert failure(patient.head).reason == "LOG_BUSY"
    assert len(scripted.asked) == QUICK.attempts_max
    scripted.asked.clear()
    scripted.answers = [Status(3, "x", "REQUEST_INVALID"), HEAD]
    assert failure(patient.head).reason == "REQUEST_INVALID"
    assert len(scripted.asked) == 1


def test_the_server_says_how_long_to_wait(patient: Any, scripted: Scripted) -> None:
    scripted.answers = [Status(8, "busy", "LOG_BUSY", retry_ms=300), HEAD]
    began = time.monotonic()
    patient.head()
    assert 0.3 <= time.monotonic() - began < 2


def test_what_would_have_an_effect_twice_is_sent_again_only_if_it_had_none(patient: Any, scripted: Scripted) -> None:
    created = message("CreateNetworkResponse")(network={"name": "north"}).SerializeToString()
    scripted.answers = [Status(14, "x"), created]
    assert failure(lambda: patient.create_network("north")).kind == "unreachable"
    scripted.answers = [Status(14, "x", "SHUTTING_DOWN"), created]
    assert failure(lambda: patient.create_network("north")).reason == "SHUTTING_DOWN"
    scripted.answers = [BUSY, created]
    assert patient.create_network("north").name == "north"


def test_an_append_is_sent_again_with_the_same_bytes(patient: Any, scripted: Scripted) -> None:
    seen: list[bytes] = []

    def lose(request: bytes) -> bytes:
        seen.append(request)
        data: bytes = message("AppendResponse")(outcomes=[{"position": 3, "duplicate": True}]).SerializeToString()
        return data

    event = kith.met("amina", "ben", note="x")
    scripted.answers = [Status(14, "the answer was lost"), lose]
    assert patient.append(event)[0].duplicate
    sent = message("AppendRequest").FromString(seen[0])
    assert [one.SerializeToString() for one in sent.events] == [event.to_bytes()]


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (lambda net: net.append(kith.met("amina", "ben")), message("AppendResponse")()),
        (lambda net: net.create_network("x"), message("CreateNetworkResponse")()),
        (lambda net: net.issue_token("reader"), message("IssueTokenResponse")()),
        (lambda net: net.person("amina"), message("GetPersonResponse")()),
        (lambda net: net.read(), message("ReadResponse")(entries=[b"\xff"])),
        (lambda net: net.read(), message("ReadResponse")(entries=[b""])),
        (lambda net: net.read(), message("ReadResponse")(entries=[b"\x08\x01"])),
        (lambda net: net.view("x"), message("QueryViewResponse")(rows=[{"values": [{"flag": True}]}])),
        (lambda net: net.view("x"), message("QueryViewResponse")(day=2**31 - 1)),
        (lambda net: net.receipt(kith.new_event_id(), KEY), message("GetCheckpointResponse")(checkpoint="x")),
    ],
)
def test_answers_without_what_they_must_have_are_told(net: Any, scripted: Scripted, call: Any, answer: Any) -> None:
    scripted.answers = [answer.SerializeToString()]
    error = failure(lambda: call(net))
    assert error.kind in ("answer_invalid", "not_verified")
    assert not error.had_no_effect


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


def test_a_silent_stream_counts_as_broken_and_is_opened_again(net: Any, scripted: Scripted) -> None:
    scripted.answers = [[subscribed(1), None], [subscribed(2)]]
    updates = net.updates()
    assert next(updates).cursor.position == 1
    began = time.monotonic()
    silent = next(updates)
    assert silent.interrupted is not None
    assert (silent.interrupted.kind, str(silent.interrupted)) == ("timed_out", "no answer within 0.5 s")
    assert 0.4 < time.monotonic() - began < 3
    assert next(updates).cursor.position == 2
    updates.close()


def test_a_stream_does_not_break_while_its_reader_is_busy(net: Any, scripted: Scripted) -> None:
    scripted.answers = [[subscribed(at) for at in range(1, 40)]]
    updates = net.updates(filter=Filter())
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
