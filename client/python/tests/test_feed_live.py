"""The calendar feed as a calendar program reads it."""

import json
import urllib.error
import urllib.request
from datetime import date
from typing import Any

import pytest
from icalendar import Calendar

from tests.kithd import Kithd

OK = 200
NOT_FOUND = 404


def read(url: str) -> list[Any]:
    with urllib.request.urlopen(url) as answer:
        assert answer.status == OK
        assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
        return Calendar.from_ical(answer.read()).walk("VEVENT")


def test_ties_that_cool_are_events_of_today(server: Kithd, demo: Any) -> None:
    rows = [row for row in demo.view("keep_in_touch") if row["state"] == "cooling"]
    person = max((key for row in rows for key in row.key), key=lambda key: sum(key in row.key for row in rows))
    own = [row for row in rows if person in row.key]
    made = json.loads(server.kith("-o", "json", "feed", "add", "--person", person, "--include", "keep-in-touch"))
    events = read(made["url"])
    names = {person.id: person.name for person in demo.people()}
    others = {next(key for key in row.key if key != person) for row in own}
    assert len(events) == len({str(event["UID"]) for event in events}) == len(own) > 0
    for event in events:
        assert any(names[other] in str(event["SUMMARY"]) for other in others)
        start = event["DTSTART"].dt
        assert isinstance(start, date)
        assert str(event["TRANSP"]) == "TRANSPARENT"
    server.kith("feed", "revoke", made["id"])
    with pytest.raises(urllib.error.HTTPError) as refused:
        read(made["url"])
    refused.value.close()
    assert refused.value.code == NOT_FOUND
