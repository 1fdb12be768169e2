"""The calls of the contract for any view: what the component exports and what the test harness runs.

Each slot is folded or read independently of the others.
"""

from __future__ import annotations

import json
import sys
from math import isfinite
from typing import Any, Callable, Iterable, NamedTuple, Optional, Type

from . import Fault, Field, Row, View
from .batch import decode, encode_states
from .event import Key


class SlotFault(Exception):
    """Why a call failed, and for which key."""

    def __init__(self, slot: Optional[int], event: Optional[int], message: str):
        super().__init__(message)
        self.slot = slot
        self.event = event
        self.message = message


class Read(NamedTuple):
    """A row and the index of its key in the call; values in the order of the fields."""

    slot: int
    item: Optional[int]
    values: list[Any]
    evidence: list[int]


def configure(of: Type[View], text: str) -> View:
    """Makes a view from its settings, or raises ValueError with what is wrong with them."""
    try:
        given = json.loads(text)
    except ValueError as error:
        raise ValueError(f"the settings are not JSON: {error}") from None
    if not isinstance(given, dict):
        raise ValueError("the settings are not a JSON object")
    known = of.settings.get("properties", {})
    if of.settings.get("additionalProperties") is False:
        for name in given:
            if name not in known:
                raise ValueError(f"there is no setting `{name}`")
    defaults = {name: schema["default"] for name, schema in known.items() if "default" in schema}
    settings = {**defaults, **given}
    for name, value in settings.items():
        _check_setting(name, value, known.get(name, {}))
    view = of()
    view.configure(settings)
    return view


def _check_setting(name: str, value: Any, schema: dict[str, Any]) -> None:
    types = {
        "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
        "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
        "string": lambda value: isinstance(value, str),
        "boolean": lambda value: isinstance(value, bool),
        "array": lambda value: isinstance(value, list),
        "object": lambda value: isinstance(value, dict),
    }
    wanted = schema.get("type")
    if wanted in types and not types[wanted](value):
        raise ValueError(f"`{name}` is not of type {wanted}")
    if "enum" in schema and value not in schema["enum"]:
        raise ValueError(f"`{name}` is not one of {schema['enum']}")
    if "minimum" in schema and value < schema["minimum"]:
        raise ValueError(f"`{name}` is less than {schema['minimum']}")
    if "maximum" in schema and value > schema["maximum"]:
        raise ValueError(f"`{name}` is more than {schema['maximum']}")


def fold(view: View, batch: bytes) -> bytes:
    """Folds a packed batch into packed states."""
    states: list[bytes] = []
    unpack, pack, fold_key = view.unpack, view.pack, view.fold
    try:
        for slot in decode(batch):
            state = unpack(slot.state) if slot.state else None
            state = fold_key(slot.key, state, slot.events)
            states.append(b"" if state is None else _packed(pack(state)))
    except Exception as error:
        raise _slot_fault(len(states), type(view), error) from error
    return encode_states(states)


def _packed(state: bytes) -> bytes:
    if not state:
        raise Fault("the state packs to no bytes, which would drop the key")
    return state


def read(view: View, as_of: int, slots: Iterable[tuple[Key, int]], states: bytes) -> list[Read]:
    """Makes the rows of keys, given with the length of their states, as of the end of a day."""
    rows: list[Read] = []
    fields = view.fields
    names = {field.name for field in fields}
    at = 0
    for place, (key, length) in enumerate(slots):
        state = states[at : at + length]
        at += length
        if not state:
            continue
        try:
            for row in view.rows(key, view.unpack(state), as_of):
                rows.append(Read(place, row.item, _in_order(row, fields, names), list(row.evidence)))
        except Exception as error:
            raise _slot_fault(place, type(view), error) from error
    return rows


def _whole(least: int, most: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


#: Whether a value fits a field of the type.
_FITS: dict[str, Callable[[Any], bool]] = {
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value),
    "integer": _whole(-(2**63), 2**63 - 1),
    "text": lambda value: isinstance(value, str),
    "flag": lambda value: isinstance(value, bool),
    "day": _whole(-(2**31), 2**31 - 1),
    "person": _whole(0, 2**32 - 1),
    "event": _whole(0, 2**64 - 1),
}


def _in_order(row: Row, fields: list[Field], names: set[str]) -> list[Any]:
    if not row.values.keys() <= names:
        unknown = sorted(row.values.keys() - names)[0]
        raise Fault(f"a row has a value for `{unknown}`, which is no field")
    values = [row.values.get(field.name) for field in fields]
    for value, field in zip(values, fields):
        if value is not None and not _FITS[field.of](value):
            raise Fault(f"`{field.name}` is of type {field.of}, which {value!r} is not")
    return values


def _slot_fault(place: int, of: Type[View], error: Exception) -> SlotFault:
    if isinstance(error, Fault):
        return SlotFault(place, error.event, error.message)
    return SlotFault(place, None, _told(of, error))


def refusal(of: Type[View], error: Exception) -> str:
    """What is wrong with the settings, or with the view that takes them."""
    return str(error) if isinstance(error, ValueError) else _told(of, error)


def _told(of: Type[View], error: Exception) -> str:
    """An error with the line of the author's own code that it comes from."""
    where = _own_line(of, error)
    return f"{type(error).__name__}: {error}" + (f" ({where})" if where else "")


def _own_line(of: Type[View], error: Exception) -> Optional[str]:
    own = _folder(getattr(sys.modules.get(of.__module__), "__file__", None))
    kit = _folder(__file__)
    found, trace = None, error.__traceback__
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if own is not None and path.startswith(own) and not path.startswith(kit):
            found = f"{path[len(own):]}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return found


def _folder(path: Optional[str]) -> Optional[str]:
    return None if path is None else path[: path.rfind("/") + 1]
