"""From a status of gRPC to the error that it stands for."""

from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import DecodeError

from kith.errors import Error, FieldViolation, Refused, ServerFailed, TimedOut, Unreachable
from kith.reasons import meaning
from kith.wire import message

_DEADLINE_EXCEEDED = 4
_UNIMPLEMENTED = 12
_UNAVAILABLE = 14
_DOMAIN = "kith.v1"
"""The domain of reasons in `google.rpc.ErrorInfo`."""


@dataclass(slots=True)
class _Said:
    reason: str = ""
    violations: list[FieldViolation] = field(default_factory=list)
    retry_after: float | None = None
    metadata: dict[str, str] = field(default_factory=dict)


def error_of(code: int, text: str, details: bytes = b"") -> Error:
    """The error of a status; `details` is the serialised `google.rpc.Status`, empty if there is none.

    A reason that this version does not know follows its code, and can be retried if the server says when.
    """
    said = _read(details)
    known: dict[str, Any] = {
        "reason": said.reason,
        "code": code,
        "violations": said.violations,
        "retry_after": said.retry_after,
        "metadata": said.metadata,
    }
    if meaning(said.reason):
        return Refused(text, **known)
    if code == _DEADLINE_EXCEEDED:
        return TimedOut("no answer in time", **known)
    if code == _UNAVAILABLE:
        return Unreachable(f"the server is not available: {text}", **known)
    if code == _UNIMPLEMENTED:
        return ServerFailed("the server does not know this call: is it older than this client?", **known)
    return ServerFailed(f"the server failed: {text}", **known)


def _read(details: bytes) -> _Said:
    """Reads the parts of a `google.rpc.Status` that servers send. Malformed bytes say nothing."""
    said = _Said()
    try:
        for part in message("google.rpc.Status").FromString(details).details:
            _read_part(part.type_url.rpartition("/")[2], part.value, said)
    except DecodeError:
        return _Said()
    return said


def _read_part(name: str, value: bytes, said: _Said) -> None:
    if name == "google.rpc.ErrorInfo":
        info = message(name).FromString(value)
        if info.domain == _DOMAIN:
            said.reason, said.metadata = info.reason, dict(info.metadata)
    elif name == "google.rpc.BadRequest":
        for violation in message(name).FromString(value).field_violations:
            said.violations.append(FieldViolation(violation.field, violation.description))
    elif name == "google.rpc.PreconditionFailure":
        named = {one.field for one in said.violations}
        for broken in message(name).FromString(value).violations:
            if broken.subject and broken.subject not in named:
                said.violations.append(FieldViolation(broken.subject, broken.description))
    elif name == "google.rpc.RetryInfo":
        info = message(name).FromString(value)
        if info.HasField("retry_delay"):
            said.retry_after = info.retry_delay.seconds + info.retry_delay.nanos / 1e9
