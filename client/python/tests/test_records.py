"""Erasures and holds as messages: what is asked, what is answered, and what is asked again."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from kith import Completion, ErasedDetail, ErasedPerson, Erasure, Hold, met
from kith.entry import read_entries
from kith.wire import message
from tests.fixtures import failure
from tests.scripted import Scripted, Status
from tests.signed_log import entry

EVENT = UUID("01960000-0000-7000-8000-000000000001")
BUSY = Status(8, "busy", "LOG_BUSY", retry_ms=5)
LOST = Status(14, "the answer was lost")


def at(seconds: int) -> dict[str, int]:
    return {"seconds": seconds, "nanos": 500_000_000}


def time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds + 0.5, UTC)


class Kept:
    """An answer that keeps what it was asked."""

    def __init__(self, call: str, **answer: Any) -> None:
        self.asked: list[Any] = []
        self._request = message(f"{call}Request")
        self._answer: bytes = message(f"{call}Response")(**answer).SerializeToString()

    def __call__(self, request: bytes) -> bytes:
        self.asked.append(self._request.FromString(request))
        return self._answer

    def request(self, **held: Any) -> Any:
        return self._request(network="default", **held)


def test_a_preview_only_counts(patient: Any, scripted: Scripted) -> None:
    counted = {"people": ["ben", "b-2"], "details": 57, "shared_details": 12, "others": 8}
    kept = Kept("ErasePerson", **counted)
    scripted.answers = [kept]
    assert patient.preview_erasure("ben", "withdrawn") == ErasedPerson(("ben", "b-2"), 57, 12, 8, 0)
    assert kept.asked == [kept.request(person="ben", reason="withdrawn", dry_run=True)]


def test_an_erasure_is_repeated_until_it_is_answered(patient: Any, scripted: Scripted) -> None:
    kept = Kept("ErasePerson", people=["ben"], details=57, position=31)
    scripted.answers = [BUSY, LOST, kept]
    assert patient.erase_person("ben", "withdrawn", "IG-3") == ErasedPerson(("ben",), 57, 0, 0, 31)
    assert kept.asked == [kept.request(person="ben", reason="withdrawn", reference="IG-3")]
    assert len(scripted.asked) == 3


def test_an_erasure_has_an_end_once_there_is_one(patient: Any, scripted: Scripted) -> None:
    asked = {"person": "ben", "event": EVENT.bytes, "position": 31, "recorded_at": at(5), "reason": "withdrawn"}
    asked |= {"replicas": 3, "replicas_told": 2}
    completed = {"completed_event": EVENT.bytes, "completed_position": 33, "completed_at": at(9)}
    ended = {**asked, **completed, "reference": "IG-3", "details_erased": 57, "keys_destroyed": 1}
    kept = Kept("GetErasure", erasures=[asked, ended])
    scripted.answers = [LOST, kept]
    assert patient.erasure("ben", wait=True) == [
        Erasure("ben", EVENT, 31, time(5), "withdrawn", "", None, 3, 2),
        Erasure("ben", EVENT, 31, time(5), "withdrawn", "IG-3", Completion(EVENT, 33, time(9), 57, 1), 3, 2),
    ]
    assert kept.asked == [kept.request(person="ben", wait=True)]
    none = Kept("GetErasure")
    scripted.answers = [none]
    assert patient.erasure("ben") == []
    assert none.asked == [none.request(person="ben")]


def test_details_are_named_by_their_event_and_their_indexes(patient: Any, scripted: Scripted) -> None:
    kept = Kept("EraseDetails", position=40, erased=2)
    scripted.answers = [BUSY, LOST, kept]
    assert patient.erase_details(EVENT, [0, 2], "error") == (40, 2)
    assert patient.erase_details(str(EVENT), [], "error", "IG-3") == (40, 2)
    assert kept.asked == [
        kept.request(event=EVENT.bytes, details=[0, 2], reason="error"),
        kept.request(event=EVENT.bytes, reason="error", reference="IG-3"),
    ]


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda net: net.erase_details("40", [0], "error"), "refused"),
        (lambda net: net.erase_details(EVENT, [-1], "error"), "options_invalid"),
        (lambda net: net.erase_details(EVENT, "0", "error"), "options_invalid"),
        (lambda net: net.erase_details(EVENT, 0, "error"), "options_invalid"),
        (lambda net: net.erase_person("ben", 7), "options_invalid"),
    ],
)
def test_what_no_request_can_hold_is_told(patient: Any, scripted: Scripted, call: Any, kind: str) -> None:
    error = failure(lambda: call(patient))
    assert (error.kind, error.had_no_effect) == (kind, True)
    assert scripted.asked == []


def test_a_hold_is_set_as_often_as_it_takes(patient: Any, scripted: Scripted) -> None:
    kept = Kept("ChangeHold", position=41)
    scripted.answers = [BUSY, LOST, kept]
    assert patient.set_hold("ben", "inquiry", "INQ-7") == 41
    assert kept.asked == [kept.request(person="ben", held=True, reason="inquiry", reference="INQ-7")]


def test_a_hold_is_lifted_once(patient: Any, scripted: Scripted) -> None:
    kept = Kept("ChangeHold", position=42)
    scripted.answers = [LOST, kept]
    assert failure(lambda: patient.lift_hold("ben", "INQ-7")).kind == "unreachable"
    assert (len(scripted.asked), kept.asked) == (1, [])
    # It was certainly not lifted, so it is asked for again.
    scripted.answers = [BUSY, kept]
    assert patient.lift_hold("ben", "INQ-7") == 42
    assert kept.asked == [kept.request(person="ben", reference="INQ-7")]


def test_holds_are_of_one_person_or_of_all(patient: Any, scripted: Scripted) -> None:
    named = {"person": "ben", "reason": "inquiry", "reference": "INQ-7", "organisation": "riverside"}
    kept = Kept("ListHolds", holds=[{**named, "position": 41, "recorded_at": at(7)}])
    scripted.answers = [LOST, kept]
    assert patient.list_holds("ben") == patient.list_holds() == [Hold(**named, position=41, recorded_at=time(7))]
    assert kept.asked == [kept.request(person="ben"), kept.request()]


@pytest.mark.parametrize(
    ("call", "name", "held"),
    [
        (lambda net: net.list_holds(), "ListHolds", {"holds": [{"person": "ben"}]}),
        (lambda net: net.erasure("ben"), "GetErasure", {"erasures": [{"recorded_at": at(5)}]}),
        (lambda net: net.erasure("ben"), "GetErasure", {"erasures": [{"event": EVENT.bytes}]}),
        (
            lambda net: net.erasure("ben"),
            "GetErasure",
            {"erasures": [{"event": EVENT.bytes, "recorded_at": at(5), "completed_position": 7}]},
        ),
    ],
)
def test_answers_without_what_they_must_have_are_told(
    patient: Any, scripted: Scripted, call: Callable[[Any], object], name: str, held: Any
) -> None:
    scripted.answers = [Kept(name, **held)]
    assert failure(lambda: call(patient)).kind == "answer_invalid"


def test_erased_details_find_their_entries() -> None:
    one = message("EntryDetails")(position=8, erased=[{"index": 1, "position": 9}, {"index": 2}])
    entries = read_entries([entry(at, met("amina", "ben")) for at in (7, 8)], [one])
    assert [found.erased for found in entries] == [(), (ErasedDetail(1, 9), ErasedDetail(2, 0))]
