"""The messages and calls of `kith.v1`, made from the descriptor set beside this file.

No code is generated, so no version of protobuf is asked of anybody, and the pool is our own, so nobody else's
`google.rpc` clashes with ours.
"""

import importlib.resources
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from kith.errors import AnswerInvalid, OptionsInvalid
from kith.times import TimeOutOfRange, millis_of, time_of


def _load() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    kept = importlib.resources.files("kith").joinpath("v1.bin").read_bytes()
    for file in descriptor_pb2.FileDescriptorSet.FromString(kept).file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool


_POOL = _load()


@cache
def message(name: str) -> Any:
    """The class of a message, such as `Event`; those of other packages by their full names."""
    full = name if "." in name else f"kith.v1.{name}"
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(full))


@cache
def enum_names(name: str) -> Mapping[int, str]:
    """The values of an enum by number, in lower case, without its prefix."""
    found = _POOL.FindEnumTypeByName(f"kith.v1.{name}")
    prefix = found.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return {number: value.name.removeprefix(prefix).lower() for number, value in found.values_by_number.items()}


@dataclass(frozen=True, slots=True)
class Method:
    """A call of a service."""

    path: str
    request: Any
    response: Any

    def ask(self, **held: Any) -> Any:
        """A request; raises `OptionsInvalid`."""
        return make(self.request, **held)


@cache
def method(name: str) -> Method:
    """A call by its name, such as `LogService/Append`."""
    service, _, call = name.partition("/")
    found = _POOL.FindServiceByName(f"kith.v1.{service}").methods_by_name[call]
    request, response = (message_factory.GetMessageClass(kind) for kind in (found.input_type, found.output_type))
    return Method(f"/kith.v1.{service}/{call}", request, response)


def make(kind: Any, **held: Any) -> Any:
    """A message with these fields; what they cannot hold, such as a position below 0, raises `OptionsInvalid`."""
    try:
        return kind(**held)
    except (TypeError, ValueError) as error:
        raise OptionsInvalid(f"{kind.DESCRIPTOR.name}: {error}") from error


def encode(found: Any) -> bytes:
    """The bytes of a message."""
    data: bytes = found.SerializeToString()
    return data


def decode(kind: Any, data: bytes | None) -> Any:
    """Reads a message of an answer, which has none if there is no data; raises `AnswerInvalid`."""
    if data is None:
        raise AnswerInvalid("the server's answer is malformed: it is empty")
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise AnswerInvalid(f"the server's answer is malformed: {error}") from error


def timestamp(time: datetime) -> Any:
    """An aware time as a `google.protobuf.Timestamp`, in whole milliseconds."""
    seconds, millis = divmod(millis_of(time), 1000)
    return message("google.protobuf.Timestamp")(seconds=seconds, nanos=millis * 1_000_000)


def read_time(parent: Any, field: str) -> datetime | None:
    """A time in an answer; `None` if it is not set. Raises `AnswerInvalid` for what no calendar has."""
    if not parent.HasField(field):
        return None
    found = getattr(parent, field)
    try:
        return time_of(found.seconds * 1000 + found.nanos // 1_000_000)
    except TimeOutOfRange as error:
        raise AnswerInvalid(f"the server's answer is malformed: {field}") from error
