"""Proofs and notes of vectors.json, and everything that is nearly one of them."""

import base64
from collections.abc import Callable, Sequence
from hashlib import sha256

import pytest

from kith import Error, NotVerified
from kith.verify import (
    Checkpoint,
    Growth,
    PartialTree,
    Receipt,
    Subtree,
    VerifierKey,
    leaf_hash,
    node_hash,
    read_evidence,
    verify_consistency,
    verify_evidence,
    verify_inclusion,
)
from tests.fixtures import failure, fixture

VECTORS = fixture("vectors")
NOTES: dict[str, str] = VECTORS["notes"]
KEY = VerifierKey.parse(NOTES["key"])
OTHER_KEY = VerifierKey.parse(NOTES["other_key"])
ORIGIN = "kith/north/07070707070707070707070707070707"


def leaf(index: int) -> bytes:
    return leaf_hash(f"entry {index}".encode())


def refused(check: Callable[[], object]) -> str:
    """Why what must not verify does not."""
    error = failure(check)
    assert isinstance(error, NotVerified)
    return error.message


def altered(proof: Sequence[bytes], check: Callable[[Sequence[bytes]], None]) -> None:
    """Refuses every list in which a bit of a hash is another, or with one hash more or fewer."""
    for which, one in enumerate(proof):
        for at in range(0, len(one), 5):
            other = bytearray(one)
            other[at] ^= 1 << at % 8
            refused(lambda w=which, o=bytes(other): check([*proof[:w], o, *proof[w + 1 :]]))  # type: ignore[misc]
        refused(lambda w=which: check([*proof[:w], *proof[w + 1 :]]))  # type: ignore[misc]
    for at in range(len(proof) + 1):
        refused(lambda at=at: check([*proof[:at], leaf(0), *proof[at:]]))  # type: ignore[misc]


def test_entries_are_in_trees_of_every_shape_and_no_altered_proof_says_so() -> None:
    assert len(VECTORS["inclusion"]) > 20
    for vector in VECTORS["inclusion"]:
        index, size, root = vector["index"], vector["size"], bytes.fromhex(vector["root"])
        proof = [bytes.fromhex(one) for one in vector["hashes"]]
        verify_inclusion(leaf(index), index, size, proof, root)
        altered(proof, lambda p, i=index, s=size, r=root: verify_inclusion(leaf(i), i, s, p, r))  # type: ignore[misc]
        wrong = refused(lambda i=index, s=size, p=proof, r=root: verify_inclusion(leaf(1_001), i, s, p, r))  # type: ignore[misc]
        assert wrong == "the proof does not lead to the root"
        for other in {*range(min(size, 9) + 1)} - {index}:
            refused(lambda o=other, i=index, s=size, p=proof, r=root: verify_inclusion(leaf(i), o, s, p, r))  # type: ignore[misc]


def test_trees_continue_smaller_ones_and_no_altered_proof_says_so() -> None:
    assert len(VECTORS["consistency"]) > 20
    for vector in VECTORS["consistency"]:
        sizes = vector["from"], vector["to"]
        roots = bytes.fromhex(vector["from_root"]), bytes.fromhex(vector["to_root"])
        proof = [bytes.fromhex(one) for one in vector["hashes"]]

        def check(proof: Sequence[bytes], roots: tuple[bytes, bytes] = roots, sizes: tuple[int, int] = sizes) -> None:
            verify_consistency(sizes[0], roots[0], sizes[1], roots[1], proof)

        check(proof)
        altered(proof, check)
        refused(lambda c=check, r=roots, p=proof: c(p, (leaf(1_001), r[1])))  # type: ignore[misc]
        if sizes[0]:
            refused(lambda c=check, r=roots, p=proof: c(p, (r[0], leaf(1_001))))  # type: ignore[misc]


def test_sizes_that_cannot_be_are_refused() -> None:
    root, most = leaf(0), (1 << 64) - 1
    refused(lambda: verify_inclusion(root, 0, 0, [], root))
    refused(lambda: verify_inclusion(root, most, most, [], root))
    refused(lambda: verify_inclusion(root, -1, 5, [], root))
    refused(lambda: verify_inclusion(root, most - 1, most, [], root))
    refused(lambda: verify_consistency(most, root, 1, root, []))
    refused(lambda: verify_consistency(-1, root, 1, root, []))
    refused(lambda: verify_consistency(1, root[1:], 1, root[1:], []))


