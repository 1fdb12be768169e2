"""Dates as people write them: `yesterday`, `3 days ago`, `last monday`, `2026-03-04`, RFC 3339.

Days and times without a zone are in the user's zone, except days of views, which are UTC for everybody. The same
results as in server/json/src/dates.rs: tests/fixtures/dates.json lists them. `zone` is this machine's unless given.
"""

import calendar
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from zoneinfo import ZoneInfo

from kith.errors import OptionsInvalid
from kith.rules import TIME_MIN

_DAY = timedelta(days=1)
_MILLISECOND = timedelta(milliseconds=1)
_FUTURE_MAX = timedelta(seconds=60)
"""How far ahead of now a point in time may lie: clocks differ."""
_NOON = clock(12)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHORTER = {"second": timedelta(seconds=1), "minute": timedelta(minutes=1), "hour": timedelta(hours=1)}
_UNITS = {
    "ms": _MILLISECOND,
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": _DAY,
    "w": 7 * _DAY,
}
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CLOCK = re.compile(r"(.{10})[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?")
_WITH_ZONE = re.compile(r"(.{10}[Tt ].*?)(?:[Zz]|([+-])([0-9]{2}):?([0-9]{2})?)")


def parse_on(text: str, now: datetime | None = None, zone: ZoneInfo | None = None) -> datetime:
    """Reads when something happened; raises `OptionsInvalid`.

    A day means its noon in the zone, or now if noon is still ahead, so that it is the same date in most zones.
    """
    now = _now(now)
    return _within(text, lambda: _moment_of_day(_parse_past(text, now, zone), now, zone))


def parse_since(text: str, now: datetime | None = None, zone: ZoneInfo | None = None) -> datetime:
    """Reads the start of a period; a day means its first moment in the zone. Raises `OptionsInvalid`."""
    moment = _parse_past(text, _now(now), zone)
    return _within(text, lambda: moment if isinstance(moment, datetime) else _at(moment, clock(), zone))


def parse_view_day(text: str, now: datetime | None = None) -> date:
    """Reads a day of views: a UTC day, or the UTC day of a point in time. Raises `OptionsInvalid`."""
    now = _now(now)
    start = _start(_parse(text, now, ZoneInfo("UTC")))
    if start > now + _FUTURE_MAX:
        day = now.astimezone(UTC).date()
        raise OptionsInvalid(f"{text} lies in the future: days of views are days in UTC, where it is {day}")
    return start.date()


def parse_known(text: str, now: datetime | None = None) -> datetime:
    """Reads until when something was known: the end of a UTC day, or a point in time. Raises `OptionsInvalid`."""
    now = _now(now)
    day = parse_view_day(text, now)
    moment = _parse(text, now, ZoneInfo("UTC"))
    return moment if isinstance(moment, datetime) else end_of(day)


def parse_end(text: str, now: datetime | None = None, zone: ZoneInfo | None = None) -> datetime:
    """Reads when something ends: a length of time from now such as `90d`, or a date, which ends at its end in the zone.

    Raises `OptionsInvalid`.
    """
    now = _now(now)
    try:
        length = _duration(text)
        if length is not None:
            end = now + length
        else:
            moment = _parse(text, now, zone)
            end = moment if isinstance(moment, datetime) else _at(moment, clock(23, 59, 59, 999_000), zone)
    except OverflowError as error:
        raise OptionsInvalid(f"{text} is too far away") from error
    except OptionsInvalid as error:
        raise OptionsInvalid(f"{text} is neither like 90d nor a date") from error
    if end <= now:
        raise OptionsInvalid(f"{text} lies in the past")
    return end


def parse_duration(text: str) -> timedelta:
    """Reads a length of time such as `40s`, `90d` or `1h30m`; raises `OptionsInvalid`."""
    try:
        length = _duration(text)
    except OverflowError:
        length = None
    if length is None:
        raise OptionsInvalid(f"{text} is not a length of time: try 40s, 15m, 12h or 90d")
    return length


def read_time(text: str) -> datetime | None:
    """Reads RFC 3339, in any zone; `None` for anything else. Fractions of a millisecond are cut off."""
    found = _WITH_ZONE.fullmatch(text)
    shown = _read_clock(found[1]) if found else None
    if found is None or shown is None:
        return None
    hours, minutes = int(found[3] or 0), int(found[4] or 0)
    if hours > 25 or minutes > 59:
        return None
    ahead = timedelta(hours=hours, minutes=minutes)
    try:
        return shown.replace(tzinfo=UTC) + (ahead if found[2] == "-" else -ahead)
    except OverflowError:
        return None


def started(when: date) -> datetime:
    """When something happened, given as an aware datetime or a day, which means the same as its text."""
    if not isinstance(when, datetime):
        if not isinstance(when, date):
            raise OptionsInvalid(f"{when!r} is no day, time or text")
        return parse_on(when.isoformat())
    return aware(when)


def aware(time: datetime) -> datetime:
    """A point in time in UTC and whole milliseconds; one without a zone is refused."""
    if time.utcoffset() is None:
        raise OptionsInvalid(f"{time} has no zone: say which, as in datetime.now(UTC)")
    try:
        found = time.astimezone(UTC)
    except OverflowError as error:
        raise _out_of_range(str(time)) from error
    return found - timedelta(microseconds=found.microsecond % 1000)


def end_of(day: date) -> datetime:
    """The last millisecond of a UTC day."""
    return datetime.combine(day, clock(23, 59, 59, 999_000), UTC)


