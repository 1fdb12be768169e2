"""A verifying reader of a log whose server lies."""

from collections.abc import Iterator
from typing import Any

import pytest

import kith
from kith import NotVerified, Retry
from kith.verify import Checkpoint, leaf_hash
from kith.wire import message
from tests import both
from tests.fixtures import failure
from tests.scripted import Scripted, Status
from tests.signed_log import Signer, answer, entry, growth_of

EVENTS = [kith.met("amina", "ben", note=f"note {at}") for at in range(6)]
ENTRIES = [entry(at, event) for at, event in enumerate(EVENTS, 1)]
SIGNER = Signer()
DONE = Status(9, "enough", "RESET_REQUIRED")
BROKEN = Status(14, "x")


@pytest.fixture
def net(scripted: Scripted, which: str) -> Iterator[Any]:
    client = both.connect(which, scripted.url, token="x", retry=Retry(delay_first=0.001, delay_max=0.002))
    yield client
    client.close()


def signed(size: int) -> str:
    return SIGNER.checkpoint(ENTRIES[:size])


def read(net: Any, scripted: Scripted, *answers: list[Any], **options: Any) -> list[int]:
    """The positions that are yielded before the server says that it is enough."""
    scripted.answers = list(answers)
    positions: list[int] = []

    def take() -> None:
        for one in net.follow(verified_by=SIGNER.verifier, **options):
            positions.append(one.position)

    error = failure(take)
    assert error.reason == "RESET_REQUIRED", str(error)
    return positions


def test_only_what_a_checkpoint_vouches_for_is_yielded(net: Any, scripted: Scripted) -> None:
    unvouched = [answer(ENTRIES[:3], 3), DONE]
    assert read(net, scripted, unvouched) == []
    # The checkpoint reaches to the fourth entry, and the message with it to the fifth.
    later = answer(ENTRIES[3:5], 5, signed(4), growth_of(4, ENTRIES[:5]))
    assert read(net, scripted, [answer(ENTRIES[:3], 3), later, DONE]) == [1, 2, 3]
    last = answer([], 5, signed(5))
    assert read(net, scripted, [answer(ENTRIES[:3], 3), later, last, DONE]) == [1, 2, 3, 4, 5]
    # What follows on a verified head without entries needs no further checkpoint.
    assert read(net, scripted, [answer(ENTRIES[:3], 3, signed(3)), answer([], 3), DONE]) == [1, 2, 3]


def test_what_is_held_back_outlasts_an_interruption(net: Any, scripted: Scripted) -> None:
    first = [answer(ENTRIES[:3], 3), BROKEN]
    assert read(net, scripted, first, [answer(ENTRIES[3:], 6, signed(6)), DONE]) == [1, 2, 3, 4, 5, 6]
    assert read(net, scripted, first, [answer(ENTRIES[3:], 6, signed(6)), DONE], after=4) == [5, 6]


def test_a_kept_tree_is_gone_on_from(net: Any, scripted: Scripted) -> None:
    scripted.answers = [[answer(ENTRIES[:3], 3, signed(3)), DONE]]
    cursor = next(net.updates(verified_by=SIGNER.verifier)).cursor
    assert read(net, scripted, [answer(ENTRIES[3:], 6, signed(6)), DONE], after=cursor) == [4, 5, 6]
    wrong = kith.Cursor(cursor.position + 1, tree=cursor.tree)
    error = failure(lambda: next(net.updates(after=wrong, verified_by=SIGNER.verifier)))
    assert error.kind == "options_invalid"


def test_words_are_those_that_were_recorded_or_erased(net: Any, scripted: Scripted) -> None:
    words = dict(enumerate(EVENTS[:3], 1))
    assert read(net, scripted, [answer(ENTRIES[:3], 3, signed(3), words=words), DONE]) == [1, 2, 3]
    swapped = {1: EVENTS[1]}
    scripted.answers = [[answer(ENTRIES[:3], 3, signed(3), words=swapped), DONE]]
    with pytest.raises(NotVerified, match="the words of entry 1"):
        next(net.follow(verified_by=SIGNER.verifier))


@pytest.mark.parametrize(
    "lie",
    [
        [answer([entry(1, EVENTS[0], "token:y"), *ENTRIES[1:3]], 3, signed(3))],
        [answer([*ENTRIES[:1], *ENTRIES[2:3]], 3, signed(3))],
        [answer([ENTRIES[1], ENTRIES[0], ENTRIES[2]], 3, signed(3))],
        [answer(ENTRIES[:3], 4, signed(3))],
        [answer(ENTRIES[:3], 2, signed(3))],
        [answer(ENTRIES[:3], 3, signed(4))],
        [answer(ENTRIES[:3], 3, signed(2))],
        [answer(ENTRIES[:3], 3, signed(2), [*growth_of(2, ENTRIES[:3]), bytes(32)])],
        [answer(ENTRIES[:3], 3, Signer().checkpoint(ENTRIES[:3]))],
        [answer(ENTRIES[:3], 3, signed(3).replace("default", "other"))],
        [answer(ENTRIES[:3], 3, "no note")],
        [answer(ENTRIES[:3], 3), answer(ENTRIES[:3], 3, signed(3))],
    ],
)
def test_a_lie_is_told_before_anything_is_yielded(net: Any, scripted: Scripted, lie: list[Any]) -> None:
    scripted.answers = [[*lie, DONE]]
    with pytest.raises(NotVerified):
        next(net.follow(verified_by=SIGNER.verifier))


def test_a_receipt_of_another_event_and_a_shrunk_log_are_not_believed(net: Any, scripted: Scripted) -> None:

    pair = ENTRIES[:2]
    head = message("GetCheckpointResponse")(checkpoint=SIGNER.checkpoint(pair), key=str(SIGNER.verifier), size=2)
    proof = message("GetInclusionProofResponse")(entry=pair[0], position=1, size=2, hashes=[leaf_hash(pair[1])])
    scripted.answers = [head.SerializeToString(), proof.SerializeToString()]
    assert net.receipt(EVENTS[0].id, SIGNER.verifier).index == 0
    scripted.answers = [head.SerializeToString(), proof.SerializeToString()]
    with pytest.raises(NotVerified, match="another event"):
        net.receipt(EVENTS[1].id, SIGNER.verifier)
    scripted.answers = [head.SerializeToString()]
    earlier = Checkpoint.parse(signed(3))
    with pytest.raises(NotVerified, match="fewer entries than this checkpoint: 2 instead of 3"):
        net.growth(earlier, SIGNER.verifier)
    assert net.growth(Checkpoint.parse(SIGNER.checkpoint(pair)), SIGNER.verifier).from_size == 2
