"""The error of every call, read from a status or raised by the client. It says what the caller can do."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from kith.reasons import meaning

Kind = Literal[
    "refused", "unreachable", "timed_out", "server_failed", "answer_invalid", "not_verified", "options_invalid"
]
"""What kind of failure it is; each has a class below."""

_UNKNOWN = 2
_EVENT_INDEX = re.compile(r"events\[([0-9]{1,9})\]\.")


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A field at fault, as the server names it, such as `events[3].event.met.people`."""

    field: str
    description: str


class Error(Exception):
    """Why a call failed: calls raise nothing else. One class below for each kind."""

    kind: ClassVar[Kind]

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        code: int | None = None,
        violations: Sequence[FieldViolation] = (),
        retry_after: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        known = meaning(reason)
        self.message = message
        """The failure in words."""
        self.reason = reason
        """A reason of errors.proto, or one that this version does not know; empty if there is none."""
        self.code = code if code is not None else known.code if known else _UNKNOWN
        """The status code in gRPC; 2 if there was no status."""
        self.violations = tuple(violations)
        """All fields at fault."""
        self.retry_after = retry_after
        """Seconds that the server asks to wait before the next attempt."""
        self.metadata: Mapping[str, str] = dict(metadata or {})
        """Values that belong to the reason, such as `head` of `CONDITION_FAILED`."""

    @property
    def field(self) -> str:
        """The first field at fault, without the index of its event: `event.met.people`; empty if there is none."""
        return _EVENT_INDEX.sub("", self.violations[0].field, count=1) if self.violations else ""

    @property
    def event(self) -> int | None:
        """The index of the event at fault in an append, from 0."""
        index = self.metadata.get("event", "")
        if not index and self.violations and (found := _EVENT_INDEX.match(self.violations[0].field)):
            index = found[1]
        return int(index) if re.fullmatch(r"[0-9]{1,9}", index) else None

    @property
    def is_retryable(self) -> bool:
        """Whether the same call can succeed later, unchanged."""
        return self.retry_after is not None

    @property
    def had_no_effect(self) -> bool:
        """Whether it is certain that the call changed nothing on the server."""
        return False


class Refused(Error):
    """The server refused the call, or a check before it was sent did, for the same reason."""

    kind = "refused"

    @property
    def is_retryable(self) -> bool:
        """Whether the same call can succeed later, unchanged."""
        known = meaning(self.reason)
        return known.is_retryable if known else super().is_retryable

    @property
    def had_no_effect(self) -> bool:
        """Whether it is certain that the call changed nothing on the server."""
        known = meaning(self.reason)
        return known is not None and known.had_no_effect


class Unreachable(Error):
    """There is no connection, or it broke before the answer arrived."""

    kind = "unreachable"

    @property
    def is_retryable(self) -> bool:
        """Whether the same call can succeed later, unchanged."""
        return True


class TimedOut(Error):
    """The answer did not arrive in time."""

    kind = "timed_out"

    @property
    def is_retryable(self) -> bool:
        """Whether the same call can succeed later, unchanged."""
        return True


class ServerFailed(Error):
    """The server failed, or refused for a reason that this version does not know."""

    kind = "server_failed"


class AnswerInvalid(Error):
    """The answer is not a valid answer of a Kith server."""

    kind = "answer_invalid"


class NotVerified(Error):
    """The answer does not prove what it should: the server or somebody in between changed the log or the answer."""

    kind = "not_verified"


class OptionsInvalid(Error):
    """The options are invalid; nothing was sent."""

    kind = "options_invalid"

    @property
    def had_no_effect(self) -> bool:
        """Whether it is certain that the call changed nothing on the server."""
        return True
