"""Erasing words and holding them, against a real server, with both clients."""

from collections.abc import Iterator
from typing import Any

import pytest

import kith
from kith import Entry, ErasedDetail, Words, facts
from tests import both
from tests.fixtures import failure
from tests.kithd import Kithd

PEOPLE = ("amina", "ben", "carol", "dana")


@pytest.fixture(scope="module")
def own(server: Kithd, net: Any, which: str) -> Iterator[Any]:
    """A client of a network of its own, with some people."""
    name = f"records-{which}"
    net.create_network(name)
    client = both.connect(which, server.url, token_file=server.token_file, network=name)
    client.append(*[kith.person_added(person, name=f"{person} of Riverside") for person in PEOPLE])
    yield client
    client.close()


def record(net: Any, *people: str, notes: dict[str, list[str]]) -> Entry:
    """The entry of a meeting with notes, each about some people."""
    details = [Words("note", subjects, text) for text, subjects in notes.items()]
    [outcome] = net.append(kith.met(*people, details=details))
    return entry_at(net, outcome.position)


def entry_at(net: Any, position: int) -> Entry:
    found: Entry = net.read(after=position - 1, limit=1).entries[0]
    return found


def texts(entry: Entry) -> list[str]:
    return [detail.text for detail in entry.details]


def test_single_details_are_erased_and_their_entry_says_by_which_one(own: Any) -> None:
    entry = record(own, "amina", "carol", notes={"wrong words": ["amina"], "right words": ["carol"]})
    assert entry.erased == ()
    position, erased = own.erase_details(entry.id, [0], "error", "IG-3")
    assert erased == 1
    left = entry_at(own, entry.position)
    assert (texts(left), left.erased) == (["right words"], (ErasedDetail(0, position),))
    assert left.data == entry.data
    said = entry_at(own, position)
    assert said.fact == facts.DetailsErased(entry.id, (0,), "error", "IG-3")
    assert kith.sentence(said.fact) == f"1 detail of event {entry.id}, error, case IG-3"
    assert own.erase_details(str(entry.id), [0], "error") == (position, 0)
    rest, erased = own.erase_details(entry.id, [], "error")
    left = entry_at(own, entry.position)
    assert (erased, texts(left)) == (1, [])
    assert left.erased == (ErasedDetail(0, position), ErasedDetail(1, rest))
    # Who follows the log is told the same.
    followed = next(one for one in own.follow(after=entry.position - 1))
    assert followed == left


def test_a_held_person_is_not_erased_and_erased_once_the_hold_is_lifted(own: Any) -> None:
    entry = record(own, "amina", "ben", notes={"about both": ["amina", "ben"], "about Amina": ["amina"]})
    position = own.set_hold("ben", "inquiry", "INQ-7")
    assert entry_at(own, position).fact == facts.HoldChanged("ben", True, "inquiry", "INQ-7")
    [hold] = own.list_holds("ben")
    assert (hold.person, hold.reason, hold.reference, hold.organisation) == ("ben", "inquiry", "INQ-7", "")
    assert (hold.position, hold.recorded_at) == (position, entry_at(own, position).recorded_at)
    assert own.list_holds("amina") == []
    assert own.list_holds() == [hold]
    for call in (
        lambda: own.erase_person("ben", "withdrawn"),
        lambda: own.erase_details(entry.id, [0], "error"),
    ):
        error = failure(call)
        assert (error.reason, error.code, error.metadata["references"]) == ("PERSON_HELD", 9, "INQ-7")
        assert (error.had_no_effect, error.is_retryable) == (True, False)
    assert own.erasure("ben") == []

    lifted = own.lift_hold("ben", "INQ-7")
    assert entry_at(own, lifted).fact == facts.HoldChanged("ben", False, "inquiry", "INQ-7")
    assert own.list_holds() == []
    head = own.head().position
    preview = own.preview_erasure("ben", "withdrawn")
    assert (preview.people, preview.details, preview.shared_details) == (("ben",), 2, 1)
    assert (preview.others, preview.position) == (1, 0)
    assert own.head().position == head
    erased = own.erase_person("ben", "withdrawn", "IG-2026-0142")
    assert (erased.people, erased.details, erased.position > head) == (("ben",), 2, True)
    [found] = own.erasure("ben", wait=True)
    assert (found.person, found.position) == ("ben", erased.position)
    assert (found.reason, found.reference) == ("withdrawn", "IG-2026-0142")
    assert entry_at(own, found.position).fact == facts.PersonErased("ben", "withdrawn", "IG-2026-0142")
    said = entry_at(own, found.completion.position)
    assert said.fact == facts.ErasureCompleted("ben", found.event, 2, 1)
    assert (said.id, said.recorded_at) == (found.completion.event, found.completion.recorded_at)
    assert (found.completion.details_erased, found.completion.keys_destroyed) == (2, 1)
    left = entry_at(own, entry.position)
    assert (texts(left), left.erased) == (["about Amina"], (ErasedDetail(0, erased.position),))
    assert own.erase_person("ben", "withdrawn").position == erased.position


def test_who_is_erased_has_no_name_and_is_recorded_with_no_more(own: Any) -> None:
    own.erase_person("dana", "objected")
    people = {person.id: (person.name, person.erased) for person in own.people()}
    assert people["dana"] == ("", True)
    assert people["carol"] == ("carol of Riverside", False)
    assert own.person("dana").erased
    assert failure(lambda: own.append(kith.met("dana", "carol"))).reason == "PERSON_ERASED"


def test_whoever_may_not_is_refused(own: Any, server: Kithd, which: str) -> None:
    secret = own.issue_token("recorder").secret
    other = both.connect(which, server.url, token=secret, network=own.network)
    for call in (
        lambda: other.preview_erasure("carol", "withdrawn"),
        lambda: other.erase_person("carol", "withdrawn"),
        lambda: other.set_hold("carol", "inquiry", "INQ-8"),
    ):
        assert failure(call).reason == "PERMISSION_DENIED"
    other.close()
    assert failure(lambda: own.erase_person("nobody", "withdrawn")).reason == "PERSON_UNKNOWN"
    assert failure(lambda: own.erase_details(kith.new_event_id(), [], "error")).reason == "EVENT_UNKNOWN"
    assert failure(lambda: own.erase_person("carol", "whim")).field == "reason"
    assert failure(lambda: own.set_hold("carol", "inquiry", "case 7")).field == "reference"
    assert failure(lambda: own.lift_hold("carol", "INQ-9")).kind == "refused"
