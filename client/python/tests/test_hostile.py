"""Every refusal that a server can answer to a call, and every way in which an answer can be none."""

import asyncio
import re
import time
from typing import Any

import pytest

import kith
from kith import Error
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


def told(hasty: Any, scripted: Scripted, answer: Any) -> Error:
    scripted.answers = [answer]
    error = failure(hasty.head)
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
def test_every_reason_reads_back(hasty: Any, scripted: Scripted, name: str) -> None:
    found = meaning(name)
    assert found is not None
    violations = (("events[3].event.met.people", "names amina twice"), ("b", "c"))
    metadata = {"event": "3", "head": "7"}
    status = Status(found.code, "in words, ü", name, metadata=metadata, fields=violations, retry_ms=1_040)
    error = told(hasty, scripted, status)
    assert isinstance(error, Refused)
    assert (error.reason, str(error), error.code) == (name, "in words, ü", found.code)
    assert (error.is_retryable, error.had_no_effect) == (found.is_retryable, found.had_no_effect)
    assert (error.field, error.event, error.retry_after) == ("event.met.people", 3, 1.04)
    assert (error.metadata["head"], error.violations[1].description) == ("7", "c")


def test_a_broken_state_names_its_subject(hasty: Any, scripted: Scripted) -> None:
    error = told(hasty, scripted, Status(9, reason="SCOPE_MISMATCH", subject="event.answered.referral"))
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
    hasty: Any, scripted: Scripted, status: Status, kind: str, reason: str, is_retryable: bool
) -> None:
    error = told(hasty, scripted, status)
    assert (error.kind, error.reason, error.is_retryable) == (kind, reason, is_retryable)
    assert not error.had_no_effect


def test_details_that_are_malformed_say_nothing(hasty: Any, scripted: Scripted) -> None:
    class Broken(Status):
        def details(self) -> bytes:
            return b"\x1a\xc8\x01"

    error = told(hasty, scripted, Broken(5, "100% of%20it"))
    assert (error.kind, error.reason, str(error)) == ("server_failed", "", "the server failed: 100% of%20it")


def test_an_answer_that_is_no_message_is_invalid(hasty: Any, scripted: Scripted) -> None:
    assert told(hasty, scripted, b"\xff\xff\xff").kind == "answer_invalid"
    late = message("HeadResponse")(position=1, recorded_at={"seconds": 1 << 60}).SerializeToString()
    assert told(hasty, scripted, late).kind == "answer_invalid"


def test_silence_is_an_answer_in_the_end(hasty: Any, scripted: Scripted) -> None:
    scripted.answers = [lambda _: scripted.ended.wait(5) and b""]
    began = time.monotonic()
    error = failure(hasty.head)
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


def test_the_token_is_sent_with_every_call(hasty: Any, scripted: Scripted) -> None:
    told(hasty, scripted, Status(13))
    scripted.answers = [[Status(5, "x", "VIEW_UNKNOWN")]]
    assert failure(lambda: next(hasty.watch("strength"))).reason == "VIEW_UNKNOWN"
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
    assert len(scripted.asked) == 4
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
def test_answers_without_what_they_must_have_are_told(hasty: Any, scripted: Scripted, call: Any, answer: Any) -> None:
    scripted.answers = [answer.SerializeToString()]
    error = failure(lambda: call(hasty))
    assert error.kind in ("answer_invalid", "not_verified")
    assert not error.had_no_effect