def test_notes_receipts_and_growths_are_read_verified_and_written_as_they_were() -> None:
    for name in ("earlier", "later", "cosigned"):
        signed = Checkpoint.parse(NOTES[name], KEY)
        assert str(signed) == NOTES[name]
        assert signed.verify(KEY).origin == ORIGIN
    assert (str(KEY), KEY.origin, len(KEY.public_key)) == (NOTES["key"], ORIGIN, 32)
    assert str(Checkpoint.parse(NOTES["cosigned"]).signed_by(KEY)) == NOTES["later"]
    receipt = Receipt.parse(NOTES["receipt"])
    assert str(receipt) == NOTES["receipt"]
    entry = receipt.verify(KEY)
    assert (entry.position, entry.recorded_by, entry.organisation) == (4, "person:amina", "riverside")
    assert (entry.kind, entry.people, entry.recorded_at.isoformat()) == (
        "met",
        ("amina", "ben"),
        "2026-03-04T10:30:00+00:00",
    )
    growth = Growth.parse(NOTES["growth"])
    assert str(growth) == NOTES["growth"]
    growth.verify(Checkpoint.parse(NOTES["earlier"]), KEY)


def every_byte(text: str, check: Callable[[str], object]) -> None:
    whole = text.encode()
    for at in range(len(whole)):
        other = bytearray(whole)
        other[at] ^= 1 << at % 7
        refused(lambda other=other: check(other.decode(errors="replace")))  # type: ignore[misc]
    refused(lambda: check(text[:-1]))


def test_no_altered_byte_is_accepted() -> None:
    earlier = Checkpoint.parse(NOTES["earlier"])
    every_byte(NOTES["later"], lambda text: Checkpoint.parse(text, KEY))
    every_byte(NOTES["receipt"], lambda text: Receipt.parse(text).verify(KEY))
    every_byte(NOTES["growth"], lambda text: Growth.parse(text).verify(earlier, KEY))
    every_byte(NOTES["key"], lambda text: earlier.verify(VerifierKey.parse(text)))


def test_another_key_another_log_and_another_size_are_told_apart() -> None:
    later = Checkpoint.parse(NOTES["later"])
    assert refused(lambda: later.verify(OTHER_KEY)) == f"not signed by the key of {ORIGIN}"
    assert Checkpoint.parse(NOTES["cosigned"], OTHER_KEY).unverified.size == 5
    growth = Growth.parse(NOTES["growth"])
    expected = "the proof goes from 2 entries, and the earlier checkpoint has 5"
    assert refused(lambda: growth.verify(later, KEY)) == expected
    wrong = NOTES["later"] + NOTES["later"].split("\n")[-2][:-8] + "AAAAAAA=\n"
    assert "the signature is wrong" in refused(lambda: Checkpoint.parse(wrong, KEY))


def test_files_are_told_apart_and_verified() -> None:
    checkpoint, receipt, growth = (read_evidence(NOTES[name].encode()) for name in ("later", "receipt", "growth"))
    assert [type(one) for one in (checkpoint, receipt, growth)] == [Checkpoint, Receipt, Growth]
    earlier = Checkpoint.parse(NOTES["earlier"])
    assert verify_evidence(checkpoint, KEY) is None
    assert verify_evidence(checkpoint, KEY, Checkpoint.parse(NOTES["cosigned"])) is None
    entry = verify_evidence(receipt, KEY)
    assert entry is not None
    assert entry.position == 4
    assert verify_evidence(growth, KEY, earlier) is None
    assert "needs the checkpoint of 2 entries" in refused(lambda: verify_evidence(growth, KEY))
    assert "do not show that the log only grew" in refused(lambda: verify_evidence(checkpoint, KEY, earlier))
    refused(lambda: verify_evidence(receipt, OTHER_KEY))


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (b"", "not a signed note"),
        (b"\xff\xfe1\x00", "UTF-16"),
        (b"1\x002\x00", "UTF-16"),
        (b"\x89PNG", "not text"),
        (b"a letter\n", "not a signed note"),
        (b"old news\n", "not a proof of growth"),
        (b"c2sp.org/tlog-proof@v1\n\n", "the proof comes without its entry"),
        (NOTES["later"].replace("\n", "\r\n").encode(), "control characters"),
        (bytes(1024 * 1024 + 1), "longer than any proof"),
    ],
)
def test_files_that_prove_nothing_say_why(file: bytes, why: str) -> None:
    message = refused(lambda: read_evidence(file))
    assert message.startswith("the file is damaged, or not from Kith: ")
    assert why in message


