"""Bulk appends over `AppendStream`: any number of events, with several messages in flight at a time.

A message is kept until it is answered. After a broken connection every unanswered message is sent again, and event ids
prevent it from being recorded twice.
"""

from collections import deque
from typing import Any

from kith.calls.log import read_outcome
from kith.errors import AnswerInvalid, Error, Unreachable
from kith.log import EventResult, Refusal
from kith.new_event import NewEvent
from kith.options import Options
from kith.reasons import reason_name
from kith.rules import APPEND_BYTES_MAX, APPEND_EVENTS_MAX, check_append
from kith.steps import Backoff, Emit, Open, Pull, Receive, Sleep, Steps, Write
from kith.wire import method

WINDOW = 8
"""Messages in flight without an answer."""


class _Source:
    """The caller's events, as the batches that messages carry: each within the limits of an append."""

    def __init__(self) -> None:
        self._next: NewEvent | None = None
        self.is_ended = False

    def batch(self) -> Steps[list[NewEvent]]:
        """The next batch; empty at the end."""
        events: list[NewEvent] = []
        size_bytes = 0
        while not self.is_ended and len(events) < APPEND_EVENTS_MAX:
            event = self._next or (yield Pull())
            self._next = None
            if event is None:
                self.is_ended = True
            elif events and size_bytes + event.size_bytes > APPEND_BYTES_MAX:
                self._next = event
                break
            else:
                check_append(1, event.size_bytes)
                events.append(event)
                size_bytes += event.size_bytes
        return events


def append_many(options: Options) -> Steps[None]:
    """Appends the events of the caller's source, each on its own; emits an `EventResult` for each, in order."""
    kind = method("LogService/AppendStream")
    source, backoff = _Source(), Backoff(options.retry)
    unanswered: deque[list[NewEvent]] = deque()
    number = 0
    is_open = False
    while True:
        try:
            while not source.is_ended and len(unanswered) < WINDOW:
                if batch := (yield from source.batch()):
                    unanswered.append(batch)
                    if is_open:
                        yield Write(_request(options, kind, batch))
            if not unanswered:
                return
            if not is_open:
                yield Open(kind)
                is_open = True
                for batch in unanswered:
                    yield Write(_request(options, kind, batch))
            answer = yield Receive()
            if answer is None:
                raise Unreachable("the server ended the stream before its last answer")
        except Error as error:
            delay = backoff.delay(error.retry_after)
            if not error.is_retryable or backoff.is_spent:
                raise
            is_open = False
            yield Sleep(delay)
            continue
        backoff.reset()
        batch = unanswered[0]
        if len(answer.results) != len(batch):
            raise AnswerInvalid("the server's answer is malformed: it does not have one result for each event")
        unanswered.popleft()
        for event, result in zip(batch, answer.results, strict=True):
            number += 1
            yield Emit(_read_result(number, event, result))


def _request(options: Options, kind: Any, batch: list[NewEvent]) -> Any:
    return kind.request(network=options.network, events=[event.to_message() for event in batch])


def _read_result(number: int, event: NewEvent, result: Any) -> EventResult:
    held = result.WhichOneof("result")
    if held == "outcome":
        return EventResult(number, event.id, read_outcome(event, result.outcome), None)
    if held == "refused":
        refused = result.refused
        return EventResult(number, event.id, None, Refusal(reason_name(refused.reason), refused.field, refused.message))
    raise AnswerInvalid(f"the server's answer is malformed: event {number} has no result")
