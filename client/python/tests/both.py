"""Both clients behind one face, so that every test of calls runs with each of them."""

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from functools import cache
from typing import Any

import kith
from kith import aio


def connect(which: str, server: str, **options: Any) -> Any:
    """A client: `blocking`, or `async`, whose calls are then waited for."""
    return kith.connect(server, **options) if which == "blocking" else Awaited(server, **options)


@cache
def loop() -> asyncio.AbstractEventLoop:
    """The event loop of all asynchronous clients, which runs beside the tests."""
    running = asyncio.new_event_loop()
    threading.Thread(target=running.run_forever, name="event loop", daemon=True).start()
    return running


def awaited(call: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run_coroutine_threadsafe(call, loop()).result()


class Awaited:
    """The asynchronous client, whose calls are waited for."""

    def __init__(self, server: str, **options: Any) -> None:
        async def connect() -> aio.Client:
            return aio.connect(server, **options)

        self._client = awaited(connect())

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)

        def call(*arguments: Any, **named: Any) -> Any:
            result = found(*arguments, **named)
            return iterated(result) if isinstance(result, AsyncIterator) else awaited(result)

        return call if callable(found) else found


def iterated(items: Any) -> Iterator[Any]:
    async def take() -> Any:
        return await anext(items, None)

    try:
        while (item := awaited(take())) is not None:
            yield item
    finally:
        awaited(items.aclose())
