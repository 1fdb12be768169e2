"""Bytes that were cut, repeated and overwritten: whatever reads them reads them whole, or raises an error of Kith."""

import random
from collections.abc import Callable

import pytest

import kith
from kith import NewEvent
from kith.canonical import encode_event, read_event
from kith.dates import parse_duration, parse_end, parse_known, parse_on, parse_view_day
from kith.entry import read_entry
from kith.status import error_of
from kith.verify import Checkpoint, Growth, PartialTree, Receipt, VerifierKey, read_evidence
from tests.fixtures import fixture
from tests.random_events import Chance
from tests.scripted import Status
from tests.signed_log import entry

VECTORS = fixture("vectors")
NOTES = [VECTORS["notes"][name] for name in ("later", "cosigned", "receipt", "growth", "key")]
EVENTS = [kith.met("amina", "ben", note="x", attributes={"n": 1, "half": 0.5}, caused_by=[kith.new_event_id()])]
SAMPLES = [
    *[bytes.fromhex(vector["bytes"]) for vector in VECTORS["events"]],
    *[event.to_bytes() for event in EVENTS],
    *[entry(7, event) for event in EVENTS],
    *[note.encode() for note in NOTES],
    Status(3, "x", "EVENT_INVALID", metadata={"event": "1"}, fields=(("a", "b"),), retry_ms=40).details(),
    *[case["text"].encode() for case in fixture("dates")],
    b"1h30m",
    PartialTree().to_bytes(),
]
READERS: list[Callable[[bytes], object]] = [
    NewEvent.from_bytes,
    read_event,
    read_entry,
    read_evidence,
    PartialTree.from_bytes,
    lambda data: error_of(3, "x", data),
    *[
        lambda data, parse=parse: parse(data.decode(errors="surrogateescape"))
        for parse in (
            Checkpoint.parse,
            Receipt.parse,
            Growth.parse,
            VerifierKey.parse,
            parse_on,
            parse_view_day,
            parse_known,
            parse_end,
            parse_duration,
        )
    ],
]


def mutated(pick: random.Random) -> bytes:
    """One of the samples with some mutations."""
    data = bytearray(pick.choice(SAMPLES))
    for _ in range(pick.randint(0, 4)):
        at, length = pick.randrange(len(data) + 1), pick.choice([1, 1, 2, 16])
        part = [
            lambda at=at, length=length: data[at : at + length] * 2,
            lambda: b"",
            lambda length=length: pick.randbytes(length),
            lambda: pick.choice([b"\xff" * 10, b"\x80" * 9 + b"\x01", b"\n\n", b"9" * 20, b"\x12\x00", b"\x00"]),
            lambda length=length: pick.choice(SAMPLES)[:length],
        ]
        data[at : at + length] = pick.choice(part)()  # type: ignore[operator]
    return bytes(data)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_read_is_whole_or_an_error_of_kith(seed: int) -> None:
    pick = random.Random(seed)
    read = refused = 0
    for _ in range(1_000):
        data = mutated(pick)
        for reader in READERS:
            try:
                reader(data)
            except kith.Error:
                refused += 1
            else:
                read += 1
    assert read > 100
    assert refused > 1_000


def test_what_is_read_of_mutated_events_is_written_and_read_again() -> None:
    pick, chance = random.Random(5), Chance(6)
    again = 0
    for _ in range(2_000):
        data = bytearray(encode_event(chance.event()))
        data[pick.randrange(len(data))] ^= 1 << pick.randrange(8)
        try:
            event = read_event(bytes(data))
        except kith.Error:
            continue
        written = encode_event(event)
        read = read_event(written)
        # Not the whole events: an attribute may be a number that does not equal itself.
        assert (read.fact, encode_event(read)) == (event.fact, written)
        again += 1
    assert again > 200
