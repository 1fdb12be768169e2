"""The hash tree of a log that is read in part, from entries and from hashes in place of those left out.

Every position up to the size is counted once, so the root equals that of the whole log if and only if nothing was
changed, moved or silently left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kith.entry import read_position
from kith.errors import AnswerInvalid, NotVerified
from kith.verify.tree import EMPTY_ROOT, HASH_BYTES, TREE_SIZE_MAX, leaf_hash, node_hash

_SIZE_BYTES = 8


@dataclass(frozen=True, slots=True)
class Subtree:
    """A complete subtree in place of omitted entries: those at the positions `start` + 1 to `start` + 2^`level`."""

    start: int
    level: int
    hash: bytes


class PartialTree:
    """The tree of the part of a log read so far. After an error it must be discarded."""

    __slots__ = ("_peaks", "_size")

    def __init__(self) -> None:
        self._size = 0
        self._peaks: list[bytes] = []

    @classmethod
    def from_bytes(cls, data: bytes) -> "PartialTree":
        """Undoes `to_bytes`; anything else raises `NotVerified`."""
        tree = cls()
        tree._size = int.from_bytes(data[:_SIZE_BYTES])
        tree._peaks = [data[at : at + HASH_BYTES] for at in range(_SIZE_BYTES, len(data), HASH_BYTES)]
        length = _SIZE_BYTES + HASH_BYTES * tree._size.bit_count()
        if len(data) != length or tree._size > TREE_SIZE_MAX:
            raise NotVerified("these are not the bytes of a tree")
        return tree

    def to_bytes(self) -> bytes:
        """What to keep in order to resume later: at most 2,056 bytes."""
        return self._size.to_bytes(_SIZE_BYTES) + b"".join(self._peaks)

    @property
    def size(self) -> int:
        """Number of positions read so far, including those covered by hashes only."""
        return self._size

    @property
    def root(self) -> bytes:
        """Root of the tree, 32 bytes."""
        if not self._peaks:
            return EMPTY_ROOT
        *rest, root = self._peaks
        for left in reversed(rest):
            root = node_hash(left, root)
        return root

    def take(self, entries: Sequence[bytes], left_out: Sequence[Subtree], until: int) -> None:
        """Adds entries, and subtrees in place of the others, up to a position; raises `NotVerified`."""
        given = iter(left_out)
        for entry in entries:
            try:
                position = read_position(entry)
            except AnswerInvalid as error:
                raise NotVerified("an entry cannot be read") from error
            self._skip_to(position, given)
            self._add(0, leaf_hash(entry))
        self._skip_to(until + 1, given)
        if next(given, None) is not None:
            raise NotVerified("there are more hashes than positions")

    def skip(self, subtree: Subtree) -> None:
        """Adds the subtree that follows, in place of its entries; raises `NotVerified`."""
        start, level = subtree.start, subtree.level
        if start != self._size:
            raise NotVerified(f"a hash does not fit: it is for index {start}, and {self._size} comes next")
        if not 0 <= level < 64 or start % (1 << level) or start + (1 << level) > TREE_SIZE_MAX:
            raise NotVerified(f"a hash does not fit: no subtree of level {level} begins at index {start}")
        if len(subtree.hash) != HASH_BYTES:
            raise NotVerified("a hash has 32 bytes")
        self._add(level, subtree.hash)

    def _skip_to(self, position: int, left_out: Iterator[Subtree]) -> None:
        """Adds subtrees until `position` comes next."""
        while self._size + 1 < position:
            subtree = next(left_out, None)
            if subtree is None:
                raise NotVerified(f"position {self._size + 1} is missing: {position} comes next")
            self.skip(subtree)
        if self._size + 1 != position:
            raise NotVerified(f"position {self._size + 1} is missing: {position} comes next")

    def _add(self, level: int, root: bytes) -> None:
        """Adds a complete subtree at the end, like adding 2^level to a binary number."""
        size = self._size + (1 << level)
        while self._size >> level & 1:
            root = node_hash(self._peaks.pop(), root)
            level += 1
        self._peaks.append(root)
        self._size = size
