"""Carries steps out with `async`. `carrier.py` does the same with blocking calls."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from typing import Any, TypeVar

import grpc
import grpc.aio

from kith.channel import channel_options, closed, credentials, error_of_rpc, metadata, silent
from kith.errors import Error, Unreachable
from kith.options import Options
from kith.steps import Emit, Open, Pull, Receive, Send, Sleep, Steps, Write
from kith.wire import decode, encode

T = TypeVar("T")


class Carrier:
    """Two connections: one for calls, one for streams, so that many streams do not hold up calls."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._calls, self._streams = _channel(options), _channel(options)
        self._metadata = metadata(options)

    async def run(self, steps: Steps[T]) -> T:
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
                    answer = await self._send(step)
                elif isinstance(step, Sleep):
                    await asyncio.sleep(step.seconds)
            except Error as failed:
                error = failed

    async def stream(
        self, steps: Steps[None], source: AsyncIterable[Any] | Iterable[Any] = ()
    ) -> AsyncGenerator[Any, None]:
        """Carries out the steps of a stream; yields what they emit."""
        answer: Any = None
        error: Error | None = None
        stream: _Stream | None = None
        pulled = source.__aiter__() if isinstance(source, AsyncIterable) else _each(source)
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
                    answer = await anext(pulled, None)
                elif isinstance(step, Open):
                    if stream is not None:
                        stream.close()
                    stream = self._open(step)
                elif isinstance(step, Write | Receive) and stream is not None:
                    try:
                        answer = await stream.carry_out(step, self.options.timeouts.silence)
                    except Error as failed:
                        error = failed
                elif isinstance(step, Sleep):
                    await asyncio.sleep(step.seconds)
        finally:
            steps.close()
            if stream is not None:
                stream.close()

    async def close(self) -> None:
        """Ends both connections."""
        await self._calls.close()
        await self._streams.close()

    async def _send(self, step: Send) -> Any:
        call: Any = self._calls.unary_unary(step.method.path, request_serializer=encode)
        try:
            data = await call(step.request, timeout=self.options.timeouts.call, metadata=self._metadata)
        except grpc.RpcError as error:
            raise error_of_rpc(error) from None
        except grpc.aio.UsageError as error:
            raise closed() from error
        except asyncio.CancelledError:
            raise _closed_unless_cancelled() from None
        return decode(step.method.response, data)

    def _open(self, step: Open) -> "_Stream":
        try:
            return _Stream(self._streams, step, self._metadata)
        except grpc.aio.UsageError as error:
            raise closed() from error


class _Stream:
    """An open stream."""

    def __init__(self, channel: grpc.aio.Channel, step: Open, metadata: Any) -> None:
        self._response = step.method.response
        path = step.method.path
        self._call: Any
        if step.request is None:
            writing: Any = channel.stream_stream(path, request_serializer=encode)
            self._call = writing(metadata=metadata)
        else:
            asking: Any = channel.unary_stream(path, request_serializer=encode)
            self._call = asking(step.request, metadata=metadata)

    async def carry_out(self, step: Write | Receive, silence: float) -> Any:
        """Writes a message, or waits for one."""
        doing = self._write(step.message) if isinstance(step, Write) else self._read()
        try:
            # Python 3.11's `wait_for` forgets a cancellation that comes together with a result.
            async with asyncio.timeout(silence):
                return await doing
        except TimeoutError:
            raise silent(silence) from None
        except asyncio.CancelledError:
            raise _closed_unless_cancelled() from None

    async def _read(self) -> Any:
        try:
            found = await self._call.read()
        except grpc.RpcError as error:
            raise error_of_rpc(error) from None
        return None if found is grpc.aio.EOF else decode(self._response, found)

    async def _write(self, message: Any) -> None:
        """A message that cannot be written means that the stream is over; gRPC often forgets why."""
        try:
            await self._call.write(message)
        except grpc.RpcError as error:
            known = error_of_rpc(error)
            raise known if known.reason else _broken(error) from None
        except asyncio.InvalidStateError as error:
            raise _broken(error) from error

    def close(self) -> None:
        """Ends the stream."""
        self._call.cancel()


def _broken(error: Exception) -> Unreachable:
    return Unreachable(f"the connection to the server broke: {error}")


def _closed_unless_cancelled() -> BaseException:
    """What a cancelled call means: that its task was, or else that the client was closed."""
    task = asyncio.current_task()
    return asyncio.CancelledError() if task is None or task.cancelling() else closed()


def _channel(options: Options) -> grpc.aio.Channel:
    trusted = credentials(options)
    if trusted is None:
        return grpc.aio.insecure_channel(options.target, options=channel_options(options))
    return grpc.aio.secure_channel(options.target, trusted, options=channel_options(options))


async def _each(items: Iterable[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item
