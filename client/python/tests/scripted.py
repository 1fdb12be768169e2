"""A server that answers as it is told: with what a real one sends only when it is broken or of a later version."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import grpc

from kith.wire import message

Answer = bytes | Callable[[Any], bytes | Iterator[bytes]]
_CODES = {code.value[0]: code for code in grpc.StatusCode}


@dataclass
class Status:
    """A status to answer with, and what travels with it."""

    code: int
    message: str = ""
    reason: str = ""
    domain: str = "kith.v1"
    metadata: dict[str, str] = field(default_factory=dict)
    fields: tuple[tuple[str, str], ...] = ()
    subject: str = ""
    retry_ms: int | None = None

    def details(self) -> bytes:
        """The serialised `google.rpc.Status`."""
        status = message("google.rpc.Status")(code=self.code, message=self.message)

        def add(name: str, **held: Any) -> None:
            part = message(f"google.rpc.{name}")(**held)
            status.details.add(type_url=f"type.googleapis.com/google.rpc.{name}", value=part.SerializeToString())

        if self.reason:
            add("ErrorInfo", reason=self.reason, domain=self.domain, metadata=self.metadata)
        if self.fields:
            add("BadRequest", field_violations=[{"field": at, "description": why} for at, why in self.fields])
        if self.subject:
            add(
                "PreconditionFailure", violations=[{"type": self.reason, "subject": self.subject, "description": "why"}]
            )
        if self.retry_ms is not None:
            seconds, millis = divmod(self.retry_ms, 1000)
            add("RetryInfo", retry_delay={"seconds": seconds, "nanos": millis * 1_000_000})
        data: bytes = status.SerializeToString()
        return data


class Scripted(grpc.GenericRpcHandler):  # type: ignore[misc]
    """The server. `answers` has one answer for each call, the last of them for all that follow."""

    def __init__(self, credentials: Any = None) -> None:
        self.answers: list[Any] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.ended = threading.Event()
        self._server = grpc.server(ThreadPoolExecutor(16), handlers=[self])
        if credentials is None:
            self.url = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        else:
            self.url = f"https://localhost:{self._server.add_secure_port('127.0.0.1:0', credentials)}"
        self._server.start()

    def stop(self) -> None:
        self.ended.set()
        self._server.stop(0).wait()

    def service(self, call: Any) -> Any:
        """Takes every call: those of streams by their names."""
        self.asked.append((call.method, dict(call.invocation_metadata)))
        name = call.method.rpartition("/")[2]
        if name == "AppendStream":
            return grpc.stream_stream_rpc_method_handler(self._stream_after_the_first)
        if name in ("Subscribe", "WatchView"):
            return grpc.unary_stream_rpc_method_handler(self._stream)
        return grpc.unary_unary_rpc_method_handler(self._unary)

    def _next(self, context: Any) -> Any:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Status):
            refuse(context, answer)
        return answer

    def _unary(self, request: Any, context: Any) -> bytes:
        answer = self._next(context)
        data: bytes = answer(request) if callable(answer) else answer
        return data

    def _stream_after_the_first(self, requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
        if isinstance(self.answers[0], Status):
            self._next(context)
        next(requests)
        yield from self._stream(b"", context)

    def _stream(self, _request: Any, context: Any) -> Iterator[bytes]:
        for answer in self._next(context):
            if isinstance(answer, Status):
                refuse(context, answer)
            elif answer is None:
                # Silence, until the client has had enough or the test is over.
                context.add_callback(self.ended.set)
                self.ended.wait(30)
            else:
                yield answer


def refuse(context: Any, status: Status) -> None:
    context.set_trailing_metadata((("grpc-status-details-bin", status.details()),))
    context.abort(_CODES[status.code], status.message)
