"""Files that prove something: whatever `kith audit checkpoint` and `kith audit prove` write."""

from kith.entry import Entry
from kith.errors import NotVerified
from kith.verify.checkpoint import GROWTH_HEADER, RECEIPT_HEADER, Checkpoint, Growth, Receipt
from kith.verify.note import VerifierKey

_FILE_BYTES_MAX = 1024 * 1024

Evidence = Checkpoint | Receipt | Growth
"""What a file proves. It counts only after `verify_evidence`."""


def read_evidence(file: bytes) -> Evidence:
    """Reads a file: a checkpoint, a receipt or a proof of growth; anything else raises `NotVerified`.

    Only its form is checked.
    """
    text = _decoded(file)
    try:
        if text.startswith(RECEIPT_HEADER):
            return Receipt.parse(text)
        return Growth.parse(text) if text.startswith(GROWTH_HEADER) else Checkpoint.parse(text)
    except NotVerified as error:
        raise _damaged(error.message) from error


def verify_evidence(evidence: Evidence, key: VerifierKey, earlier: Checkpoint | None = None) -> Entry | None:
    """Checks everything that can be checked with the log's key and a checkpoint that it must continue.

    A growth needs the one that it starts from. Returns the entry of a receipt; raises `NotVerified`.
    """
    if isinstance(evidence, Growth):
        if earlier is None:
            raise NotVerified(
                f"a proof of growth needs the checkpoint of {evidence.from_size} entries that it starts from"
            )
        evidence.verify(earlier, key)
        return None
    later = (evidence.checkpoint if isinstance(evidence, Receipt) else evidence).verify(key)
    if earlier is not None:
        before = earlier.verify(key)
        if before.size != later.size:
            raise NotVerified("two checkpoints alone do not show that the log only grew: that takes a proof of growth")
        if before.root != later.root:
            raise NotVerified("two checkpoints of one size have different roots: keep both as evidence")
    return evidence.verify(key) if isinstance(evidence, Receipt) else None


def _decoded(file: bytes) -> str:
    """The text of a file: UTF-8, with or without a byte order mark."""
    if len(file) > _FILE_BYTES_MAX:
        raise _damaged("it is longer than any proof")
    if file[:2] in (b"\xff\xfe", b"\xfe\xff") or (len(file) > 1 and (file[0] == 0) != (file[1] == 0)):
        raise _damaged("it is UTF-16: save it as UTF-8")
    try:
        return file.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _damaged("it is not text") from error


def _damaged(why: str) -> NotVerified:
    return NotVerified(f"the file is damaged, or not from Kith: {why}")
