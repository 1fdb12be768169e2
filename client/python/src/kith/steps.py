"""Calls as generators of steps: what is sent and when it is sent again is decided here, once.

`client.py` and `aio.py` carry the steps out, one with blocking calls and one with `async`, so they cannot drift. A step
that fails is thrown into its generator as an `Error`.
"""

import random
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from kith.errors import Error
from kith.options import Retry
from kith.wire import Method

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Send:
    """Make a call with one message each way; the step's result is the answer."""

    method: Method
    request: Any


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait for some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Open:
    """Open a stream in place of the one that is open, if any. Without a request it is one in which both sides write."""

    method: Method
    request: Any = None


@dataclass(frozen=True, slots=True)
class Write:
    """Write a message to the open stream."""

    message: Any


@dataclass(frozen=True, slots=True)
class Receive:
    """Wait for the next message of the open stream; the step's result is `None` at its end."""


@dataclass(frozen=True, slots=True)
class Pull:
    """Take the next thing from the source that the caller gave; the step's result is `None` at its end."""


@dataclass(frozen=True, slots=True)
class Emit:
    """Give the caller an item of the stream."""

    item: Any


Step = Send | Sleep | Open | Write | Receive | Pull | Emit
Steps = Generator[Step, Any, T]
"""Steps that end with a result; those of a stream emit items and end with none."""


class Backoff:
    """How long to wait after failures in a row."""

    def __init__(self, retry: Retry) -> None:
        self._retry = retry
        self._failed = 0

    def reset(self) -> None:
        """After a success: the next failure counts as the first."""
        self._failed = 0

    def delay(self, asked: float | None) -> float:
        """Seconds until the next attempt: shortened by up to half at random, or lengthened if the server asked."""
        fraction = random.random() / 2
        doubled = min(self._retry.delay_first * float(1 << min(self._failed, 30)), self._retry.delay_max)
        self._failed += 1
        return max(doubled * (1 - fraction), (asked or 0.0) * (1 + fraction))

    @property
    def is_spent(self) -> bool:
        """Whether there were as many failures as there are attempts."""
        return self._failed >= self._retry.attempts_max


def call(method: Method, request: Any, retry: Retry, *, repeatable: bool = True) -> Steps[Any]:
    """Makes a call, again while that can help.

    What is not `repeatable` would have the same effect twice: it is sent again only after a failure that certainly had
    none.
    """
    backoff = Backoff(retry)
    while True:
        try:
            return (yield Send(method, request))
        except Error as error:
            delay = backoff.delay(error.retry_after)
            is_safe = repeatable or error.had_no_effect
            if not error.is_retryable or not is_safe or backoff.is_spent:
                raise
        yield Sleep(delay)


def pages(method: Method, request: Any, retry: Retry, take: Callable[[Any], object]) -> Steps[None]:
    """Asks for page after page."""
    while True:
        answer = yield from call(method, request, retry)
        take(answer)
        if not answer.next_page_token:
            return
        request.page_token = answer.next_page_token