def _now(now: datetime | None) -> datetime:
    found = datetime.now(UTC) if now is None else now
    return found - timedelta(microseconds=found.microsecond % 1000)


def _moment_of_day(moment: date, now: datetime, zone: ZoneInfo | None) -> datetime:
    return moment if isinstance(moment, datetime) else min(_at(moment, _NOON, zone), now)


def _at(day: date, time: clock, zone: ZoneInfo | None) -> datetime:
    """The point in time at which clocks in a zone show this. The first of two such points.

    If clocks skip it, as if they had not been put forward yet.
    """
    shown = datetime.combine(day, time)
    # Python means other points by `fold` where clocks skip a time, depending on where the zone comes from.
    points = [shown.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    shows_it = [point for point in points if point.astimezone(zone).replace(tzinfo=None, fold=0) == shown]
    return min(shows_it) if shows_it else max(points)


def _start(moment: date) -> datetime:
    """The point itself, or the start of the UTC day."""
    return moment if isinstance(moment, datetime) else datetime.combine(moment, clock(), UTC)


def _within(text: str, moment: Callable[[], datetime]) -> datetime:
    """A moment in the years that Kith knows."""
    try:
        found = moment()
    except (OverflowError, ValueError) as error:
        raise _out_of_range(text) from error
    if found < TIME_MIN:
        raise _out_of_range(text)
    return found


def _out_of_range(text: str) -> OptionsInvalid:
    return OptionsInvalid(f"{text} is not between the years 1900 and 9999")


def _parse_past(text: str, now: datetime, zone: ZoneInfo | None) -> date:
    """Reads a date that does not lie ahead: a datetime if it is a point in time."""
    moment = _parse(text, now, zone)
    if isinstance(moment, datetime):
        lies_ahead = moment > now + _FUTURE_MAX
    else:
        lies_ahead = moment > now.astimezone(zone).date()
    if lies_ahead:
        raise OptionsInvalid(f"{text} lies in the future")
    return moment


def _parse(text: str, now: datetime, zone: ZoneInfo | None) -> date:
    try:
        moment = _parse_words(text.lower().split(), now, now.astimezone(zone).date())
        if moment is None:
            moment = _parse_exact(text.strip(), zone)
        start = _start(moment)
    except (OverflowError, ValueError) as error:
        raise _out_of_range(text) from error
    if start < TIME_MIN:
        raise _out_of_range(text)
    return moment


def _parse_words(words: list[str], now: datetime, today: date) -> date | None:
    match words:
        case ["now"]:
            return now
        case ["today"]:
            return today
        case ["yesterday"]:
            return today - _DAY
        case ["last", ("week" | "month" | "year") as unit]:
            return _back(today, 1, unit)
        case [name] | ["last", name]:
            return _last_weekday(name, today)
        case [count, unit, "ago"]:
            return _ago(now, today, count, unit.rstrip("s"))
        case _:
            return None


def _ago(now: datetime, today: date, written: str, unit: str) -> date | None:
    """The time so many units ago. Days and longer units give days, shorter ones points in time."""
    count = 1 if written in ("a", "an") else int(written) if re.fullmatch(r"[+-]?[0-9]{1,15}", written) else None
    if count is None:
        return None
    length = _SHORTER.get(unit)
    return _back(today, count, unit) if length is None else now - count * length


def _back(today: date, count: int, unit: str) -> date | None:
    match unit:
        case "day":
            return today - count * _DAY
        case "week":
            return today - count * 7 * _DAY
        case "month":
            return _months_before(today, count)
        case "year":
            return _months_before(today, 12 * count)
        case _:
            return None


def _months_before(day: date, count: int) -> date:
    """The same day of an earlier month, or that month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 - count, 12)
    if not 1 <= year <= 9999:
        raise OverflowError
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _last_weekday(name: str, today: date) -> date | None:
    """The last such weekday before today."""
    found = [at for at, weekday in enumerate(_WEEKDAYS) if name in (weekday, weekday[:3])]
    return today - ((today.weekday() - found[0] - 1) % 7 + 1) * _DAY if found else None


def _parse_exact(text: str, zone: ZoneInfo | None) -> date:
    time = read_time(text)
    if time is not None:
        return time
    day = _read_date(text)
    if day is not None:
        return day
    shown = _read_clock(text)
    if shown is not None:
        return _at(shown.date(), shown.time(), zone)
    raise OptionsInvalid(
        f"{text} is not a date: try yesterday, 3 days ago, last monday, 2026-03-04 or 2026-03-04T10:30:00Z"
    )


def _read_date(text: str) -> date | None:
    if not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _read_clock(text: str) -> datetime | None:
    """Reads what a clock shows, `YYYY-MM-DD HH:MM` with seconds or without."""
    found = _CLOCK.fullmatch(text)
    day = _read_date(found[1]) if found else None
    if found is None or day is None:
        return None
    hour, minute, second = int(found[2]), int(found[3]), int(found[4] or 0)
    if hour > 23 or minute > 59 or second > 60:
        return None
    millis = int((found[5] or "").ljust(3, "0")[:3])
    return datetime.combine(day, clock(hour, minute, min(second, 59), millis * 1000))


def _duration(text: str) -> timedelta | None:
    if not re.fullmatch(r"(?:[0-9]{1,15}[a-z]+)+", text.strip()):
        return None
    total = timedelta()
    for count, unit in re.findall(r"([0-9]+)([a-z]+)", text):
        if unit not in _UNITS:
            return None
        total += int(count) * _UNITS[unit]
    return total or None
