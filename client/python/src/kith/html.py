"""Results in notebooks: a table in HTML."""

import html
from collections.abc import Iterable, Sequence
from itertools import islice

_ROWS_MAX = 100
"""Rows that are shown; how many more there are is said below."""


def table(columns: Sequence[str], rows: Sequence[Iterable[object]], note: str = "") -> str:
    """A table with a heading; every value is escaped, and `None` is left empty."""
    head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in islice(rows, _ROWS_MAX))
    more = f"{len(rows) - _ROWS_MAX:,} more rows" if len(rows) > _ROWS_MAX else ""
    below = "; ".join(filter(None, (more, note)))
    foot = f"<p>{html.escape(below)}</p>" if below else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{foot}"


def _cell(value: object) -> str:
    shown = "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    return f"<td>{html.escape(shown)}</td>"
