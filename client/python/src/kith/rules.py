"""The rules of events that need no log, with the reason and field that a server gives: those of server/core.

What a rule needs of the log, the server checks.
"""

import math
import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from kith import facts
from kith.canonical import ANSWERS, DETAIL_KINDS, RETRACTION_REASONS, SCOPES, commitment
from kith.event import DETAILS_MAX, Detail, Event
from kith.facts import Fact
from kith.ids import is_event_id
from kith.refusals import OCCURRED_AT, TIME_RULE, broken, check_count, must_be, refuse, too_long

APPEND_EVENTS_MAX = 1_000
"""Events in one append. This and what follows are the limits of server/core/src/limits.rs.

An event within all others cannot break the one of its bytes, 16 KiB.
"""
APPEND_BYTES_MAX = 1024 * 1024
CAUSED_BY_MAX = 16
ATTRIBUTES_MAX = 32
ATTRIBUTE_KEY_BYTES_MAX = 64
ATTRIBUTE_TEXT_BYTES_MAX = 256
DETAIL_TEXT_BYTES_MAX = 4_096
PEOPLE_MAX = 64
OTHERS_MAX = 63
ID_BYTES_MAX = 64
ORGANISATION_NAME_BYTES_MAX = 128
ROLE_BYTES_MAX = 32
CATEGORY_BYTES_MAX = 32
CUSTOM_TYPE_BYTES_MAX = 64
EVENT_SALT_BYTES = 16
DETAIL_SALT_BYTES = 32

TIME_MIN = datetime(1900, 1, 1, tzinfo=UTC)
"""From here on anything can have happened, up to the year 9999."""

_PERSON = re.compile(r"[A-Za-z0-9_.@-]+")
_ORGANISATION = re.compile(r"[A-Za-z0-9_.-]+")
_CATEGORY = re.compile(r"[a-z0-9_-]+")
_CUSTOM_TYPE = re.compile(r"[a-z0-9._-]+/[a-z0-9._-]+")
_ATTRIBUTE_KEY = re.compile(r"[a-z][a-z0-9_.-]*")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_BREAKS_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_TURNS = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_INVISIBLE_LETTERS = frozenset("\u115f\u1160\u3164\uffa0")
_CIRCLED_LETTERS = re.compile("[\u24b6-\u24e9\U0001f130-\U0001f149\U0001f150-\U0001f169\U0001f170-\U0001f189]")


def check_event(event: Event, details: Sequence[Detail]) -> None:
    """Checks an event that clients record, with its details in the order of its commitments. Raises `Refused`."""
    _check_head(event)
    _check_fact(event.fact)
    _check_details(event, details)


def check_append(events: int, size_bytes: int) -> None:
    """Checks the number and the bytes of events for one append."""
    check_count("events", events, 1, APPEND_EVENTS_MAX)
    if size_bytes > APPEND_BYTES_MAX:
        too_long("events", APPEND_BYTES_MAX, size_bytes)


def _check_head(event: Event) -> None:
    """Checks what every event has, in the order of its fields."""
    _check_id("event.id", event.id)
    if event.occurred_at < TIME_MIN:
        must_be(OCCURRED_AT, TIME_RULE)
    if event.scope not in SCOPES:
        must_be("event.scope", "network or organisation")
    check_count("event.caused_by", len(event.caused_by), 0, CAUSED_BY_MAX)
    for cause in event.caused_by:
        _check_id("event.caused_by", cause)
    _check_unique("event.caused_by", event.caused_by)
    check_count("event.attributes", len(event.attributes), 0, ATTRIBUTES_MAX)
    for key, value in event.attributes.items():
        _check_attribute(key, value)
    if not event.salt:
        broken("event.salt", "is missing")
    if len(event.salt) != EVENT_SALT_BYTES:
        must_be("event.salt", "16 random bytes")
    check_count("event.details", len(event.commitments), 0, DETAILS_MAX)


