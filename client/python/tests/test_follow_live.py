"""Following a log over the end of its server."""

import itertools
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

import kith
from kith import Cursor, Filter, NotVerified, Retry, Update
from kith.verify import VerifierKey
from tests import both
from tests.fixtures import failure
from tests.kithd import Kithd

SECONDS_MAX = 40
NUMBERS = itertools.count()
PEOPLE = [
    kith.organisation_added("riverside", "Riverside Practice"),
    kith.person_added("amina"),
    kith.person_added("ben"),
]


def of_its_own(which: str, server: Kithd, **options: Any) -> Any:
    """A client of a network that is not used before."""
    network = f"follow-{next(NUMBERS)}"
    client = both.connect(which, server.url, token_file=server.token_file, network=network, **options)
    client.create_network(network)
    client.append(*PEOPLE)
    return client


@pytest.fixture
def fresh(server: Kithd, which: str) -> Iterator[Any]:
    """A client of a network of its own."""
    client = of_its_own(which, server)
    yield client
    client.close()


@pytest.fixture(scope="module")
def killed() -> Iterator[Kithd]:
    """A server that tests may kill."""
    server = Kithd()
    yield server
    server.stop()


@pytest.fixture
def mortal(which: str, killed: Kithd) -> Iterator[tuple[Kithd, Any]]:
    """A server that a test may kill, and a patient client of a network of its own."""
    client = of_its_own(which, killed, retry=Retry(attempts_max=40, delay_max=0.5))
    yield killed, client
    client.close()


def meetings(count: int) -> list[kith.NewEvent]:
    return [kith.met("amina", "ben", note="again") for _ in range(count)]


class Follower(threading.Thread):
    """Follows a log with a client of its own until it has seen a position."""

    def __init__(self, which: str, server: Kithd, network: str, until: int, key: VerifierKey | None) -> None:
        super().__init__(daemon=True)
        self._client = both.connect(which, server.url, token_file=server.token_file, network=network)
        self._key = key
        self.positions: list[int] = []
        self.interruptions: list[kith.Error] = []
        self._until = until

    def run(self) -> None:
        updates = self._client.updates(verified_by=self._key)
        for update in updates:
            self.positions += [entry.position for entry in update.entries]
            if update.interrupted is not None:
                assert update.retry_in > 0
                self.interruptions.append(update.interrupted)
            if update.cursor.position >= self._until:
                break
        updates.close()
        self._client.close()


@pytest.mark.parametrize("verified", [False, True])
def test_every_entry_arrives_once_and_in_order_though_the_server_is_killed_three_times_under_load(
    mortal: tuple[Kithd, Any], which: str, verified: bool
) -> None:
    server, client = mortal
    until = len(PEOPLE) + 3 * 5_040 + 1
    follower = Follower(which, server, client.network, until, client.checkpoint()[1] if verified else None)
    follower.start()
    for _ in range(3):
        client.append(*meetings(40))
        results = client.append_many(meetings(5_000))
        last = [next(results).outcome.position for _ in range(10)][-1]
        server.kill()
        server.start()
        # Everything is recorded, and nothing twice, though it is unknown what was recorded before the end.
        rest = [result.outcome.position for result in results]
        assert rest == list(range(last + 1, last + 4_991))
    [outcome] = client.append(*meetings(1))
    follower.join(SECONDS_MAX)
    assert not follower.is_alive()
    assert follower.positions == list(range(1, outcome.position + 1))
    assert outcome.position == until
    assert len(follower.interruptions) >= 3
    assert {error.is_retryable for error in follower.interruptions} == {True}


def test_a_kept_cursor_goes_on_where_it_was_and_only_with_its_own_filter(fresh: Any) -> None:
    fresh.append(*meetings(3))
    only_met = Filter(kinds=("met",))
    first: Update = next(fresh.updates(filter=only_met))
    assert (first.cursor.position, first.interrupted) == (6, None)
    [event] = meetings(1)
    fresh.append(event)
    seen: list[kith.Entry] = []
    for update in fresh.updates(after=first.cursor, filter=only_met):
        seen += update.entries
        if update.caught_up and seen:
            break
    assert [(entry.id, entry.words["note"]) for entry in seen] == [(event.id, "again")]
    error = failure(lambda: next(fresh.updates(after=first.cursor, filter=Filter(kinds=("helped",)))))
    assert (error.reason, error.field) == ("REQUEST_INVALID", "cursor.filter")
    foreign = Cursor(1, bytes(16), bytes(32))
    assert failure(lambda: next(fresh.follow(after=foreign))).reason == "RESET_REQUIRED"


def test_what_is_appended_arrives_at_once(fresh: Any, server: Kithd, which: str) -> None:
    other = both.connect(which, server.url, token_file=server.token_file, network=fresh.network)
    entries = other.follow(after=len(PEOPLE))
    for event in meetings(5):
        began = time.monotonic()
        fresh.append(event)
        assert next(entries).id == event.id
        assert time.monotonic() - began < 2
    entries.close()
    other.close()


def test_verified_entries_resume_from_a_kept_tree(fresh: Any) -> None:
    key = fresh.checkpoint()[1]
    fresh.append(*meetings(30))
    updates = fresh.updates(verified_by=key)
    seen = list(itertools.takewhile(lambda update: update.cursor.position < 33, updates))
    cursor = next(fresh.updates(verified_by=key)).cursor if not seen else seen[-1].cursor
    updates.close()
    assert len(cursor.tree) > 8
    fresh.append(*meetings(3))
    resumed = [entry.position for entry in itertools.islice(fresh.follow(after=cursor, verified_by=key), 3)]
    assert resumed == list(range(cursor.position + 1, cursor.position + 4))
    # From a position alone the log is verified from its beginning, and what was asked for is yielded.
    assert next(fresh.follow(after=20, verified_by=key)).position == 21


def test_a_log_that_another_key_signed_is_not_believed(mortal: tuple[Kithd, Any], server: Kithd, which: str) -> None:
    _, client = mortal
    stranger = both.connect(which, server.url, token_file=server.token_file)
    with pytest.raises(NotVerified, match="not signed by the key"):
        next(client.follow(verified_by=stranger.checkpoint()[1]))
    with pytest.raises(NotVerified, match="not signed by the key"):
        client.checkpoint(stranger.checkpoint()[1])
    stranger.close()


def test_proofs_of_a_real_log_verify_and_those_of_another_do_not(fresh: Any) -> None:
    earlier, key = fresh.checkpoint()
    [event] = meetings(1)
    [outcome] = fresh.append(event)
    deadline = time.monotonic() + 10
    while fresh.checkpoint(key)[0].unverified.size < outcome.position and time.monotonic() < deadline:
        time.sleep(0.05)
    receipt = fresh.receipt(event.id, key)
    assert receipt.verify(key).id == event.id
    assert kith.verify.Receipt.parse(str(receipt)) == receipt
    growth = fresh.growth(earlier, key)
    growth.verify(earlier, key)
    assert kith.verify.verify_evidence(kith.verify.read_evidence(str(growth).encode()), key, earlier) is None
    assert failure(lambda: fresh.receipt(kith.new_event_id(), key)).reason == "EVENT_UNKNOWN"
    assert fresh.growth(fresh.checkpoint(key)[0], key).hashes == ()
