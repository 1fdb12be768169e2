"""Parts of requests that several calls have."""

from datetime import date, datetime
from typing import Any

from kith.dates import aware, parse_since
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


def _bound(when: datetime | date | str | None) -> Any:
    """The start or end of a period; a day stands for its first moment here."""
    if when is None:
        return None
    if isinstance(when, datetime):
        return timestamp(aware(when))
    return timestamp(parse_since(when if isinstance(when, str) else when.isoformat()))