def _check_attribute(key: str, value: Any) -> None:
    _check_text("event.attributes.key", key, ATTRIBUTE_KEY_BYTES_MAX)
    if not _ATTRIBUTE_KEY.fullmatch(key):
        must_be("event.attributes.key", "made of a-z, 0-9, _ . - and start with a letter")
    field = "event.attributes.value"
    if isinstance(value, str):
        _check_text_or_empty(field, value, ATTRIBUTE_TEXT_BYTES_MAX)
    elif isinstance(value, int):
        if not -(1 << 63) <= value < 1 << 63:
            must_be(field, "a whole number of 64 bits")
    elif not isinstance(value, float):
        must_be(field, "exactly one of text, integer, number and flag")
    elif not math.isfinite(value):
        must_be(field, "a finite number")


def _check_fact(fact: Fact) -> None:
    """Checks a fact that clients record."""
    at = f"event.{fact.KIND}"
    match fact:
        case facts.Met(people):
            _check_people(f"{at}.people", people, 2, PEOPLE_MAX)
        case facts.FollowedUp(by, others, about):
            _check_person(f"{at}.by", by)
            _check_others(f"{at}.with", others, by)
            _check_id_or_none(f"{at}.about", about)
        case facts.Asked(by, of, category):
            _check_person(f"{at}.by", by)
            _check_others(f"{at}.of", of, by)
            _check_category(f"{at}.category", category)
        case facts.Helped(helper, helped, category, about):
            _check_person(f"{at}.helper", helper)
            _check_person(f"{at}.helped", helped)
            if category:
                _check_category(f"{at}.category", category)
            _check_id_or_none(f"{at}.about", about)
            _check_unique(at, (helper, helped))
        case facts.Referred(referrer, person, to):
            for field, one in (("referrer", referrer), ("person", person), ("to", to)):
                _check_person(f"{at}.{field}", one)
            _check_unique(at, (referrer, person, to))
        case facts.Answered(referral, by, answer):
            _check_target(f"{at}.referral", referral)
            _check_person(f"{at}.by", by)
            _check_one_of(f"{at}.answer", answer, ANSWERS, "accepted, declined or met")
        case facts.Custom(kind, people):
            _check_text(f"{at}.type", kind, CUSTOM_TYPE_BYTES_MAX)
            if not _CUSTOM_TYPE.fullmatch(kind):
                must_be(f"{at}.type", "such as org.example/visit.v1")
            _check_people(f"{at}.people", people, 0, PEOPLE_MAX)
        case facts.Retracted(event, reason):
            _check_target(f"{at}.event", event)
            _check_one_of(f"{at}.reason", reason, RETRACTION_REASONS, "mistake, duplicate, consent or other")
        case facts.OrganisationAdded(organisation, name):
            _check_short(f"{at}.organisation", organisation, ID_BYTES_MAX, _ORGANISATION, _ORGANISATION_RULE)
            _check_text(f"{at}.name", name, ORGANISATION_NAME_BYTES_MAX)
        case facts.PersonAdded(person, organisation, role) | facts.PersonChanged(person, organisation, role):
            _check_person(f"{at}.person", person)
            if organisation:
                _check_short(f"{at}.organisation", organisation, ID_BYTES_MAX, _ORGANISATION, _ORGANISATION_RULE)
            _check_text_or_empty(f"{at}.role", role, ROLE_BYTES_MAX)
        case facts.PeopleMerged(kept, merged):
            _check_person(f"{at}.kept", kept)
            _check_person(f"{at}.merged", merged)
            _check_unique(at, (kept, merged))
        case _:
            must_be("event.fact", "a fact that clients record")


_ORGANISATION_RULE = "made of letters, digits and _ . -"


def _check_details(event: Event, details: Sequence[Detail]) -> None:
    """Checks the details of an event, and the names that it gives."""
    check_count("details", len(details), 0, DETAILS_MAX)
    for detail in details:
        _check_detail(detail)
    if tuple(commitment(detail) for detail in details) != event.commitments:
        refuse("DETAILS_MISMATCH", "details", "does not match its commitment")
    for detail in details:
        _check_place(event.fact, detail)
    if isinstance(event.fact, facts.OrganisationAdded):
        _check_name("event.organisation_added.name", event.fact.name, ORGANISATION_NAME_BYTES_MAX)
    for detail in details:
        if detail.kind == "name":
            _check_name("details.text", detail.text, DETAIL_TEXT_BYTES_MAX)


