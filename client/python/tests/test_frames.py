"""Frames and tables of values that no server has to send first."""

import subprocess
import sys
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest

import kith
from kith import Detail, Entries, Entry, Field, NewEvent, Person, Row, Rows
from kith.html import table
from kith.networks import People

FIELDS = [
    Field(name, kind, "")
    for name, kind in [
        ("score", "number"),
        ("count", "integer"),
        ("state", "text"),
        ("open", "flag"),
        ("last", "day"),
        ("by", "person"),
        ("seen", "event"),
        ("odd", "newer:9"),
    ]
]
VALUES = [
    (0.5, 2**62, "new", True, date(2026, 3, 1), "amina", 7, "x"),
    (None,) * 8,
    (-1.5, 0, "", False, date(9999, 12, 31), "ben", 1, "y"),
    (0.0, 1, "é", None, date(1900, 1, 1), None, None, None),
]


def rows(keys: list[tuple[str, ...]], item: int = 0) -> Rows:
    columns = {one.name: at for at, one in enumerate(FIELDS)}
    made = [Row(key, item, values, 1, 0, columns) for key, values in zip(keys, VALUES, strict=True)]
    return Rows(made, "example", FIELDS, 9, date(2026, 3, 4))


def types(frame: pd.DataFrame) -> dict[str, str]:
    return {str(name): str(kind) for name, kind in frame.dtypes.items()}


def test_rows_have_a_column_for_each_value_and_missing_is_missing() -> None:
    frame = rows([("a", "b"), ("c", "d"), ("e", "f"), ("g", "h")], item=5).frame()
    assert types(frame) == {
        "key_1": "string",
        "key_2": "string",
        "item": "Int64",
        "score": "Float64",
        "count": "Int64",
        "state": "string",
        "open": "boolean",
        "last": "datetime64[s]",
        "by": "string",
        "seen": "Int64",
        "odd": "string",
    }
    assert frame.attrs == {"view": "example", "position": 9, "day": "2026-03-04"}
    assert frame.iloc[1, 3:].isna().all()
    assert frame["count"][0] == 2**62
    assert frame["last"].dt.date.tolist()[2] == date(9999, 12, 31)
    assert frame["state"][2] == ""
    assert frame["open"].isna().tolist() == [False, True, False, True]


def test_rows_of_one_key_or_none_have_one_key_column() -> None:
    frame = rows([("a",), ("b",), ("c",), ("d",)]).frame()
    assert list(frame.columns)[:2] == ["key_1", "score"]
    none = Rows([], "example", FIELDS, 9, date(2026, 3, 4)).frame()
    assert (len(none), types(none)["last"], types(none)["score"]) == (0, "datetime64[s]", "Float64")


def entry(position: int, new: NewEvent) -> Entry:
    return Entry(position, datetime(2026, 3, 4, 10, tzinfo=UTC), "token:x", "", new.event, new.details, b"")


def test_entries_have_a_column_for_each_kind_of_words_and_each_attribute() -> None:
    made = [
        kith.met("amina", "ben", note="a", at=datetime(1900, 1, 1, tzinfo=UTC), attributes={"n": 1, "f": True, "m": 1}),
        kith.custom("org.example/visit.v1", attributes={"n": 0.5, "m": "x"}),
        kith.helped(
            "amina", "ben", place="b", details=[kith.Words("note", ["ben"], "c"), kith.Words("note", ["ben"], "d")]
        ),
    ]
    frame = Entries([entry(at, new) for at, new in enumerate(made, 1)]).frame()
    kinds = types(frame)
    assert (kinds["position"], kinds["occurred_at"]) == ("Int64", "datetime64[ms, UTC]")
    assert (kinds["attribute_n"], kinds["attribute_f"], kinds["attribute_m"]) == ("Float64", "boolean", "string")
    assert frame["kind"].tolist() == ["met", "custom:org.example/visit.v1", "helped"]
    assert frame["people"].tolist() == ["amina,ben", "", "amina,ben"]
    assert frame["note"].fillna("-").tolist() == ["a", "-", "c\nd"]
    assert frame["place"].isna().tolist() == [True, True, False]
    assert frame["occurred_at"][0] == datetime(1900, 1, 1, tzinfo=UTC)
    assert len(Entries().frame()) == 0


def test_people_have_a_frame() -> None:
    people = People(
        [
            Person("amina", 1, "riverside", "", "Amina Shah", 3, "", False),
            Person("p-x", 2, "", "", "", 4, "amina", True),
        ]
    )
    frame = people.frame()
    assert frame["organisation"].isna().tolist() == [False, True]
    assert frame["merged_into"].fillna("-").tolist() == ["-", "amina"]
    assert frame["erased"].tolist() == [False, True]
    assert (types(frame)["handle"], types(frame)["erased"]) == ("Int64", "boolean")


def test_what_is_shown_in_a_notebook_is_escaped_and_bounded() -> None:
    shown = table(("<b>",), [("<script>",), (None,), (0.123456789,)], note="a & b")
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "0.123457" in shown
    assert "a &amp; b" in shown
    assert "&lt;b&gt;" in shown
    many = table(("n",), [(at,) for at in range(1_234)])
    assert many.count("<tr>") == 101
    assert "1,134 more rows" in many


def test_lists_compare_and_slice() -> None:
    people = People([Person("amina", 1, "", "", "", 3, "", False)])
    assert people == People(people)
    assert hash(people) == hash(People(people))
    assert (people[:], repr(people)[:7]) == ((people[0],), "People(")
    assert people != Entries()


def test_without_pandas_everything_else_works_and_frames_say_what_they_need() -> None:
    script = """
import sys
sys.modules["pandas"] = None
import kith
try:
    kith.Entries().frame()
except kith.OptionsInvalid as error:
    print(error)
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout == "frames need pandas: pip install 'kith-client[pandas]'\n"


def test_reading_costs_no_pandas() -> None:
    script = "import sys, kith; print('pandas' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout == "False\n"


@pytest.mark.parametrize(("value", "name"), [(Detail("note", ("a",), "x", bytes(32)), "text"), (FIELDS[0], "name")])
def test_results_never_change(value: Any, name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(value, name, "")
