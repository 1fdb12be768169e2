"""Write Kith views in Python: define how one key's events become a state, and a state rows.

Packing, calls and faults are handled here. Everything runs in any Python too, so plugins are tested like programs; only
`kith_plugin.component` needs the sandbox. Invariant: a plugin's answer depends only on its arguments.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar, Iterable, NamedTuple, Optional

from .event import ACCEPTED, DECLINED, MET, Event, Key, day_of

__all__ = [
    "ACCEPTED",
    "DECLINED",
    "Event",
    "Fault",
    "Field",
    "Key",
    "MET",
    "Route",
    "Row",
    "View",
    "day_of",
]


class Route(NamedTuple):
    """Asks for one kind of event."""

    #: `met`, `followed_up`, `asked`, `helped`, `referred`, `answered`, or `custom:` and a type.
    kind: str
    #: `pair`, `directed-pair`, `introduced-pair`, `actor`, `subject` or `each-person`.
    key_by: str


class Field(NamedTuple):
    """A column of the rows."""

    #: `[a-z][a-z0-9_]*`.
    name: str
    #: `number`, `integer`, `text`, `flag`, `day`, `person` or `event`. Any value may also be None.
    of: str
    #: One line for people: what it means and in which unit.
    about: str


class Row(NamedTuple):
    """One row of a key."""

    #: A value per field, by the field's name; a field that is left out is None.
    values: dict[str, Any]
    #: Position that distinguishes rows of one key; None if a key has one row.
    item: Optional[int] = None
    #: Positions of the entries of evidence; empty: every entry of the key.
    evidence: Iterable[int] = ()


class Fault(Exception):
    """Why the view cannot continue with a key. The host stops that key and shows the message."""

    def __init__(self, message: str, event: Optional[int] = None):
        super().__init__(message)
        #: A message for people.
        self.message = message
        #: Position of the event at fault, if any.
        self.event = event


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode


class View:
    """A view: a pure keyed fold. The instance is the view with its settings."""

    #: The view's name: `[a-z][a-z0-9_]*`.
    name: ClassVar[str]
    #: The plugin's own version, for people.
    version: ClassVar[str]
    #: Grows when states written by an older plugin can no longer be read.
    state_version: ClassVar[int] = 1
    #: The kinds it folds; `Event.route` is the index in this list.
    routes: ClassVar[list[Route]]
    #: The columns, in the order in which they are shown.
    fields: ClassVar[list[Field]]
    #: A JSON schema of the settings. Values of `default` at the top level are filled in.
    settings: ClassVar[dict[str, Any]] = {"type": "object", "additionalProperties": False}

    def configure(self, settings: dict[str, Any]) -> None:
        """Takes the settings, checked against the top level of the schema and with its defaults.

        Raise ValueError to say what is wrong with them.
        """

    def fold(self, key: Key, state: Any, events: list[Event]) -> Any:
        """Adds a key's events, in the order of (time, position), to its state; None drops the key.

        `state` is what the last call returned, None at first. Must return the same however events are split into calls.
        """
        raise NotImplementedError

    def row(self, key: Key, state: Any, as_of: int) -> Optional[dict[str, Any]]:
        """Makes the key's one row as of the end of a day: values by field. None: there is no row."""
        raise NotImplementedError

    def rows(self, key: Key, state: Any, as_of: int) -> Iterable[Row]:
        """Makes the key's rows, at most 1,000. Replace it in views with several rows a key."""
        values = self.row(key, state, as_of)
        return () if values is None else (Row(values),)

    def pack(self, state: Any) -> bytes:
        """The bytes of a state, 1 to 65,536; equal states must have equal bytes. By default JSON."""
        return _encode(state).encode()

    def unpack(self, data: bytes) -> Any:
        """Undoes `pack`."""
        return json.loads(data)
