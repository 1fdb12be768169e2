"""Calls that erase words, and that hold them. Erasing again changes nothing, so these calls can be repeated."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from kith.canonical import uuid_of
from kith.errors import AnswerInvalid
from kith.new_event import event_id
from kith.options import Options
from kith.records import Completion, ErasedPerson, Erasure, Hold
from kith.steps import Steps, call
from kith.wire import method, read_time


def erase_person(options: Options, person: str, reason: str, reference: str, *, dry_run: bool) -> Steps[ErasedPerson]:
    """Erases all words about a person, or only counts them."""
    kind = method("RecordsService/ErasePerson")
    asked = {"person": person, "reason": reason, "reference": reference, "dry_run": dry_run}
    answer = yield from call(kind, kind.ask(network=options.network, **asked), options.retry)
    return ErasedPerson(tuple(answer.people), answer.details, answer.shared_details, answer.others, answer.position)


def erasure(options: Options, person: str, *, wait: bool) -> Steps[list[Erasure]]:
    """How far the erasure of each id that means a person has come."""
    kind = method("RecordsService/GetErasure")
    answer = yield from call(kind, kind.ask(network=options.network, person=person, wait=wait), options.retry)
    return [_erasure(found) for found in answer.erasures]


def erase_details(
    options: Options, event: UUID | str, details: Iterable[int], reason: str, reference: str
) -> Steps[tuple[int, int]]:
    """Erases single details; returns the position of the entry that does, and how many there were to erase."""
    kind = method("RecordsService/EraseDetails")
    asked = {"event": event_id("event", event).bytes, "details": details, "reason": reason, "reference": reference}
    answer = yield from call(kind, kind.ask(network=options.network, **asked), options.retry)
    return answer.position, answer.erased


def set_hold(options: Options, person: str, reason: str, reference: str) -> Steps[int]:
    """Sets a hold; returns the position of the entry that does."""
    return (
        yield from _change_hold(options, repeatable=True, person=person, held=True, reason=reason, reference=reference)
    )


def lift_hold(options: Options, person: str, reference: str) -> Steps[int]:
    """Lifts a hold, which cannot be lifted again; returns the position of the entry that does."""
    return (yield from _change_hold(options, repeatable=False, person=person, held=False, reference=reference))


def _change_hold(options: Options, *, repeatable: bool, **asked: Any) -> Steps[int]:
    kind = method("RecordsService/ChangeHold")
    request = kind.ask(network=options.network, **asked)
    answer = yield from call(kind, request, options.retry, repeatable=repeatable)
    position: int = answer.position
    return position


def list_holds(options: Options, person: str) -> Steps[list[Hold]]:
    """The holds that are set."""
    kind = method("RecordsService/ListHolds")
    answer = yield from call(kind, kind.ask(network=options.network, person=person), options.retry)
    return [
        Hold(one.person, one.reason, one.reference, one.organisation, one.position, _time(one, "recorded_at"))
        for one in answer.holds
    ]


def _erasure(found: Any) -> Erasure:
    return Erasure(
        person=found.person,
        event=uuid_of(found.event),
        position=found.position,
        recorded_at=_time(found, "recorded_at"),
        reason=found.reason,
        reference=found.reference,
        completion=_completion(found) if found.completed_position else None,
        replicas=found.replicas,
        replicas_told=found.replicas_told,
    )


def _completion(found: Any) -> Completion:
    return Completion(
        event=uuid_of(found.completed_event),
        position=found.completed_position,
        recorded_at=_time(found, "completed_at"),
        details_erased=found.details_erased,
        keys_destroyed=found.keys_destroyed,
    )


def _time(found: Any, field: str) -> datetime:
    """A time that must be in the answer."""
    time = read_time(found, field)
    if time is None:
        raise AnswerInvalid(f"the server's answer is malformed: {field} is missing")
    return time
