import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from kith import OptionsInvalid, met
from kith.dates import parse_duration, parse_end, parse_known, parse_on, parse_since, parse_view_day, read_time
from tests.fixtures import failure, fixture

DATES = fixture("dates")
NOW = datetime(2026, 3, 4, 10, 30, tzinfo=UTC)
"""A Wednesday."""
UTC_ZONE = ZoneInfo("UTC")


def or_none(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except OptionsInvalid:
        return None


def given(text: str | None) -> datetime | None:
    return None if text is None else read_time(text)


@pytest.mark.parametrize("case", DATES, ids=lambda case: f"{case['text']} in {case['zone']} at {case['now']}")
def test_every_language_reads_the_same_dates(case: dict[str, Any]) -> None:
    text, zone, now = case["text"], ZoneInfo(case["zone"]), given(case["now"])
    assert or_none(lambda: parse_on(text, now, zone)) == given(case["on"])
    assert or_none(lambda: parse_since(text, now, zone)) == given(case["since"])
    assert or_none(lambda: str(parse_view_day(text, now))) == case["day"]


@pytest.fixture
def here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sets the zone of this machine to that of a case."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(("case", "here"), [(case, case["zone"]) for case in DATES], indirect=["here"])
@pytest.mark.usefixtures("here")
def test_the_zone_of_this_machine_is_meant_unless_another_is_given(case: dict[str, Any]) -> None:
    text, now = case["text"], given(case["now"])
    assert or_none(lambda: parse_on(text, now)) == given(case["on"])
    assert or_none(lambda: parse_since(text, now)) == given(case["since"])


def test_the_table_has_cases() -> None:
    assert len(DATES) > 40


def test_what_was_known_is_known_until_the_end_of_its_day() -> None:
    assert parse_known("2026-03-03", NOW) == read_time("2026-03-03T23:59:59.999Z")
    assert parse_known("2026-03-03T10:00:00Z", NOW) == read_time("2026-03-03T10:00:00Z")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90d", "2026-06-02T10:30:00Z"),
        ("1h30m", "2026-03-04T12:00:00Z"),
        ("2026-03-05", "2026-03-05T23:59:59.999Z"),
        ("yesterday", "lies in the past"),
        ("soon", "neither like 90d nor a date"),
        ("9999999999d", "too far away"),
        ("0s", "neither like 90d nor a date"),
    ],
)
def test_ends(text: str, expected: str) -> None:
    if expected.endswith("Z"):
        assert parse_end(text, NOW, UTC_ZONE) == read_time(expected)
    else:
        assert expected in str(failure(lambda: parse_end(text, NOW, UTC_ZONE)))


def test_lengths_of_time_need_a_unit() -> None:
    assert (parse_duration("40s"), parse_duration("1w2d")) == (timedelta(seconds=40), timedelta(days=9))
    for text in ("40", "d", "", "4y", "-1d", "99999999999999d"):
        with pytest.raises(OptionsInvalid, match="length of time"):
            parse_duration(text)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("3 months ago", "2025-12-04"),
        ("a year ago", "2025-03-04"),
        ("last year", "2025-03-04"),
        ("2026-03-03T23:30:00-02:00", "2026-03-04"),
        ("1969-12-31T23:59:59.9999Z", "1969-12-31"),
    ],
)
def test_days_of_views(text: str, day: str) -> None:
    assert str(parse_view_day(text, NOW)) == day


def test_the_last_day_of_a_month_stands_for_a_longer_ones() -> None:
    assert parse_view_day("1 month ago", datetime(2026, 3, 31, 12, tzinfo=UTC)) == date(2026, 2, 28)


@pytest.mark.parametrize(
    "text",
    [
        "2026-13-01",
        "2026-03-04T25:00:00Z",
        "1899-12-31T23:59:59Z",
        "10000-01-01",
        "400 years ago",
        "99999999999999 years ago",
        "99999999999999 minutes ago",
        "3 fortnights ago",
        "last",
        "ago",
        "x ago y",
        "\u0663 days ago",
        "",
    ],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(OptionsInvalid, match=r"is not a date|not between the years"):
        parse_on(text, NOW, UTC_ZONE)


def test_events_take_days_times_and_text() -> None:
    def occurred(**when: Any) -> datetime:
        return met("amina", "ben", **when).event.occurred_at

    assert occurred(on="2026-03-04") == occurred(on=date(2026, 3, 4)) == parse_on("2026-03-04")
    there = datetime(2026, 3, 4, 10, 0, 0, 1_999, tzinfo=timezone(timedelta(hours=2)))
    assert occurred(at=there) == occurred(on=there) == datetime(2026, 3, 4, 8, 0, 0, 1_000, tzinfo=UTC)
    assert abs(occurred() - datetime.now(UTC)) < timedelta(seconds=5)
    assert occurred(at=datetime(1970, 1, 1, tzinfo=UTC) - timedelta(microseconds=1)).microsecond == 999_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"at": datetime(2026, 3, 4)}, "has no zone"),
        ({"on": datetime(2026, 3, 4)}, "has no zone"),
        ({"on": "tomorrow"}, "is not a date"),
        ({"on": 3}, "no day, time or text"),
        ({"at": date(2026, 3, 4)}, "give a day as on"),
        ({"on": "today", "at": NOW}, "give one of them"),
        ({"on": date(1899, 12, 31)}, "not between the years"),
    ],
)
def test_times_that_say_nothing_certain_are_refused(options: dict[str, Any], message: str) -> None:
    error = failure(lambda: met("amina", "ben", **options))
    assert (error.kind, error.had_no_effect) == ("options_invalid", True)
    assert message in str(error)


def test_a_time_before_the_year_1900_breaks_a_rule() -> None:
    error = failure(lambda: met("amina", "ben", at=datetime(1899, 12, 31, tzinfo=UTC)))
    assert (error.reason, error.field) == ("EVENT_INVALID", "event.occurred_at")
