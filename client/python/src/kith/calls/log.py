"""Calls of the log: append, read, head."""

from collections.abc import Sequence
from typing import Any

from kith.calls.requests import filter_message, new_event_message
from kith.entry import Entries, Entry, read_entries
from kith.errors import AnswerInvalid
from kith.filters import Filter
from kith.log import Condition, ExpectedHead, Head, Outcome, Page
from kith.new_event import NewEvent
from kith.options import Options
from kith.rules import check_append
from kith.steps import Steps, call
from kith.verify.partial_tree import Subtree
from kith.wire import method, read_time

READ_ENTRIES_MAX = 10_000
"""Entries in one answer of a read."""
_FORWARD, _BACKWARD = 1, 2


def append(options: Options, events: Sequence[NewEvent], condition: Condition | None) -> Steps[list[Outcome]]:
    """Appends all events or none. Repeating it records nothing twice, because events have ids."""
    check_append(len(events), sum(event.size_bytes for event in events))
    kind = method("LogService/Append")
    messages = [new_event_message(event) for event in events]
    request = kind.ask(network=options.network, events=messages, condition=_condition(condition))
    answer = yield from call(kind, request, options.retry)
    if len(answer.outcomes) != len(events):
        raise AnswerInvalid("the server's answer is malformed: it does not have one outcome for each event")
    return [read_outcome(event, outcome) for event, outcome in zip(events, answer.outcomes, strict=True)]


def _condition(condition: Condition | None) -> dict[str, Any] | None:
    """The fields of the `kith.v1.Condition`."""
    if condition is None:
        return None
    if isinstance(condition, ExpectedHead):
        return {"expected_head": condition.position}
    return {"none_match": {"after": condition.after, "filter": filter_message(condition.filter)}}


def read_outcome(event: NewEvent, outcome: Any) -> Outcome:
    """What became of an event that was not refused."""
    return Outcome(event.id, outcome.position, outcome.duplicate)


def read(
    options: Options,
    after: int = 0,
    filter: Filter | None = None,  # noqa: A002 the protocol's word
    limit: int = 0,
    *,
    backward: bool = False,
    matching_only: bool = False,
    with_left_out: bool = False,
) -> Steps[Page]:
    """Reads a page of entries."""
    kind = method("LogService/Read")
    request = kind.ask(
        network=options.network,
        after=after,
        filter=filter_message(filter),
        limit=limit,
        direction=_BACKWARD if backward else _FORWARD,
        matching_only=matching_only,
        with_left_out=with_left_out,
    )
    answer = yield from call(kind, request, options.retry)
    entries = read_entries(answer.entries, answer.details)
    return Page(entries, answer.next, answer.end, answer.head, read_subtrees(answer.left_out))


def entries(
    options: Options,
    after: int,
    filter: Filter | None,  # noqa: A002
    limit: int | None,
    *,
    backward: bool,
    matching_only: bool,
) -> Steps[Entries]:
    """Reads page after page."""
    found: list[Entry] = []
    while limit is None or len(found) < limit:
        most = READ_ENTRIES_MAX if limit is None else min(READ_ENTRIES_MAX, limit - len(found))
        page = yield from read(options, after, filter, most, backward=backward, matching_only=matching_only)
        found.extend(page.entries)
        if page.end:
            break
        after = page.next
    return Entries(found)


def head(options: Options) -> Steps[Head]:
    """The end of the log."""
    kind = method("LogService/Head")
    answer = yield from call(kind, kind.ask(network=options.network), options.retry)
    return Head(answer.position, answer.root, answer.incarnation, read_time(answer, "recorded_at"))


def read_subtrees(subtrees: Sequence[Any]) -> tuple[Subtree, ...]:
    """Hashes in place of entries that were left out."""
    return tuple(Subtree(one.start, one.level, one.hash) for one in subtrees)
