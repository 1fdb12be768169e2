"""Checkpoints (c2sp.org/tlog-checkpoint), and the proofs that are files.

Those are receipts (c2sp.org/tlog-proof) and growth (c2sp.org/tlog-witness). What they say counts only after `verify`;
whatever the key did not sign raises `NotVerified`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kith.entry import Entry, read_entry
from kith.errors import Error, NotVerified
from kith.verify.note import NOTE_BYTES_MAX, Note, VerifierKey, encoded, from_base64, is_origin, to_base64
from kith.verify.tree import HASH_BYTES, TREE_SIZE_MAX, leaf_hash, verify_consistency, verify_inclusion

_RECEIPT_BYTES_MAX = NOTE_BYTES_MAX + 64 * 1024
_GROWTH_BYTES_MAX = NOTE_BYTES_MAX + 8 * 1024
RECEIPT_HEADER = "c2sp.org/tlog-proof@v1"
"""First line of a receipt."""
GROWTH_HEADER = "old "
"""What a proof of growth begins with."""
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,19}")


@dataclass(frozen=True, slots=True)
class TreeHead:
    """What a checkpoint says: the size and root of a log's hash tree."""

    origin: str
    """The log."""
    size: int
    """Leaves of the tree, which is the last position."""
    root: bytes
    """32 bytes."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint with its signatures."""

    note: Note
    unverified: TreeHead
    """What it says, whoever wrote it: to look up the key, and to show what was refused."""

    @classmethod
    def parse(cls, text: str, key: VerifierKey | None = None) -> "Checkpoint":
        """Reads a signed note that holds a checkpoint, and verifies it if a key is given."""
        note = Note.parse(text)
        checkpoint = cls(note, _parse_head(note.text))
        if key is not None:
            checkpoint.verify(key)
        return checkpoint

    def verify(self, key: VerifierKey) -> TreeHead:
        """What it says, if the key signed it and is the key of the log that it names."""
        self.note.verify(key)
        if self.unverified.origin != key.origin:
            origin = self.unverified.origin
            raise NotVerified(f"the checkpoint is of the log {origin}, which is not the log of the key")
        return self.unverified

    def signed_by(self, key: VerifierKey) -> "Checkpoint":
        """The same with this key's signatures alone, which is all that is needed to keep it."""
        return Checkpoint(self.note.signed_by(key), self.unverified)

    def __str__(self) -> str:
        return str(self.note)


def _parse_head(text: str) -> TreeHead:
    """Reads the text of a note. Further lines are allowed and ignored."""
    origin, size_line, root_line, *more = [*text[:-1].split("\n"), "", ""][: max(3, text.count("\n"))]
    if not is_origin(origin):
        raise _no_checkpoint("its first line is not an origin")
    size = _decimal(size_line)
    if size is None or size > TREE_SIZE_MAX:
        raise _no_checkpoint("its second line is not a size")
    root = from_base64(root_line)
    if root is None or len(root) != HASH_BYTES:
        raise _no_checkpoint("its third line is not a root")
    if "" in more:
        raise _no_checkpoint("a line of its text is empty")
    return TreeHead(origin, size, root)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The proof that an entry is under a checkpoint. Checking it needs only the log's key."""

    entry: bytes
    """The entry's bytes."""
    index: int
    """Index of its leaf, which is its position - 1."""
    hashes: tuple[bytes, ...]
    checkpoint: Checkpoint

    @classmethod
    def parse(cls, receipt: str) -> "Receipt":
        """Reads a receipt. Only its form is checked."""
        if len(encoded(receipt)) > _RECEIPT_BYTES_MAX:
            raise _no_receipt("it is longer than any receipt")
        proof, separator, checkpoint = receipt.partition("\n\n")
        if not separator:
            raise _no_receipt("it has no checkpoint")
        header, extra, index_line, *hash_lines = [*proof.split("\n"), "", ""][: max(3, proof.count("\n") + 1)]
        if header != RECEIPT_HEADER:
            raise _no_receipt(f"its first line is not {RECEIPT_HEADER}")
        if not extra.startswith("extra "):
            raise NotVerified("the proof comes without its entry")
        entry = from_base64(extra.removeprefix("extra "))
        if entry is None:
            raise _no_receipt("its entry is not in base64")
        index = _decimal(index_line.removeprefix("index ")) if index_line.startswith("index ") else None
        if index is None:
            raise _no_receipt("it has no index")
        return cls(entry, index, _parse_hashes(hash_lines, _no_receipt), Checkpoint.parse(checkpoint))

    def verify(self, key: VerifierKey) -> Entry:
        """The entry, if the key signed the checkpoint and the entry is under it where its own bytes say it is."""
        head = self.checkpoint.verify(key)
        verify_inclusion(leaf_hash(self.entry), self.index, head.size, self.hashes, head.root)
        try:
            entry = read_entry(self.entry)
        except Error as error:
            raise _not_an_entry() from error
        if entry.position != self.index + 1:
            raise _not_an_entry()
        return entry

    def __str__(self) -> str:
        proof = f"{RECEIPT_HEADER}\nextra {to_base64(self.entry)}\nindex {self.index}\n{_hash_text(self.hashes)}"
        return f"{proof}\n{self.checkpoint}"


