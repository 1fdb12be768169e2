from collections.abc import Iterator
from typing import Any

import pytest

from kith import Retry, Timeouts
from tests import both
from tests.kithd import Kithd
from tests.scripted import Scripted

CLIENTS = ("blocking", "async")


@pytest.fixture(scope="session")
def server() -> Iterator[Kithd]:
    """A server with the fictional network, which all tests share."""
    running = Kithd("--demo")
    yield running
    running.stop()


@pytest.fixture(scope="session", params=CLIENTS)
def which(request: pytest.FixtureRequest) -> str:
    """Which of the two clients."""
    found: str = request.param
    return found


@pytest.fixture(scope="session")
def demo(server: Kithd, which: str) -> Iterator[Any]:
    """A client of the fictional network."""
    client = both.connect(which, server.url, token_file=server.token_file, network="demo")
    yield client
    client.close()


@pytest.fixture(scope="session")
def net(server: Kithd, which: str) -> Iterator[Any]:
    """A client of the network `default`, in which tests record."""
    client = both.connect(which, server.url, token_file=server.token_file)
    yield client
    client.close()


@pytest.fixture(scope="module")
def scripted() -> Iterator[Scripted]:
    """A server that answers as it is told."""
    running = Scripted()
    yield running
    running.stop()


@pytest.fixture
def hasty(scripted: Scripted, which: str) -> Iterator[Any]:
    """A client of it that tries once and waits for half a second."""
    scripted.asked.clear()
    scripted.ended.clear()
    timeouts = Timeouts(call=0.5, silence=0.5)
    client = both.connect(which, scripted.url, token="kith_secret", retry=Retry(attempts_max=1), timeouts=timeouts)
    yield client
    client.close()


@pytest.fixture
def patient(scripted: Scripted, which: str) -> Iterator[Any]:
    """A client of it that tries again: four times in all."""
    scripted.asked.clear()
    retry = Retry(attempts_max=4, delay_first=0.001, delay_max=0.002)
    client = both.connect(which, scripted.url, token="kith_secret", retry=retry)
    yield client
    client.close()
