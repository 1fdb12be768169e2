"""Carries steps out with blocking calls. `aio_carrier.py` does the same with `async`."""

import queue
import threading
import time
from collections.abc import Generator, Iterable
from typing import Any, TypeVar

import grpc

from kith.channel import channel_options, closed, credentials, error_of_rpc, metadata, silent
from kith.errors import Error
from kith.options import Options
from kith.steps import Emit, Open, Pull, Receive, Send, Sleep, Steps, Write
from kith.wire import decode, encode

T = TypeVar("T")
_MESSAGES_AHEAD = 4
"""Messages of a stream that are taken before they are asked for."""


class Carrier:
    """Two connections: one for calls, one for streams, so that many streams do not hold up calls."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._calls, self._streams = _channel(options), _channel(options)
        self._metadata = metadata(options)

    def run(self, steps: Steps[T]) -> T:
        """Carries out the steps of a call; returns its result."""
        answer: Any = None
        error: Error | None = None
        while True:
            try:
                step = steps.send(answer) if error is None else steps.throw(error)
            except StopIteration as end:
                result: T = end.value
                return result
            answer = error = None
            try:
                if isinstance(step, Send):
                    answer = self._send(step)
                elif isinstance(step, Sleep):
                    time.sleep(step.seconds)
            except Error as failed:
                error = failed

    def stream(self, steps: Steps[None], source: Iterable[Any] = ()) -> Generator[Any, None, None]:
        """Carries out the steps of a stream; yields what they emit."""
        answer: Any = None
        error: Error | None = None
        stream: _Stream | None = None
        pulled = iter(source)
        try:
            while True:
                try:
                    step = steps.send(answer) if error is None else steps.throw(error)
                except StopIteration:
                    return
                answer = error = None
                if isinstance(step, Emit):
                    yield step.item
                elif isinstance(step, Pull):
                    answer = next(pulled, None)
                elif isinstance(step, Open):
                    if stream is not None:
                        stream.close()
                    stream = self._open(step)
                elif isinstance(step, Write | Receive) and stream is not None:
                    try:
                        answer = stream.carry_out(step, self.options.timeouts.silence)
                    except Error as failed:
                        error = failed
                elif isinstance(step, Sleep):
                    time.sleep(step.seconds)
        finally:
            steps.close()
            if stream is not None:
                stream.close()

    def close(self) -> None:
        """Ends both connections."""
        self._calls.close()
        self._streams.close()

    def _send(self, step: Send) -> Any:
        call = self._calls.unary_unary(step.method.path, request_serializer=encode)
        try:
            data = call(step.request, timeout=self.options.timeouts.call, metadata=self._metadata)
        except grpc.RpcError as error:
            raise error_of_rpc(error) from None
        except ValueError as error:
            raise closed() from error
        return decode(step.method.response, data)

    def _open(self, step: Open) -> "_Stream":
        try:
            return _Stream(self._streams, step, self._metadata)
        except ValueError as error:
            raise closed() from error


class _Stream:
    """An open stream. A thread takes its messages, a few ahead, because gRPC can wait for one only without an end."""

    def __init__(self, channel: grpc.Channel, step: Open, metadata: Any) -> None:
        self._response = step.method.response
        self._written: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._read: queue.SimpleQueue[bytes | Exception | None] = queue.SimpleQueue()
        self._places = threading.Semaphore(_MESSAGES_AHEAD)
        self._is_closed = False
        path = step.method.path
        if step.request is None:
            writing = channel.stream_stream(path, request_serializer=encode)
            self._call = writing(iter(self._written.get, None), metadata=metadata)
        else:
            self._call = channel.unary_stream(path, request_serializer=encode)(step.request, metadata=metadata)
        threading.Thread(target=self._take, name="kith stream", daemon=True).start()

    def carry_out(self, step: Write | Receive, silence: float) -> Any:
        """Writes a message, or waits for one."""
        if isinstance(step, Write):
            return self._written.put(step.message)
        try:
            found = self._read.get(timeout=silence)
        except queue.Empty:
            raise silent(silence) from None
        self._places.release()
        if isinstance(found, grpc.RpcError):
            raise error_of_rpc(found)
        return None if found is None else decode(self._response, found)  # type: ignore[arg-type]

    def close(self) -> None:
        """Ends the stream, and the threads that serve it."""
        self._is_closed = True
        self._call.cancel()
        self._written.put(None)
        self._places.release()

    def _take(self) -> None:
        try:
            for message in self._call:
                self._read.put(message)
                self._places.acquire()
                if self._is_closed:
                    return
            self._read.put(None)
        except grpc.RpcError as error:
            self._read.put(error)


def _channel(options: Options) -> grpc.Channel:
    trusted = credentials(options)
    if trusted is None:
        return grpc.insecure_channel(options.target, options=channel_options(options))
    return grpc.secure_channel(options.target, trusted, options=channel_options(options))
