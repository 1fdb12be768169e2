"""Events of every kind against a real server: it accepts their bytes, and gives back the same."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import kith
from kith import Entry, NewEvent, Words, person_named
from kith.canonical import commitment, encode_detail, encode_event, read_event
from kith.wire import message
from tests.fixtures import failure
from tests.kithd import Kithd

EDGES: dict[str, Any] = {
    "minutes": 0,
    "channel": "",
    "score": -0.0,
    "online": False,
    "least": -(2**63),
    "most": 2**63 - 1,
    "half": 0.5,
    "whole": 2.0,
    "yes": True,
    "text": "Zürich 🏥",
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def people(net: Any, which: str) -> dict[str, str]:
    """People of these tests, under pseudonyms."""
    ids = {name: kith.new_person_id() for name in ("amina", "ben", "carol", "again")}
    organisation = f"riverside-{which}"
    added = [
        kith.organisation_added(organisation, "Riverside Practice, Übersee 3"),
        kith.person_added(ids["amina"], organisation=organisation, role="GP", name="Amina Shah عَلِيّ"),
        kith.person_added(ids["ben"], name="Ben Okoro 漢字"),
        kith.person_added(ids["carol"], role="nurse", contact=["c@example.org", "+44 20 7946 0000"]),
        kith.person_added(ids["again"]),
    ]
    assert [outcome.duplicate for outcome in net.append(*added)] == [False] * 5
    return {**ids, "organisation": organisation}


def every_kind(people: dict[str, str]) -> Iterator[NewEvent]:
    amina, ben, carol = people["amina"], people["ben"], people["carol"]
    met = kith.met(ben, amina, note="note\nsecond line\té", place="Frailty board", attributes=EDGES)
    asked = kith.asked(ben, amina, carol, category="falls", on="yesterday")
    referred = kith.referred(carol, amina, ben)
    yield from (met, asked, referred)
    yield kith.met(amina, carol, at=EPOCH)
    yield kith.met(amina, carol, at=EPOCH - timedelta(milliseconds=1))
    yield kith.met(amina, carol, at=datetime(1900, 1, 1, tzinfo=UTC))
    yield kith.met(amina, carol, details=[Words("words", [carol], "any words"), Words("note", [amina], "x" * 4_096)])
    yield kith.followed_up(amina, ben, carol)
    yield kith.followed_up(amina, ben, about=met.id, caused_by=[met.id, asked.id])
    yield kith.helped(amina, ben)
    yield kith.helped(amina, ben, category="falls", about=asked.id, note="lent a walking frame", subjects=[ben])
    yield kith.answered(referred.id, ben, "accepted")
    yield kith.answered(str(referred.id), amina, "met")
    yield kith.custom("org.example/visit.v1")
    yield kith.custom("org.example/visit.v1", amina, ben, carol, attributes={"a.b-c_d": "x" * 256})
    yield kith.retracted(met.id, "other", note="typed the wrong name", subjects=[amina])
    yield kith.person_changed(ben, organisation=people["organisation"], role="pharmacist", name="Ben A. Okoro")
    yield kith.person_changed(ben)
    yield kith.people_merged(amina, people["again"])


def test_events_of_every_kind_are_accepted_and_read_back_byte_for_byte(net: Any, people: dict[str, str]) -> None:
    events = list(every_kind(people))
    first = net.head().position
    # One after the other: what comes later names what came before.
    outcomes = [net.append(event)[0] for event in events]
    assert [outcome.position for outcome in outcomes] == list(range(first + 1, first + 1 + len(events)))
    assert [outcome.id for outcome in outcomes] == [event.id for event in events]
    read = {entry.position: entry for entry in net.entries(after=first)}
    for event, outcome in zip(events, outcomes, strict=True):
        entry = read[outcome.position]
        assert message("Entry").FromString(entry.data).event == event.data
        assert (entry.event, entry.details) == (event.event, event.details)
        assert all(entry.is_committed(detail) for detail in event.details)
        assert abs(entry.recorded_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_repeat_is_a_duplicate_and_another_event_under_its_id_is_refused(net: Any, people: dict[str, str]) -> None:
    event = kith.met(people["amina"], people["ben"], note="once")
    [first] = net.append(event)
    [again] = net.append(NewEvent.from_bytes(event.to_bytes()))
    assert (again.position, first.duplicate, again.duplicate) == (first.position, False, True)
    salted = kith.met(people["amina"], people["ben"], id=event.id, at=event.event.occurred_at)
    assert net.append(salted)[0].duplicate
    other = kith.met(people["ben"], people["amina"], id=event.id, at=event.event.occurred_at)
    error = failure(lambda: net.append(other))
    assert (error.kind, error.reason, error.had_no_effect) == ("refused", "EVENT_ID_REUSED", True)


def test_a_refused_event_of_several_is_named_and_none_is_recorded(net: Any, people: dict[str, str]) -> None:
    before = net.head().position
    good, bad = kith.met(people["amina"], people["ben"]), kith.met(people["amina"], "nobody")
    error = failure(lambda: net.append(good, bad))
    assert (error.reason, error.event, error.field) == ("PERSON_UNKNOWN", 1, "event.met.people")
    ahead = kith.met(people["amina"], people["ben"], at=datetime.now(UTC) + timedelta(hours=1))
    error = failure(lambda: net.append(good, ahead))
    assert (error.reason, error.event, error.field) == ("EVENT_INVALID", 1, "event.occurred_at")
    assert net.head().position == before


def test_conditions_hold_or_nothing_is_recorded(net: Any, people: dict[str, str]) -> None:
    def event() -> NewEvent:
        return kith.met(people["amina"], people["ben"])

    head = net.head().position
    [outcome] = net.append(event(), condition=kith.ExpectedHead(head))
    error = failure(lambda: net.append(event(), condition=kith.ExpectedHead(head)))
    assert (error.reason, error.metadata["head"]) == ("CONDITION_FAILED", str(outcome.position))
    nobody_met_since = kith.NoneMatch(head, kith.Filter(kinds=("met",), people=(people["amina"],)))
    assert failure(lambda: net.append(event(), condition=nobody_met_since)).reason == "CONDITION_FAILED"
    net.append(event(), condition=kith.NoneMatch(outcome.position, kith.Filter(kinds=("helped",))))


def test_appends_have_limits_that_are_checked_before_they_are_sent(net: Any) -> None:
    error = failure(net.append)
    assert (error.reason, error.field) == ("EVENT_INVALID", "events")
    many = [kith.met("amina", "ben")] * 1_001
    error = failure(lambda: net.append(*many))
    assert (error.reason, error.field) == ("LIMIT_EXCEEDED", "events")
    large = [kith.met("amina", "ben", note="x" * 4_096)] * 256
    error = failure(lambda: net.append(*large))
    assert error.reason == "LIMIT_EXCEEDED"
    assert "1048576 are allowed" in str(error)


def test_bulk_appends_say_of_each_event_what_became_of_it(net: Any, people: dict[str, str]) -> None:
    amina, ben = people["amina"], people["ben"]

    def events() -> Iterator[NewEvent]:
        for at in range(2_500):
            yield kith.met(amina, "nobody" if at == 1_200 else ben, note="x" * 600 if at % 2 else "")

    before = net.head().position
    results = list(net.append_many(events()))
    assert [result.number for result in results] == list(range(1, 2_501))
    refused = results.pop(1_200)
    assert (refused.outcome, refused.refusal.reason, refused.refusal.field) == (
        None,
        "PERSON_UNKNOWN",
        "event.met.people",
    )
    assert [result.outcome.position for result in results] == list(range(before + 1, before + 2_500))
    assert list(net.append_many([])) == []


def test_everything_that_the_demo_recorded_is_encoded_again_to_the_same_bytes(demo: Any) -> None:
    entries: list[Entry] = list(demo.entries())
    assert len(entries) > 2_000
    details = [detail for entry in entries for detail in entry.details]
    assert len(details) > 100
    for entry in entries:
        data = encode_event(entry.event)
        assert message("Entry").FromString(entry.data).event == data
        assert message("Event").FromString(data).SerializeToString(deterministic=True) == data
        assert read_event(data) == entry.event
        for detail in entry.details:
            assert entry.is_committed(detail)
            assert message("Detail").FromString(encode_detail(detail)).SerializeToString() == encode_detail(detail)
            assert len(commitment(detail)) == 32
    named = {person_named(entry.fact, detail) for entry in entries for detail in entry.details} - {None}
    assert named == {person.id for person in demo.people()}
    assert {"met", "person_added", "answered", "helped"} <= {entry.kind for entry in entries}


def test_administration_is_read(net: Any, people: dict[str, str], server: Kithd) -> None:
    issued = net.issue_token("recorder", person=people["amina"], organisation=people["organisation"], expires="90d")
    entry = net.read(after=issued.position - 1, limit=1).entries[0]
    assert (entry.kind, entry.people) == ("token_issued", (people["amina"],))
    assert (entry.fact.token, entry.fact.role, len(entry.fact.secret_digest)) == (issued.token.id, "recorder", 32)
    assert issued.token.expires_at is not None
    assert issued.secret not in repr(issued)
    with kith.connect(server.url, token=issued.secret) as own:
        me = own.whoami()
        assert (me.person, me.role, me.networks) == (people["amina"], "recorder", ("default",))
        revoked = net.revoke_token(issued.token.id)
        assert failure(own.head).reason == "TOKEN_INVALID"
    assert net.read(after=revoked - 1, limit=1).entries[0].fact.token == issued.token.id
    found = next(token for token in net.tokens() if token.id == issued.token.id)
    assert found.revoked_at is not None
