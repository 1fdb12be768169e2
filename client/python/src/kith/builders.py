"""One function for each kind of event that clients record. What breaks a rule is `Refused` at once, with the field.

The keywords that all of them take are those of `EventOptions`.
"""

from collections.abc import Iterable
from typing import Unpack
from uuid import UUID

from kith import facts
from kith.facts import Answer, RetractionReason
from kith.new_event import EventOptions, NewEvent, Words, event_id, new_event, words_of


def met(*people: str, **options: Unpack[EventOptions]) -> NewEvent:
    """2 to 64 people met, in person or by a call."""
    return new_event(facts.Met(people), **options)


def followed_up(by: str, *with_: str, about: UUID | str | None = None, **options: Unpack[EventOptions]) -> NewEvent:
    """`by` followed up with 1 to 63 others after a contact; `about` is the event followed up on."""
    return new_event(facts.FollowedUp(by, with_, _about("followed_up", about)), **options)


def asked(by: str, *of: str, category: str, **options: Unpack[EventOptions]) -> NewEvent:
    """`by` asked 1 to 63 others for help of a category, such as `equipment`."""
    return new_event(facts.Asked(by, of, category), **options)


def helped(
    helper: str, helped: str, *, category: str = "", about: UUID | str | None = None, **options: Unpack[EventOptions]
) -> NewEvent:
    """`helper` helped `helped`; `about` is the event helped with, often an ask."""
    return new_event(facts.Helped(helper, helped, category, _about("helped", about)), **options)


def referred(referrer: str, person: str, to: str, **options: Unpack[EventOptions]) -> NewEvent:
    """`referrer` introduced `person` to `to`."""
    return new_event(facts.Referred(referrer, person, to), **options)


def answered(referral: UUID | str, by: str, answer: Answer, **options: Unpack[EventOptions]) -> NewEvent:
    """`by` answered an introduction, named by its event: `accepted`, `declined` or `met`."""
    return new_event(facts.Answered(event_id("event.answered.referral", referral), by, answer), **options)


def custom(type: str, *people: str, **options: Unpack[EventOptions]) -> NewEvent:  # noqa: A002 the protocol's word
    """A fact of an organisation's own type, such as `org.example/visit.v1`, with up to 64 people."""
    return new_event(facts.Custom(type, people), **options)


def retracted(event: UUID | str, reason: RetractionReason = "mistake", **options: Unpack[EventOptions]) -> NewEvent:
    """An event is withdrawn: it stays in the log and no longer counts. A note on it needs `subjects`."""
    return new_event(facts.Retracted(event_id("event.retracted.event", event), reason), **options)


def organisation_added(organisation: str, name: str, **options: Unpack[EventOptions]) -> NewEvent:
    """An organisation joins the directory. Needs an owner of the network."""
    return new_event(facts.OrganisationAdded(organisation, name), **options)


def person_added(
    person: str,
    *,
    organisation: str = "",
    role: str = "",
    name: str = "",
    contact: str | Iterable[str] = (),
    **options: Unpack[EventOptions],
) -> NewEvent:
    """A person joins the directory under a pseudonym, such as `new_person_id()` gives.

    Everybody in the network sees name and contact details.
    """
    return new_event(facts.PersonAdded(person, organisation, role), _described(person, name, contact), **options)


def person_changed(
    person: str,
    *,
    organisation: str = "",
    role: str = "",
    name: str = "",
    contact: str | Iterable[str] = (),
    **options: Unpack[EventOptions],
) -> NewEvent:
    """A person's organisation or role changed: both are as given here from now on, so what is left out is empty."""
    return new_event(facts.PersonChanged(person, organisation, role), _described(person, name, contact), **options)


def people_merged(kept: str, merged: str, **options: Unpack[EventOptions]) -> NewEvent:
    """Two ids turned out to be one person: `merged` now means `kept`."""
    return new_event(facts.PeopleMerged(kept, merged), **options)


def _about(kind: str, about: UUID | str | None) -> UUID | None:
    return None if about is None else event_id(f"event.{kind}.about", about)


def _described(person: str, name: str, contact: str | Iterable[str]) -> list[Words]:
    contacts = [contact] if isinstance(contact, str) else contact
    return [
        *words_of("name", name, [person]),
        *[one for text in contacts for one in words_of("contact", text, [person])],
    ]
