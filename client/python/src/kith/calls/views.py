"""Calls of views and reports."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from kith.calls.requests import filter_message, known_at
from kith.canonical import read_detail
from kith.dates import aware, parse_view_day
from kith.entry import read_entry
from kith.errors import AnswerInvalid, Error, OptionsInvalid, Refused, Unreachable
from kith.filters import Filter
from kith.options import Options
from kith.steps import Backoff, Emit, Open, Receive, Sleep, Steps, call, pages
from kith.times import TimeOutOfRange, day_number, day_of
from kith.views import Change, Digest, Evidence, Field, Quarantined, Row, Rows, View, Why
from kith.wire import enum_names, method

if TYPE_CHECKING:
    from pandas import DataFrame

_PAGE_ROWS_MAX = 10_000


class AsOf(TypedDict, total=False):
    """As of when.

    `at`: as of the end of this UTC day: what had happened by then; today unless given. `as_of`: as known at a position,
    an aware datetime, or the end of a UTC day; now unless given.
    """

    at: str | date
    as_of: int | str | date


class ViewOptions(AsOf, total=False):
    """Which rows of a view.

    `top`: at most so many, all unless given. `person`, `organisation`: only rows with this one in the key. `key`: only
    rows of this key, in any order. `only`: a column of type text and 1 to 64 texts, one of which it must hold. `sort`:
    the column to sort by, descending, or ascending with a leading `-`; the first numeric one unless given. `columns`:
    which columns, in this order; all unless given. `at`, `as_of`: see `AsOf`.
    """

    top: int
    person: str
    organisation: str
    key: Sequence[str]
    only: tuple[str, Sequence[str]]
    sort: str
    columns: Sequence[str]


def view(options: Options, name: str, **query: Unpack[ViewOptions]) -> Steps[Rows]:
    """Reads rows, page after page."""
    kind = method("ViewService/QueryView")
    request = kind.ask(
        network=options.network,
        view=name,
        person=query.get("person", ""),
        organisation=query.get("organisation", ""),
        key=query.get("key", ()),
        sort=query.get("sort", ""),
        columns=query.get("columns", ()),
        only={"column": query["only"][0], "texts": query["only"][1]} if "only" in query else None,
        **_as_of({"at": query.get("at"), "as_of": query.get("as_of")}),
    )
    top = query.get("top")
    rows: list[Row] = []
    while True:
        request.page_size = _PAGE_ROWS_MAX if top is None else min(max(top - len(rows), 1), _PAGE_ROWS_MAX)
        answer = yield from call(kind, request, options.retry)
        fields = _fields(answer.fields)
        rows.extend(_rows(fields, answer.rows))
        request.page_token = answer.next_page_token
        if not answer.next_page_token or (top is not None and len(rows) >= top):
            break
    day = _day(answer.day)
    return Rows(rows[:top], name, fields, answer.position, day, answer.total, answer.failing_keys, answer.remarks)


def frame(options: Options, name: str, **query: Unpack[ViewOptions]) -> Steps["DataFrame"]:
    """Reads rows as a frame; the frame of a whole view names the digest over its rows."""
    rows = yield from view(options, name, **query)
    found = rows.frame()
    if not query.keys() - {"at", "as_of", "sort"}:
        try:
            whole = yield from digest(options, name, None, at=rows.day, as_of=rows.position)
            found.attrs["digest"] = whole.rows_digest.hex()
        except Refused as error:
            if error.reason != "REQUEST_INVALID":  # reports have no digest
                raise
    return found


def views(options: Options) -> Steps[list[View]]:
    """All views and reports."""
    kind = method("ViewService/ListViews")
    found: list[View] = []
    request = kind.ask(network=options.network)
    yield from pages(kind, request, options.retry, lambda answer: found.extend(map(_view, answer.views)))
    return found


def why(options: Options, name: str, key: Sequence[str], item: int, **as_of: Unpack[AsOf]) -> Steps[Why]:
    """The entries that a row stands on."""
    kind = method("ViewService/ExplainRow")
    request = kind.ask(network=options.network, view=name, key=key, item=item, **_as_of(as_of))
    answer = yield from call(kind, request, options.retry)
    day = _day(answer.day)
    return Why(
        _table(name, answer, answer.position, day),
        tuple(_evidence(one) for one in answer.evidence),
        answer.hidden,
        answer.share_of,
        tuple(_table(one.view, one, answer.position, day) for one in answer.inputs),
    )


def trace(
    options: Options,
    name: str,
    key: Sequence[str],
    item: int,
    since: str | date | None,
    until: str | date | None,
    step_days: int,
) -> Steps[list[Rows]]:
    """The rows of one key on many days, oldest first."""
    kind = method("ViewService/TraceRow")
    request = kind.ask(network=options.network, view=name, key=key, item=item, step_days=step_days)
    if since is not None:
        setattr(request, "from", day_number(_view_day(since)))
    if until is not None:
        request.until = day_number(_view_day(until))
    answer = yield from call(kind, request, options.retry)
    fields = _fields(answer.fields)
    return [Rows(_rows(fields, one.rows), name, fields, answer.position, _day(one.day)) for one in answer.points]


def digest(options: Options, name: str, held: Filter | None, **as_of: Unpack[AsOf]) -> Steps[Digest]:
    """A digest over all rows."""
    kind = method("ViewService/DigestView")
    given = _as_of(as_of)
    if "as_of_time" in given:
        raise OptionsInvalid("a digest is as of a position, not of a time")
    request = kind.ask(network=options.network, view=name, filter=filter_message(held), **given)
    found = yield from call(kind, request, options.retry)
    day = _day(found.day)
    return Digest(found.rows_digest, found.rows, found.position, day, found.component, found.settings)


def watch(options: Options, name: str, after: int) -> Steps[None]:
    """Emits a `Change` for each message, for ever."""
    kind = method("ViewService/WatchView")
    backoff = Backoff(options.retry)
    fields: tuple[Field, ...] = ()
    while True:
        try:
            yield Open(kind, kind.ask(network=options.network, view=name, after=after))
            while (answer := (yield Receive())) is not None:
                backoff.reset()
                fields = _fields(answer.fields) or fields
                removed = tuple((tuple(one.key), one.item) for one in answer.removed)
                after = answer.position
                day = datetime.now(UTC).date()
                rows = Rows(_rows(fields, answer.rows), name, fields, after, day)
                yield Emit(Change(rows, removed, after, answer.reset))
            raise Unreachable("the connection to the server broke: the stream ended")
        except Error as error:
            if not error.is_retryable:
                raise
            delay = backoff.delay(error.retry_after)
        yield Sleep(delay)


def _as_of(query: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a request that say as of when."""
    found: dict[str, Any] = {}
    at, as_of = query.get("at"), query.get("as_of")
    if at is not None:
        found["at"] = day_number(_view_day(at))
    if isinstance(as_of, int):
        found["as_of"] = as_of
    elif as_of is not None:
        found["as_of_time"] = known_at(as_of)
    return found


