"""Many calls at a time: threads on one client, tasks on the other, and calls that are given up."""

import asyncio
import itertools
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing

import kith
from kith import NewEvent, aio
from tests.both import awaited
from tests.kithd import Kithd

PEOPLE = kith.new_person_id(), kith.new_person_id()


def record_people(server: Kithd) -> None:
    with kith.connect(server.url, token_file=server.token_file) as net:
        net.append(*[kith.person_added(person) for person in PEOPLE])


def test_threads_share_a_client(server: Kithd) -> None:
    record_people(server)
    with kith.connect(server.url, token_file=server.token_file) as net, ThreadPoolExecutor(16) as threads:
        outcomes = list(threads.map(lambda _: net.append(kith.met(*PEOPLE))[0], range(200)))
        positions = {outcome.position for outcome in outcomes}
        assert len(positions) == 200
        after = min(positions) - 1

        def follow(_: int) -> list[int]:
            return [entry.position for entry in itertools.islice(net.follow(after), 200)]

        followed = list(threads.map(follow, range(8)))
    assert followed == [sorted(positions)] * 8


def test_tasks_share_a_client(server: Kithd) -> None:
    async def ask() -> None:
        async with aio.connect(server.url, token_file=server.token_file, network="demo") as net:
            heads = await asyncio.gather(*[net.head() for _ in range(100)])
            assert len({head.position for head in heads}) == 1
            rows = await asyncio.gather(*[net.view("strength", top=at) for at in range(1, 20)])
            assert [len(one) for one in rows] == list(range(1, 20))

    awaited(ask())


def test_bulk_appends_take_events_that_arrive_over_time(server: Kithd) -> None:
    async def source() -> AsyncIterator[NewEvent]:
        for _ in range(20):
            await asyncio.sleep(0.001)
            yield kith.met(*PEOPLE)

    async def append() -> list[kith.EventResult]:
        async with aio.connect(server.url, token_file=server.token_file) as net:
            return [result async for result in net.append_many(source())]

    results = awaited(append())
    assert [result.number for result in results] == list(range(1, 21))
    assert all(result.outcome for result in results)


def test_a_call_that_is_given_up_leaves_the_client_as_it_was(server: Kithd) -> None:
    async def give_up() -> None:
        async with aio.connect(server.url, token_file=server.token_file, network="demo") as net:
            head = await net.head()
            for _ in range(20):
                try:
                    await asyncio.wait_for(net.read(limit=10_000), 0.001)
                except TimeoutError:
                    continue
            following = asyncio.create_task(anext(net.follow(after=head.position)))
            await asyncio.sleep(0.05)
            following.cancel()
            assert isinstance((await asyncio.gather(following, return_exceptions=True))[0], asyncio.CancelledError)
            async with aclosing(net.follow()) as entries:
                assert (await anext(entries)).position == 1
            assert await net.head() == head

    awaited(give_up())


def test_a_cancellation_that_comes_together_with_a_message_ends_the_task(server: Kithd) -> None:
    people = kith.new_person_id(), kith.new_person_id()

    async def follow(net: aio.Client, after: int, heard: asyncio.Event) -> None:
        async for _ in net.updates(after):
            heard.set()

    async def cancel() -> int:
        async with aio.connect(server.url, token_file=server.token_file) as net:
            await net.append(*[kith.person_added(person) for person in people])
            for _ in range(10):
                heard = asyncio.Event()
                after = (await net.head()).position
                followers = [asyncio.create_task(follow(net, after, heard)) for _ in range(50)]
                await asyncio.sleep(0.1)
                heard.clear()
                await net.append(kith.met(*people))
                await heard.wait()
                for follower in followers:
                    follower.cancel()
                _, alive = await asyncio.wait(followers, timeout=5)
                if alive:
                    for follower in alive:
                        follower.cancel()
                    return len(alive)
        return 0

    assert awaited(cancel()) == 0


def test_closing_a_client_ends_its_streams(server: Kithd) -> None:
    net = kith.connect(server.url, token_file=server.token_file, network="demo")
    entries = net.follow(after=net.head().position)
    ended: list[kith.Error] = []

    def follow() -> None:
        try:
            next(entries)
        except kith.Error as error:
            ended.append(error)

    following = threading.Thread(target=follow)
    following.start()
    time.sleep(0.1)
    net.close()
    following.join(5)
    assert [error.kind for error in ended] == ["options_invalid"]


def test_closing_the_other_client_ends_its_streams(server: Kithd) -> None:
    async def close() -> object:
        net = aio.connect(server.url, token_file=server.token_file, network="demo")
        head = await net.head()
        following = asyncio.create_task(anext(net.follow(after=head.position)))
        await asyncio.sleep(0.1)
        await net.close()
        return (await asyncio.gather(following, return_exceptions=True))[0]

    assert repr(awaited(close())) == "OptionsInvalid('the client is closed')"


SCRIPT = """
import sys, kith
with kith.connect(sys.argv[1], token_file=sys.argv[2], network="demo") as net:
    for entry in net.follow():
        if entry.position == 1:
            print("reading", flush=True)
"""


def test_a_script_that_follows_ends_when_it_is_interrupted(server: Kithd) -> None:
    command = [sys.executable, "-c", SCRIPT, server.url, str(server.token_file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as script:
        assert script.stdout is not None
        assert script.stdout.readline() == "reading\n"
        time.sleep(0.2)
        script.send_signal(signal.SIGINT)
        _, said = script.communicate(timeout=10)
    assert script.returncode != 0
    assert said.splitlines()[-1] == "KeyboardInterrupt"
