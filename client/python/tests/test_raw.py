"""Answers that are no answers of gRPC, from whatever else may listen at an address."""

from collections.abc import Iterator
from typing import Any

import pytest

from kith import Retry, Timeouts
from tests import both
from tests.fixtures import failure
from tests.raw import Raw, headers, reset

PAGE = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>"
STATUS_404, STATUS_200 = b"\x8d", b"\x88"
"""Headers that HPACK has in its table."""


@pytest.fixture(scope="module")
def raw() -> Iterator[Raw]:
    server = Raw()
    yield server
    server.stop()


@pytest.fixture
def net(raw: Raw, which: str) -> Iterator[Any]:
    timeouts = Timeouts(call=3, silence=3)
    client = both.connect(which, raw.url, token="kith_secret", retry=Retry(attempts_max=1), timeouts=timeouts)
    yield client
    client.close()


@pytest.mark.parametrize(
    ("answer", "closes", "kind"),
    [
        (b"", True, "unreachable"),
        (PAGE, True, "unreachable"),
        (bytes(64), True, "unreachable"),
        (reset(0), False, "unreachable"),
        (reset(2), False, "unreachable"),
        (reset(7), False, "unreachable"),
        (reset(8), False, "unreachable"),
        (headers(STATUS_404), False, "server_failed"),
        (headers(STATUS_200), False, "unreachable"),
        (headers(STATUS_200, 0b100), True, "unreachable"),
    ],
)
def test_what_is_no_answer_is_told(net: Any, raw: Raw, answer: bytes, closes: bool, kind: str) -> None:
    raw.answer, raw.closes = answer, closes
    error = failure(net.head)
    assert error.kind == kind, str(error)
    assert (error.reason, error.had_no_effect) == ("", False)
    assert "kith_secret" not in str(error)


@pytest.mark.parametrize("code", [0, 2, 8])
def test_a_stream_that_is_reset_is_opened_again(net: Any, raw: Raw, code: int) -> None:
    raw.answer, raw.closes = reset(code), True
    updates = net.updates()
    for _ in range(3):
        update = next(updates)
        assert update.interrupted is not None
        assert update.interrupted.is_retryable, str(update.interrupted)
    updates.close()
