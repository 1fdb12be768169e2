"""Bulk appends over `AppendStream`: any number of events, with several messages in flight at a time.

A message is kept until it is answered. After a broken connection every unanswered message is sent again, and event ids
prevent it from being recorded twice.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

from kith.calls.log import read_outcome
from kith.calls.requests import new_event_message
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
    appending, backoff = _Appending(options), Backoff(options.retry)
    while True:
        try:
            results = yield from appending.exchange()
        except Error as error:
            delay = backoff.delay(error.retry_after)
            if not error.is_retryable or backoff.is_spent:
                raise
            appending.is_open = False
            yield Sleep(delay)
            continue
        if not results:
            return
        backoff.reset()
        for result in results:
            yield Emit(result)


class _Appending:
    """Events on their way to the log."""

    def __init__(self, options: Options) -> None:
        self.is_open = False
        self._options = options
        self._method = method("LogService/AppendStream")
        self._source = _Source()
        self._unanswered: deque[list[NewEvent]] = deque()
        self._sent = 0
        """How many of them were sent on the open stream."""
        self._window = 1
        """How many may be: the first message of a stream shows whether it works, and the others wait for its answer."""
        self._number = 0

    def exchange(self) -> Steps[list[EventResult]]:
        """Sends what may be sent and waits for the next answer; no results at the end."""
        while not self._source.is_ended and len(self._unanswered) < WINDOW:
            if batch := (yield from self._source.batch()):
                self._unanswered.append(batch)
        if not self._unanswered:
            return []
        if not self.is_open:
            yield Open(self._method)
            self.is_open, self._sent, self._window = True, 0, 1
        while self._sent < min(self._window, len(self._unanswered)):
            yield Write(self._request(self._unanswered[self._sent]))
            self._sent += 1
        answer = yield Receive()
        if answer is None:
            raise Unreachable("the server ended the stream before its last answer")
        self._window = WINDOW
        return self._take(answer.results)

    def _request(self, batch: Sequence[NewEvent]) -> Any:
        events = [new_event_message(event) for event in batch]
        return self._method.ask(network=self._options.network, events=events)

    def _take(self, results: Sequence[Any]) -> list[EventResult]:
        """The results of the oldest message."""
        if len(results) != len(self._unanswered[0]):
            raise AnswerInvalid("the server's answer is malformed: it does not have one result for each event")
        batch = self._unanswered.popleft()
        first = self._number + 1
        self._sent, self._number = self._sent - 1, self._number + len(batch)
        return [_read_result(first + at, event, results[at]) for at, event in enumerate(batch)]


def _read_result(number: int, event: NewEvent, result: Any) -> EventResult:
    held = result.WhichOneof("result")
    if held == "outcome":
        return EventResult(number, event.id, read_outcome(event, result.outcome), None)
    if held == "refused":
        refused = result.refused
        return EventResult(number, event.id, None, Refusal(reason_name(refused.reason), refused.field, refused.message))
    raise AnswerInvalid(f"the server's answer is malformed: event {number} has no result")
