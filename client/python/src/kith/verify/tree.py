"""Proofs over the hash tree of a log, for those who have no tree (RFC 6962, SHA-256).

The required length of a proof follows from the sizes alone and is checked before hashing, so a check costs at most 130
hashes whatever is sent. Sizes and roots are trusted: take them from verified checkpoints.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from kith.errors import NotVerified

HASH_BYTES = 32
TREE_SIZE_MAX = 1 << 63
"""Leaves that a tree may claim to have."""
EMPTY_ROOT = sha256().digest()
"""Root of the tree without leaves."""
_EARLIER_MISMATCH = "the proof does not lead to the earlier root"


def leaf_hash(entry: bytes) -> bytes:
    """Hash of a leaf: SHA-256(0x00 ‖ entry bytes)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of a node: SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(b"\x01" + left + right).digest()


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Checks that `leaf` is leaf number `index` of the tree with this size and root; raises `NotVerified`."""
    if not 0 <= index < size:
        raise NotVerified(f"a tree of {size} leaves has no leaf {index}")
    _expect_hashes(leaf, root, *proof)
    path = _Path.of(index, size)
    _expect_length(proof, path.length)
    _expect_root(path.climb(leaf, proof), root)


def verify_consistency(from_size: int, from_root: bytes, to_size: int, to_root: bytes, proof: Sequence[bytes]) -> None:
    """Checks that the tree of `from_size` leaves is the beginning of the tree of `to_size`; raises `NotVerified`.

    Every tree begins with the empty one.
    """
    if not 0 <= from_size <= to_size:
        raise NotVerified(f"the tree shrank from {from_size} to {to_size} leaves")
    _expect_hashes(from_root, to_root, *proof)
    if from_size == 0 and from_root != EMPTY_ROOT:
        raise NotVerified(_EARLIER_MISMATCH)
    if from_size in (0, to_size):
        _expect_length(proof, 0)
    if from_size == to_size:
        _expect_root(from_root, to_root)
    elif from_size > 0:
        _verify_growth(from_size, from_root, to_size, to_root, proof)


def _verify_growth(from_size: int, from_root: bytes, to_size: int, to_root: bytes, proof: Sequence[bytes]) -> None:
    """Consistency with `0 < from_size < to_size`.

    Both roots are computed on one path up, which starts at the last complete subtree of the earlier tree.
    """
    complete = (from_size & -from_size).bit_length() - 1
    whole = _Path.of(from_size - 1, to_size)
    path = _Path(whole.turns >> complete, whole.inner - complete, whole.border)
    # A single complete subtree is the earlier tree itself: its root is known and not sent again.
    is_complete = from_size == 1 << complete
    _expect_length(proof, path.length + (0 if is_complete else 1))
    start, siblings = (from_root, proof) if is_complete else (proof[0], proof[1:])
    earlier = start
    for height, sibling in enumerate(siblings):
        if path.is_left(height):
            earlier = node_hash(sibling, earlier)
    if earlier != from_root:
        raise NotVerified(_EARLIER_MISMATCH)
    _expect_root(path.climb(start, siblings), to_root)


@dataclass(frozen=True, slots=True)
class _Path:
    """The path from a leaf or subtree up to the root.

    Below the point where it joins the tree's right edge a sibling may be on either side; from there on every sibling is
    on the left.
    """

    turns: int
    """Bit i says whether the node at height i is a right child."""
    inner: int
    """Steps before the right edge."""
    border: int
    """Steps along the right edge."""

    @classmethod
    def of(cls, index: int, size: int) -> "_Path":
        """The path of a leaf. Needs `index < size`."""
        inner = (index ^ (size - 1)).bit_length()
        return cls(index, inner, (index >> inner).bit_count())

    @property
    def length(self) -> int:
        return self.inner + self.border

    def is_left(self, height: int) -> bool:
        """Whether the sibling at a height is on the left."""
        return height >= self.inner or self.turns >> height & 1 == 1

    def climb(self, start: bytes, siblings: Sequence[bytes]) -> bytes:
        """The root over `start`, given all siblings."""
        node = start
        for height, sibling in enumerate(siblings):
            node = node_hash(sibling, node) if self.is_left(height) else node_hash(node, sibling)
        return node


def _expect_hashes(*hashes: bytes) -> None:
    if any(len(one) != HASH_BYTES for one in hashes):
        raise NotVerified("a hash has 32 bytes")


def _expect_length(proof: Sequence[bytes], expected: int) -> None:
    if len(proof) != expected:
        raise NotVerified(f"the proof has {len(proof)} hashes instead of {expected}")


def _expect_root(computed: bytes, root: bytes) -> None:
    if computed != root:
        raise NotVerified("the proof does not lead to the root")
