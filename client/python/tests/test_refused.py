"""What is refused before anything is sent, with the reason and field that a server gives."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

import pytest

import kith
from kith import NewEvent, Words
from tests.fixtures import failure

REFERRAL = "01960000-0000-7000-8000-000000000001"


def custom(**attributes: Any) -> Callable[[], NewEvent]:
    return lambda: kith.custom("a/b", attributes=attributes)


@pytest.mark.parametrize(
    ("make", "reason", "field"),
    [
        (lambda: kith.met("amina"), "EVENT_INVALID", "event.met.people"),
        (lambda: kith.met("amina", "amina"), "EVENT_INVALID", "event.met.people"),
        (lambda: kith.met("amina", "bén"), "EVENT_INVALID", "event.met.people"),
        (lambda: kith.met("amina", "ben\n"), "EVENT_INVALID", "event.met.people"),
        (lambda: kith.met("amina", cast(Any, 7)), "EVENT_INVALID", "event.met.people"),
        (lambda: kith.met(*[f"p{at}" for at in range(65)]), "LIMIT_EXCEEDED", "event.met.people"),
        (lambda: kith.followed_up("amina", "amina"), "EVENT_INVALID", "event.followed_up.with"),
        (lambda: kith.followed_up("amina", "ben", about="7"), "EVENT_INVALID", "event.followed_up.about"),
        (lambda: kith.asked("amina", "ben", category="Falls"), "EVENT_INVALID", "event.asked.category"),
        (lambda: kith.helped("amina", "amina"), "EVENT_INVALID", "event.helped"),
        (lambda: kith.referred("amina", "ben", "ben"), "EVENT_INVALID", "event.referred"),
        (lambda: kith.answered(REFERRAL, "amina", cast(Any, "perhaps")), "EVENT_INVALID", "event.answered.answer"),
        (lambda: kith.answered(UUID(int=0), "amina", "met"), "EVENT_INVALID", "event.answered.referral"),
        (lambda: kith.retracted("x"), "EVENT_INVALID", "event.retracted.event"),
        (lambda: kith.retracted(REFERRAL, cast(Any, "because")), "EVENT_INVALID", "event.retracted.reason"),
        (lambda: kith.retracted(REFERRAL, "other", note="x"), "EVENT_INVALID", "details.subjects"),
        (lambda: kith.custom("visit"), "EVENT_INVALID", "event.custom.type"),
        (lambda: kith.organisation_added("north", " "), "EVENT_INVALID", "event.organisation_added.name"),
        (lambda: kith.person_added("", name="x"), "EVENT_INVALID", "event.person_added.person"),
        (lambda: kith.person_added("amina", name="\u2066"), "EVENT_INVALID", "details.text"),
        (lambda: kith.person_added("amina", role="x" * 33), "LIMIT_EXCEEDED", "event.person_added.role"),
        (lambda: kith.met("amina", "ben", id="7"), "EVENT_INVALID", "event.id"),
        (lambda: kith.met("amina", "ben", id=UUID(int=0)), "EVENT_INVALID", "event.id"),
        (lambda: kith.met("amina", "ben", caused_by=[REFERRAL] * 2), "EVENT_INVALID", "event.caused_by"),
        (lambda: kith.met("amina", "ben", scope=cast(Any, "world")), "EVENT_INVALID", "event.scope"),
        (lambda: kith.met("amina", "ben", note="\ud83c"), "EVENT_INVALID", "details.text"),
        (lambda: kith.met("\ud83c", "ben", note="x"), "EVENT_INVALID", "event.met.people"),
        (lambda: kith.met("amina", "ben", note="x", subjects=["\ud83c"]), "EVENT_INVALID", "details.subjects"),
        (lambda: kith.met("amina", "ben", note=cast(Any, 7)), "EVENT_INVALID", "details.text"),
        (lambda: kith.person_added("amina", name=cast(Any, b"x")), "EVENT_INVALID", "details.text"),
        (lambda: kith.met("amina", "ben", note="bell\a"), "EVENT_INVALID", "details.text"),
        (lambda: kith.met("amina", "ben", note="x" * 4_097), "LIMIT_EXCEEDED", "details.text"),
        (lambda: kith.met("amina", "ben", details=[Words("name", ["amina"], "A")]), "EVENT_INVALID", "details.kind"),
        (lambda: kith.met("amina", "ben", details=[Words("note", [], "x")]), "EVENT_INVALID", "details.subjects"),
        (custom(Minutes=1), "EVENT_INVALID", "event.attributes.key"),
        (custom(a=2**63), "EVENT_INVALID", "event.attributes.value"),
        (custom(a=-(2**63) - 1), "EVENT_INVALID", "event.attributes.value"),
        (custom(a=float("nan")), "EVENT_INVALID", "event.attributes.value"),
        (custom(a=float("-inf")), "EVENT_INVALID", "event.attributes.value"),
        (custom(a=None), "EVENT_INVALID", "event.attributes.value"),
        (custom(a=b"x"), "EVENT_INVALID", "event.attributes.value"),
        (custom(a="\udc00"), "EVENT_INVALID", "event.attributes.value"),
        (custom(**{f"a{at}": at for at in range(33)}), "LIMIT_EXCEEDED", "event.attributes"),
    ],
)
def test_what_breaks_a_rule_is_refused(make: Callable[[], object], reason: str, field: str) -> None:
    error = failure(make)
    assert (error.kind, error.reason, error.field) == ("refused", reason, field)
    assert error.had_no_effect
    assert not error.is_retryable


@pytest.mark.parametrize("flag", [True, 1, 1.0, "1"])
def test_python_tells_flags_whole_numbers_numbers_and_text_apart(flag: Any) -> None:
    event = kith.custom("a/b", attributes={"a": flag})
    kept = NewEvent.from_bytes(event.to_bytes()).event.attributes["a"]
    assert (kept, type(kept)) == (flag, type(flag))


@pytest.mark.parametrize(("salt", "problem"), [(b"", "is missing"), (bytes(15), "must be 16 random bytes")])
def test_salts_are_there_and_long_enough(salt: bytes, problem: str) -> None:
    event = replace(kith.custom("a/b").event, salt=salt)
    error = failure(lambda: NewEvent.of(event, []))
    assert (error.reason, error.field, str(error)) == ("EVENT_INVALID", "event.salt", f"event.salt: {problem}")


def test_words_without_text_are_left_out() -> None:
    assert kith.met("amina", "ben", note=" ", place="").details == ()
    added = kith.person_added("amina", name="Amina Shah", contact=["a@example.org", "+44 20 7946 0000"])
    assert [(detail.kind, detail.text) for detail in added.details] == [
        ("name", "Amina Shah"),
        ("contact", "a@example.org"),
        ("contact", "+44 20 7946 0000"),
    ]
    noted = kith.met("ben", "amina", note="x", place="y", subjects=["amina", "amina"])
    assert [detail.subjects for detail in noted.details] == [("amina",), ("amina",)]
    assert kith.met("ben", "amina", note="x").details[0].subjects == ("amina", "ben")