def _check_detail(detail: Detail) -> None:
    _check_one_of("details.kind", detail.kind, DETAIL_KINDS, "a kind of detail")
    _check_text("details.text", detail.text, DETAIL_TEXT_BYTES_MAX)
    _check_people("details.subjects", detail.subjects, 1, PEOPLE_MAX)
    if list(detail.subjects) != sorted(detail.subjects):
        broken("details.subjects", "is not sorted")
    if len(detail.salt) != DETAIL_SALT_BYTES:
        must_be("details.salt", "32 random bytes")


def _check_place(fact: Fact, detail: Detail) -> None:
    """Names and contact details belong to the directory, which everybody reads."""
    if detail.kind not in ("name", "contact"):
        return
    if not isinstance(fact, facts.PersonAdded | facts.PersonChanged):
        must_be(
            "details.kind",
            "a note, a place or words: names and contact details belong to the events that add or change a person",
        )
    if detail.subjects != (fact.person,):
        must_be(
            "details.subjects",
            "the person who is added or changed, alone, where it is a name or contact details",
        )


def _check_name(field: str, name: str, most: int) -> None:
    """Checks that a name is one line that is displayed as written, with at least one visible letter or digit."""
    _check_text(field, name, most)
    if _BREAKS_LINE.search(name):
        must_be(field, "a name on one line, without tabs")
    if _TURNS.search(name):
        must_be(field, "a name without characters that turn the direction of text")
    if not any(_is_letter_or_digit(one) for one in name):
        must_be(field, "a name with a letter or digit that can be seen")


def _is_letter_or_digit(one: str) -> bool:
    if one in _INVISIBLE_LETTERS:
        return False
    return unicodedata.category(one)[0] in "LN" or _CIRCLED_LETTERS.match(one) is not None


def _check_people(field: str, ids: Sequence[str], least: int, most: int) -> None:
    check_count(field, len(ids), least, most)
    for one in ids:
        _check_person(field, one)
    _check_unique(field, ids)


def _check_others(field: str, ids: Sequence[str], by: str) -> None:
    _check_people(field, ids, 1, OTHERS_MAX)
    if by in ids:
        broken(field, f"names {by} twice")


def _check_person(field: str, person: str) -> None:
    _check_short(field, person, ID_BYTES_MAX, _PERSON, "made of letters, digits and _ . @ -")


def _check_category(field: str, category: str) -> None:
    _check_short(field, category, CATEGORY_BYTES_MAX, _CATEGORY, "made of a-z, 0-9, _ and -")


def _check_short(field: str, text: str, most: int, allowed: re.Pattern[str], rule: str) -> None:
    if not text:
        broken(field, "is missing")
    _check_bytes(field, text, most)
    if not allowed.fullmatch(text):
        must_be(field, rule)


def _check_target(field: str, event: UUID) -> None:
    """Checks the event that a fact names: where a fact that was read names none, zeros stand for it."""
    if not event.int:
        broken(field, "is missing")
    _check_id(field, event)


def _check_id(field: str, value: UUID) -> None:
    if not is_event_id(value):
        must_be(field, "an RFC 9562 UUID of 16 bytes")


def _check_id_or_none(field: str, value: UUID | None) -> None:
    if value is not None:
        _check_id(field, value)


def _check_one_of(field: str, value: str, known: Sequence[str], rule: str) -> None:
    if not value:
        broken(field, "is missing")
    if value not in known:
        must_be(field, rule)


def _check_text(field: str, text: str, most: int) -> None:
    if text == "":
        broken(field, "is missing")
    _check_text_or_empty(field, text, most)


def _check_text_or_empty(field: str, text: str, most: int) -> None:
    _check_bytes(field, text, most)
    if _CONTROL.search(text):
        must_be(field, "text without control characters")


def _check_bytes(field: str, text: Any, most: int) -> None:
    """Checks the length in UTF-8. Half of a pair of surrogates has no such bytes."""
    if not isinstance(text, str):
        must_be(field, "text")
    try:
        found = len(text.encode())
    except UnicodeEncodeError:
        must_be(field, "text without halves of characters")
    if found > most:
        too_long(field, most, found)


def _check_unique(field: str, items: Sequence[Any]) -> None:
    if len(set(items)) == len(items):
        return
    twice = next(item for at, item in enumerate(items) if item in items[:at])
    broken(field, f"names {twice} twice")
