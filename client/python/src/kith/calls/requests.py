"""Parts of requests and answers that several calls have."""

from datetime import date, datetime
from typing import Any

from kith.canonical import ROLES
from kith.dates import aware, end_of, parse_end, parse_known, parse_since
from kith.errors import OptionsInvalid
from kith.filters import Filter
from kith.log import Cursor
from kith.new_event import NewEvent
from kith.wire import make, message, timestamp


def new_event_message(event: NewEvent) -> Any:
    """The `kith.v1.NewEvent` of an event."""
    return message("NewEvent").FromString(event.to_bytes())


def filter_message(wanted: Filter | None) -> Any:
    """The `kith.v1.Filter` of a filter; `None` lets everything pass."""
    if wanted is None:
        return message("Filter")()
    return make(
        message("Filter"),
        kinds=wanted.kinds,
        people=wanted.people,
        all_people=wanted.all_people,
        organisations=wanted.organisations,
        occurred_from=_bound(wanted.since),
        occurred_until=_bound(wanted.until),
    )


def cursor_message(cursor: Cursor) -> Any:
    """The `kith.v1.Cursor` of a cursor."""
    return make(message("Cursor"), position=cursor.position, incarnation=cursor.incarnation, filter=cursor.filter)


def role_number(role: str) -> int:
    """The number of a role; raises `OptionsInvalid`."""
    if role not in ROLES:
        raise OptionsInvalid(f"there is no role {role}: it is one of {', '.join(ROLES)}")
    return ROLES.index(role) + 1


def role_name(number: int) -> str:
    """The name of a role, or `newer:N` for one of a later version."""
    return ROLES[number - 1] if 1 <= number <= len(ROLES) else f"newer:{number}"


def expiry(expires: str | date | None) -> Any:
    """When something expires; a day ends with its last moment here."""
    if expires is None:
        return None
    if isinstance(expires, datetime):
        return timestamp(aware(expires))
    return timestamp(parse_end(expires if isinstance(expires, str) else expires.isoformat()))


def known_at(as_of: str | date) -> Any:
    """The time as of which something was known; a day ends with its last moment in UTC."""
    if isinstance(as_of, str):
        return timestamp(parse_known(as_of))
    return timestamp(aware(as_of) if isinstance(as_of, datetime) else end_of(as_of))


def _bound(when: datetime | date | str | None) -> Any:
    """The start or end of a period; a day stands for its first moment here."""
    if when is None:
        return None
    if isinstance(when, datetime):
        return timestamp(aware(when))
    return timestamp(parse_since(when if isinstance(when, str) else when.isoformat()))
