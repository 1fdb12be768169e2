"""Points in time: aware `datetime`s outside, whole milliseconds since 1970 inside."""

from datetime import UTC, date, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_MILLISECOND = timedelta(milliseconds=1)


class TimeOutOfRange(ValueError):
    """A time that `datetime` cannot hold."""


def millis_of(time: datetime) -> int:
    """Milliseconds since 1970, cut down. The time must be aware."""
    return (time - _EPOCH) // _MILLISECOND


def time_of(millis: int) -> datetime:
    """The time in UTC; raises `TimeOutOfRange`."""
    try:
        return _EPOCH + timedelta(milliseconds=millis)
    except OverflowError as error:
        raise TimeOutOfRange(f"{millis} ms since 1970 is no time that a calendar has") from error


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - _EPOCH_DAY


def day_of(number: int) -> date:
    """The day that is so many days after 1970-01-01; raises `TimeOutOfRange`."""
    try:
        return date.fromordinal(number + _EPOCH_DAY)
    except (ValueError, OverflowError) as error:
        raise TimeOutOfRange(f"{number} days since 1970 is no day that a calendar has") from error
