"""What a reason for a refusal means: the table of server/core/src/reason.rs, in the order of errors.proto."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a reason means for the caller."""

    code: int
    """Its status code in gRPC."""
    is_retryable: bool
    """Whether the same call can succeed later, unchanged."""
    had_no_effect: bool
    """Whether it is certain that the call changed nothing."""


def _final(code: int) -> Meaning:
    return Meaning(code, is_retryable=False, had_no_effect=True)


def _retryable(code: int) -> Meaning:
    return Meaning(code, is_retryable=True, had_no_effect=True)


def _unsure(code: int) -> Meaning:
    return Meaning(code, is_retryable=True, had_no_effect=False)


_MEANINGS: Mapping[str, Meaning] = {
    "UNSPECIFIED": Meaning(2, is_retryable=False, had_no_effect=False),
    "CONDITION_FAILED": _final(10),
    "EVENT_INVALID": _final(3),
    "VIEW_UNKNOWN": _final(5),
    "PERSON_UNKNOWN": _final(5),
    "EVENT_UNKNOWN": _final(5),
    "NETWORK_UNKNOWN": _final(5),
    "EVENT_ID_REUSED": _final(6),
    "SCOPE_MISMATCH": _final(9),
    "RESET_REQUIRED": _final(9),
    "PERSON_ERASED": _final(9),
    "VIEW_INCOMPLETE": _final(9),
    "TOKEN_INVALID": _final(16),
    "DETAILS_MISMATCH": _final(3),
    "PLUGIN_REFUSED": _final(3),
    "LOG_BUSY": _retryable(8),
    "VIEW_BUILDING": _retryable(14),
    "LOG_POISONED": _unsure(14),
    "POSITION_AHEAD": _retryable(14),
    "LIMIT_EXCEEDED": _final(3),
    "PERMISSION_DENIED": _final(7),
    "SCOPE_LOST": _final(7),
    "SUBSCRIBER_TOO_SLOW": _retryable(8),
    "ORGANISATION_UNKNOWN": _final(5),
    "REQUEST_INVALID": _final(3),
    "ALREADY_EXISTS": _final(6),
    "ROW_UNKNOWN": _final(5),
    "TOKEN_UNKNOWN": _final(5),
    "VIEW_STOPPED": _final(14),
    "SHUTTING_DOWN": _unsure(14),
    "LOG_ROLLED_BACK": _retryable(14),
    "RATE_LIMITED": _retryable(8),
    "SIGNATURE_INVALID": _final(3),
    "DEADLINE_EXCEEDED": _unsure(4),
    "DISK_FULL": _retryable(14),
    "UNSUPPORTED": _final(12),
    "PERSON_HELD": _final(9),
    "MEMBER_UNKNOWN": _final(5),
    "RIGHTS_CHANGED": _unsure(14),
}
_NAMES = tuple(_MEANINGS)


def meaning(reason: str) -> Meaning | None:
    """What a reason means; `None` for one that this version does not know."""
    return _MEANINGS.get(reason)


def reason_name(number: int) -> str:
    """The name of a reason that came as a number, as in the results of an append stream."""
    return _NAMES[number] if 0 <= number < len(_NAMES) else f"newer:{number}"
