"""The component: the calls of the contract on the view that `main.py` names as `VIEW`.

Only this module knows the generated bindings. Invariant: no answer depends on chance, the clock or a file.
"""

from __future__ import annotations

import json
from typing import Any, Callable

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports import view as wit

from . import calls, said, sealed  # before the author's module is loaded
from .event import Key

import main

_NO_SLOT = 0xFFFF_FFFF
#: The configured view; empty until it is configured.
_CONFIGURED: list[Any] = []
_VIEW = main.VIEW


_VALUES: dict[str, Callable[[Any], Any]] = {
    "number": lambda value: wit.Value_Number(float(value)),
    "integer": wit.Value_Integer,
    "text": wit.Value_Text,
    "flag": wit.Value_Flag,
    "day": wit.Value_Day,
    "person": wit.Value_Person,
    "event": wit.Value_Event,
}
_NONE = wit.Value_None_()
_MAKERS = [_VALUES[field.of] for field in _VIEW.fields]


class View(exports.View):
    """What the component exports."""

    def describe(self) -> wit.Manifest:
        of = _VIEW
        return wit.Manifest(
            name=of.name,
            version=of.version,
            state_version=of.state_version,
            routes=[wit.Route(route.kind, _enum(wit.KeyBy, route.key_by)) for route in of.routes],
            fields=[wit.Field(field.name, _enum(wit.FieldType, field.of), field.about) for field in of.fields],
            settings=json.dumps(of.settings),
        )

    def configure(self, settings: str) -> None:
        said.listen()
        said.forget()
        try:
            _CONFIGURED[:] = [calls.configure(_VIEW, settings)]
        except Exception as error:
            raise Err(said.added_to(calls.refusal(_VIEW, error))) from None

    def fold(self, batch: bytes) -> bytes:
        said.forget()
        try:
            return calls.fold(_view(), batch)
        except calls.SlotFault as fault:
            raise _err(fault) from None

    def read(self, as_of: int, slots: list[wit.Slot], states: bytes) -> list[wit.Row]:
        said.forget()
        try:
            keys = ((Key(slot.a, slot.b), slot.state) for slot in slots)
            return [_row(row) for row in calls.read(_view(), as_of, keys, states)]
        except calls.SlotFault as fault:
            raise _err(fault) from None


def _view() -> Any:
    if not _CONFIGURED:
        raise calls.SlotFault(None, None, "the view is not configured")
    return _CONFIGURED[0]


def _err(fault: calls.SlotFault) -> Err:
    slot = _NO_SLOT if fault.slot is None else fault.slot
    return Err(wit.Fault(slot, fault.event, said.added_to(fault.message)))


def _enum(of: Any, name: str) -> Any:
    return of[name.upper().replace("-", "_")]


def _row(row: calls.Read) -> wit.Row:
    values = [_NONE if value is None else make(value) for make, value in zip(_MAKERS, row.values)]
    return wit.Row(row.slot, row.item, values, row.evidence)