@dataclass(frozen=True, slots=True)
class Growth:
    """The proof that a later checkpoint continues an earlier one, which whoever checks it must have."""

    from_size: int
    """Size of the earlier tree."""
    hashes: tuple[bytes, ...]
    checkpoint: Checkpoint
    """The later checkpoint."""

    @classmethod
    def parse(cls, growth: str) -> "Growth":
        """Reads a growth. Only its form is checked."""
        if len(encoded(growth)) > _GROWTH_BYTES_MAX:
            raise _no_growth("it is longer than any proof of growth")
        proof, separator, checkpoint = growth.partition("\n\n")
        if not separator:
            raise _no_growth("it has no checkpoint")
        old, *hash_lines = proof.split("\n")
        from_size = _decimal(old.removeprefix(GROWTH_HEADER)) if old.startswith(GROWTH_HEADER) else None
        if from_size is None:
            raise _no_growth("its first line is not the earlier size")
        return cls(from_size, _parse_hashes(hash_lines, _no_growth), Checkpoint.parse(checkpoint))

    def verify(self, earlier: Checkpoint, key: VerifierKey) -> None:
        """Checks that the key signed both checkpoints and that the later one continues the earlier."""
        old, new = earlier.verify(key), self.checkpoint.verify(key)
        if old.size != self.from_size:
            raise NotVerified(
                f"the proof goes from {self.from_size} entries, and the earlier checkpoint has {old.size}"
            )
        verify_consistency(old.size, old.root, new.size, new.root, self.hashes)

    def __str__(self) -> str:
        return f"{GROWTH_HEADER}{self.from_size}\n{_hash_text(self.hashes)}\n{self.checkpoint}"


def _parse_hashes(lines: Sequence[str], malformed: Callable[[str], NotVerified]) -> tuple[bytes, ...]:
    found = tuple(from_base64(line) or b"" for line in lines)
    if any(len(one) != HASH_BYTES for one in found):
        raise malformed("a hash is not 32 bytes in base64")
    return found


def _hash_text(hashes: Sequence[bytes]) -> str:
    return "".join(f"{to_base64(one)}\n" for one in hashes)


def _decimal(text: str) -> int | None:
    """A number of 64 bits without sign and leading zeros."""
    found = int(text) if _DECIMAL.fullmatch(text) else 1 << 64
    return found if found < 1 << 64 else None


def _no_checkpoint(what: str) -> NotVerified:
    return NotVerified(f"the note is not a checkpoint: {what}")


def _no_receipt(what: str) -> NotVerified:
    return NotVerified(f"not a receipt: {what}")


def _no_growth(what: str) -> NotVerified:
    return NotVerified(f"not a proof of growth: {what}")


def _not_an_entry() -> NotVerified:
    return NotVerified("what is proved is not an entry with this position")
