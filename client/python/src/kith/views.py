"""Views: tables that plugins derive from the log, and reports computed from views."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from kith.entry import Entry
from kith.frames import Column, frame_of
from kith.html import table
from kith.listing import Listing

if TYPE_CHECKING:
    from pandas import DataFrame

Value = float | int | str | bool | date | None
"""A value in a row, of its column's type; a day is UTC, a person an id, an event a position."""


@dataclass(frozen=True, slots=True)
class Field:
    """A column."""

    name: str
    type: str
    """`number`, `integer`, `text`, `flag`, `day`, `person`, `event`, or `newer:N` for a type of a later version."""
    about: str
    """What it means, in a sentence."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a view: `row["score"]` is the value of a column."""

    key: tuple[str, ...]
    """One or two ids: of people, or in some reports of organisations."""
    item: int
    """Position of the entry it is about, in views with several rows for each key; 0 = none."""
    values: tuple[Value, ...]
    """In the order of the answer's fields."""
    evidence: int
    """Number of entries that it stands on."""
    position: int
    """Position at which it last changed; 0 when another day or position than the current one was asked for."""
    columns: Mapping[str, int] = field(repr=False, compare=False)
    """Where each column's value is."""

    def __getitem__(self, column: str) -> Any:
        """The value of a column; `None` if there is none. Raises `KeyError` for a column that the view has not."""
        return self.values[self.columns[column]]

    def asdict(self) -> dict[str, Value]:
        """All values by column."""
        return {name: self.values[at] for name, at in self.columns.items()}


class Rows(Listing[Row]):
    """Rows of a view, and what they are as of."""

    __slots__ = ("day", "failing_keys", "fields", "position", "remarks", "total", "view")

    def __init__(
        self,
        items: Sequence[Row],
        view: str,
        fields: Sequence[Field],
        position: int,
        day: date,
        total: int | None = None,
        failing_keys: int = 0,
        remarks: Sequence[str] = (),
    ) -> None:
        super().__init__(items)
        self.view = view
        """The view's name."""
        self.fields = tuple(fields)
        """The columns."""
        self.position = position
        """The rows are as of this position."""
        self.day = day
        """The rows are as of the end of this day, UTC."""
        self.total = len(items) if total is None else total
        """Number of rows that there are, of which these are the first."""
        self.failing_keys = failing_keys
        """Number of keys that the plugin fails on: their rows are missing, or those of an earlier state."""
        self.remarks = tuple(remarks)
        """What a report remarks on its rows, above all what it left out."""

    def frame(self) -> "DataFrame":
        """A pandas DataFrame, one row for each row: columns `key_1`, `key_2`, `item` if rows have one, then the view's.

        `attrs` hold view, position and day; missing is `<NA>`.
        """
        keys = max((len(row.key) for row in self), default=1)
        columns: list[Column] = [
            (f"key_{at + 1}", "text", [row.key[at] if at < len(row.key) else None for row in self])
            for at in range(keys)
        ]
        if any(row.item for row in self):
            columns.append(("item", "event", [row.item or None for row in self]))
        columns += [(one.name, one.type, [row.values[at] for row in self]) for at, one in enumerate(self.fields)]
        return frame_of(columns, {"view": self.view, "position": self.position, "day": self.day.isoformat()})

    def _repr_html_(self) -> str:
        rows = [(" · ".join(row.key), *row.values, row.evidence) for row in self]
        note = f"{len(self)} of {self.total} rows as of {self.day} UTC, position {self.position}"
        return table(("key", *(one.name for one in self.fields), "evidence"), rows, note)


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A key that a plugin failed on."""

    key: tuple[str, ...]
    position: int
    """The entry that it failed on."""
    message: str


@dataclass(frozen=True, slots=True)
class View:
    """A view and its status."""

    name: str
    version: str
    contract: str
    component: bytes
    """SHA-256 of the component, 32 bytes."""
    settings: str
    """As JSON text."""
    fields: tuple[Field, ...]
    key: str
    """What a row is about: `pair`, `directed_pair`, `person`, `organisation_pair` or `organisation`."""
    inputs: tuple[str, ...]
    """The views from whose rows a report is computed; empty for a view."""
    state: str
    """`building`, `running`, `stopped`, `paused`, `waiting_for_room`, or `newer:N`."""
    cursor: int
    """The last position folded."""
    lag: int
    """Entries between the cursor and the head."""
    rows: int
    """Rows as of today."""
    faults: int
    """Faults since the server started."""
    quarantined: tuple[Quarantined, ...]
    last_error: str
    """The last fault in words; may be empty."""

    @property
    def is_report(self) -> bool:
        """Whether it is a report: computed when asked for, from other views."""
        return bool(self.inputs)


@dataclass(frozen=True, slots=True)
class Evidence:
    """An entry that a row stands on."""

    entry: Entry
    share: float | None
    """By how much the column `share_of` would fall without it, negative if it would rise; shares need not add up."""


@dataclass(frozen=True, slots=True)
class Why:
    """Why rows are as they are."""

    rows: Rows
    """The rows explained."""
    evidence: tuple[Evidence, ...]
    """The entries that they stand on, newest first; none for a report."""
    hidden: int
    """Entries that they stand on and that the caller may not see."""
    share_of: str
    """Name of the column that shares refer to; empty if there is none."""
    inputs: tuple[Rows, ...]
    """For a report: the rows of each view that it reads."""

    def _repr_html_(self) -> str:
        rows = [(one.entry.position, one.entry.event.occurred_at, one.entry.kind, one.share) for one in self.evidence]
        title = ("position", "happened", "kind", f"share of {self.share_of}" if self.share_of else "share")
        return self.rows._repr_html_() + table(title, rows, f"{self.hidden} hidden" if self.hidden else "")


@dataclass(frozen=True, slots=True)
class Change:
    """Rows that changed. Without rows it is a heartbeat."""

    rows: Rows
    """Rows as they are now."""
    removed: tuple[tuple[tuple[str, ...], int], ...]
    """Key and item of rows that are no more."""
    position: int
    """How far it reaches: `after` of the next watch."""
    reset: bool
    """Whether earlier rows are no longer valid, because another version of the plugin answers; all rows follow."""


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest over the rows of a view: equal wherever the same entries were folded."""

    rows_digest: bytes
    """SHA-256, 32 bytes."""
    rows: int
    position: int
    day: date
    component: bytes
    """SHA-256 of the component, 32 bytes."""
    settings: str
    """As JSON text."""
