from collections.abc import Iterator
from typing import Any

import pytest

from tests import both
from tests.kithd import Kithd

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
