"""Runs a view in any Python through the same packed batches that a host sends. Only the sandbox is missing."""

from __future__ import annotations

import json
from typing import Any, Iterable, Optional, Type

from . import Event, Key, View, calls
from .batch import Slot, encode

_NOON_MS = 43_200_000
_DAY_MS = 86_400_000


class Harness:
    """A configured view under test."""

    def __init__(self, view: Type[View], settings: Optional[dict[str, Any]] = None):
        self.view = calls.configure(view, json.dumps(settings or {}))

    def event(
        self,
        kind: str,
        position: int,
        day: int,
        *,
        actor: int = 0,
        subject: int = 0,
        third: int = 0,
        others: int = 1,
        flags: int = 0,
        **extras: Any,
    ) -> Event:
        """An event of a kind that the view routes, at noon of a day, with one other person; `extras` are attributes."""
        route = [route.kind for route in self.view.routes].index(kind)
        at = day * _DAY_MS + _NOON_MS
        return Event(position, at, actor, subject, third, others, route, flags, extras or None)

    def fold(self, key: Key, events: Iterable[Event], state: bytes = b"") -> bytes:
        """Folds events, in this order, into a packed state; empty: none."""
        answer = calls.fold(self.view, encode([Slot(key, state, list(events))]))
        return answer[4:]

    def rows(self, key: Key, state: bytes, as_of: int) -> list[dict[str, Any]]:
        """The rows of a packed state as of the end of a day: values by field."""
        rows = calls.read(self.view, as_of, [(key, len(state))], state)
        return [dict(zip((field.name for field in self.view.fields), row.values)) for row in rows]