def test_a_byte_order_mark_is_passed_over() -> None:
    marked = read_evidence(b"\xef\xbb\xbf" + NOTES["later"].encode())
    assert str(marked) == NOTES["later"]


WEAK = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
]
"""The points of small order: with such a key anything can be signed."""
OTHER_SPELLINGS = [
    "0100000000000000000000000000000000000000000000000000000000000080",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0200000000000000000000000000000000000000000000000000000000000000",
]
"""Points in a second spelling, and what is none."""


@pytest.mark.parametrize("point", WEAK + OTHER_SPELLINGS)
def test_weak_keys_are_refused(point: str) -> None:
    typed = b"\x01" + bytes.fromhex(point)
    name = sha256(b"kith/north/00\n" + typed).hexdigest()[:8]
    text = f"kith/north/00+{name}+{base64.b64encode(typed).decode()}"
    assert refused(lambda: VerifierKey.parse(text)) == "the key is not an Ed25519 key"


@pytest.mark.parametrize("text", ["", "a+b", "a b+00000000+AQ==", "a+00000000+!", "a\u2003b+00000000+AQ=="])
def test_what_is_no_key_is_refused(text: str) -> None:
    refused(lambda: VerifierKey.parse(text))


def entry(position: int) -> bytes:
    """An entry with this position and nothing else that is read."""
    return b"\x08" + bytes([position])


def given(kept: Sequence[int], size: int) -> tuple[list[bytes], list[Subtree]]:
    """What a server sends of a log of so many entries to somebody who may see these."""
    left_out, at = [], 0
    while at < size:
        if at + 1 in kept:
            at += 1
            continue
        level = 0
        while (
            at % (2 << level) == 0
            and at + (2 << level) <= size
            and not {*range(at + 1, at + (2 << level) + 1)} & {*kept}
        ):
            level += 1
        left_out.append(Subtree(at, level, root_of([entry(one) for one in range(at + 1, at + (1 << level) + 1)])))
        at += 1 << level
    return [entry(position) for position in kept], left_out


def root_of(entries: Sequence[bytes]) -> bytes:
    """The root of a whole tree, computed as RFC 6962 defines it."""
    if not entries:
        return sha256().digest()
    if len(entries) == 1:
        return leaf_hash(entries[0])
    split = 1 << (len(entries) - 1).bit_length() - 1
    return node_hash(root_of(entries[:split]), root_of(entries[split:]))


@pytest.mark.parametrize("size", [0, 1, 2, 7, 8, 20, 33, 64, 100])
@pytest.mark.parametrize("kept", [(), (1,), (3, 4, 9), (2, 17, 18, 33)])
def test_parts_of_a_log_give_its_root(size: int, kept: Sequence[int]) -> None:
    seen = [position for position in kept if position <= size]
    tree = PartialTree()
    tree.take(*given(seen, size), size)
    assert (tree.size, tree.root) == (size, root_of([entry(one) for one in range(1, size + 1)]))
    again = PartialTree.from_bytes(tree.to_bytes())
    assert (again.size, again.root) == (tree.size, tree.root)


def test_what_is_left_out_unsaid_is_noticed() -> None:
    entries, left_out = given((3, 4, 9), 20)
    root = root_of([entry(one) for one in range(1, 21)])

    def take(entries: Sequence[bytes], left_out: Sequence[Subtree], until: int = 20) -> bytes:
        tree = PartialTree()
        tree.take(entries, left_out, until)
        return tree.root

    assert take(entries, left_out) == root
    for without in range(len(entries)):
        refused(lambda w=without: take([*entries[:w], *entries[w + 1 :]], left_out))  # type: ignore[misc]
    for without, one in enumerate(left_out):
        rest = [*left_out[:without], *left_out[without + 1 :]]
        refused(lambda rest=rest: take(entries, rest))  # type: ignore[misc]
        changed = [*left_out[:without], Subtree(one.start, one.level, leaf(0)), *left_out[without + 1 :]]
        assert take(entries, changed) != root
    refused(lambda: take(entries, left_out, 21))
    refused(lambda: take(entries, left_out, 8))
    refused(lambda: take([entries[1], entries[0], entries[2]], left_out))
    refused(lambda: take([b"\xff"], []))
    refused(lambda: take([], [Subtree(0, 64, leaf(0))], 1))
    refused(lambda: take([], [Subtree(0, 0, b"short")], 1))
    refused(lambda: PartialTree.from_bytes(b"\x00" * 9))


def test_failures_are_errors_of_kith() -> None:
    assert issubclass(NotVerified, Error)
    assert not NotVerified("x").is_retryable
