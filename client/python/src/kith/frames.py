"""Results as pandas DataFrames. pandas is imported only here, and only when a frame is asked for."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kith.errors import OptionsInvalid

if TYPE_CHECKING:
    from pandas import DataFrame

    from kith.entry import Entry

_TYPES = {"number": "Float64", "integer": "Int64", "event": "Int64", "flag": "boolean"}
"""The type of a column by what it holds; everything else but days and times is text."""
_ATTRIBUTES = {bool: "flag", int: "integer", float: "number"}

Column = tuple[str, str, Sequence[Any]]
"""A column: its name, what it holds, and its values; `None` is missing."""


def frame_of(columns: Sequence[Column], attrs: Mapping[str, Any] | None = None) -> "DataFrame":
    """A frame of columns; `attrs` say where it comes from. Raises `OptionsInvalid` if pandas is not installed."""
    try:
        import pandas as pd
    except ImportError as error:
        raise OptionsInvalid("frames need pandas: pip install 'kith-client[pandas]'") from error
    data: dict[str, Any] = {}
    for name, holds, values in columns:
        if holds == "day":
            data[name] = pd.Series(list(values), dtype="object").astype("datetime64[s]")
        elif holds == "time":
            shown = [None if one is None else one.replace(tzinfo=None) for one in values]
            data[name] = pd.Series(shown, dtype="object").astype("datetime64[ms]").dt.tz_localize("UTC")
        else:
            data[name] = pd.Series(list(values), dtype=_TYPES.get(holds, "string"))
    frame = pd.DataFrame(data)
    frame.attrs.update(attrs or {})
    return frame


def columns_of_entries(entries: Sequence["Entry"]) -> list[Column]:
    """The columns of entries, the fixed ones first."""
    words = [one.words for one in entries]
    kinds = sorted({kind for one in words for kind in one})
    names = sorted({name for one in entries for name in one.event.attributes})
    return [
        ("position", "integer", [one.position for one in entries]),
        ("recorded_at", "time", [one.recorded_at for one in entries]),
        ("occurred_at", "time", [one.event.occurred_at for one in entries]),
        ("kind", "text", [one.kind for one in entries]),
        ("people", "text", [",".join(one.people) for one in entries]),
        ("recorded_by", "text", [one.recorded_by for one in entries]),
        ("organisation", "text", [one.organisation or None for one in entries]),
        ("scope", "text", [one.event.scope for one in entries]),
        ("id", "text", [str(one.id) for one in entries]),
        ("caused_by", "text", [",".join(map(str, one.event.caused_by)) or None for one in entries]),
        *[(kind, "text", [one.get(kind) for one in words]) for kind in kinds],
        *[_attribute(name, [one.event.attributes.get(name) for one in entries]) for name in names],
    ]


def _attribute(name: str, values: Sequence[Any]) -> Column:
    """The column of an attribute; one of several types is text, whole numbers beside others are numbers."""
    types = {type(value) for value in values if value is not None}
    if types == {int, float}:
        types = {float}
    if len(types) == 1 and (holds := _ATTRIBUTES.get(next(iter(types)))):
        return (f"attribute_{name}", holds, values)
    return (f"attribute_{name}", "text", [None if value is None else str(value) for value in values])