def _view_day(day: str | date) -> date:
    """A day of views. A point in time is on its UTC day."""
    if isinstance(day, str):
        return parse_view_day(day)
    return aware(day).date() if isinstance(day, datetime) else day


def _table(name: str, answer: Any, position: int, day: date) -> Rows:
    fields = _fields(answer.fields)
    return Rows(_rows(fields, answer.rows), name, fields, position, day)


def _fields(fields: Iterable[Any]) -> tuple[Field, ...]:
    names = enum_names("FieldType")
    return tuple(Field(one.name, names.get(one.type, f"newer:{one.type}"), one.about) for one in fields)


def _rows(fields: Sequence[Field], rows: Iterable[Any]) -> list[Row]:
    columns = {one.name: at for at, one in enumerate(fields)}
    found = []
    for row in rows:
        if len(row.values) != len(fields):
            raise AnswerInvalid("the server's answer is malformed: a row does not have one value for each column")
        values = tuple(map(_value, row.values))
        found.append(Row(tuple(row.key), row.item, values, row.evidence, row.position, columns))
    return found


def _value(value: Any) -> Any:
    held = value.WhichOneof("value")
    if held is None:
        return None
    return _day(value.day) if held == "day" else getattr(value, held)


def _day(number: int) -> date:
    try:
        return day_of(number)
    except TimeOutOfRange as error:
        raise AnswerInvalid(f"the server's answer is malformed: {error}") from error


def _evidence(found: Any) -> Evidence:
    entry = read_entry(found.entry, [read_detail(detail) for detail in found.details])
    return Evidence(entry, found.share if found.HasField("share") else None)


def _view(found: Any) -> View:
    return View(
        name=found.name,
        version=found.version,
        contract=found.contract,
        component=found.component,
        settings=found.settings,
        fields=_fields(found.fields),
        key=found.key,
        inputs=tuple(found.inputs),
        state=enum_names("ViewState").get(found.state, f"newer:{found.state}"),
        cursor=found.cursor,
        lag=found.lag,
        rows=found.rows,
        faults=found.faults,
        quarantined=tuple(Quarantined(tuple(one.key), one.position, one.message) for one in found.quarantined),
        last_error=found.last_error,
    )
