"""A log that the tests sign themselves, so that they can lie about it."""

from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kith import NewEvent
from kith.calls.requests import new_event_message
from kith.verify import VerifierKey, leaf_hash, node_hash
from kith.verify.note import to_base64
from kith.wire import message

ORIGIN = f"kith/default/{'07' * 16}"


class Signer:
    """A key of a log."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.verifier = VerifierKey(ORIGIN, public)

    def checkpoint(self, entries: Sequence[bytes]) -> str:
        """The signed note over a log with these entries."""
        text = f"{ORIGIN}\n{len(entries)}\n{to_base64(root_of([leaf_hash(one) for one in entries]))}\n"
        signature = self._key.sign(text.encode())
        return f"{text}\n\u2014 {ORIGIN} {to_base64(self.verifier.id + signature)}\n"


def entry(position: int, event: NewEvent, recorded_by: str = "token:x") -> bytes:
    """The bytes of an entry."""
    made = message("Entry")(
        position=position, recorded_at={"seconds": 1_800_000_000}, recorded_by=recorded_by, event=event.data
    )
    data: bytes = made.SerializeToString()
    return data


def answer(
    entries: Sequence[bytes],
    cursor: int,
    checkpoint: str = "",
    hashes: Sequence[bytes] = (),
    words: dict[int, NewEvent] | None = None,
) -> bytes:
    """A message of a subscription."""
    held: dict[str, Any] = {"entries": entries, "cursor": {"position": cursor, "incarnation": bytes(16)}}
    if checkpoint:
        held["checkpoint"] = {"checkpoint": checkpoint, "hashes": hashes}
    held["details"] = [
        {"position": position, "details": new_event_message(event).details} for position, event in (words or {}).items()
    ]
    data: bytes = message("SubscribeResponse")(**held).SerializeToString()
    return data


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root of a tree that is not empty, as RFC 6962 defines it."""
    if len(leaves) == 1:
        return leaves[0]
    split = _split(len(leaves))
    return node_hash(root_of(leaves[:split]), root_of(leaves[split:]))


def growth_of(size: int, entries: Sequence[bytes]) -> list[bytes]:
    """The proof that a log continues its first entries, as RFC 6962 defines it."""
    return _subproof(size, [leaf_hash(one) for one in entries], is_whole=True) if size < len(entries) else []


def _subproof(size: int, leaves: Sequence[bytes], *, is_whole: bool) -> list[bytes]:
    if size == len(leaves):
        return [] if is_whole else [root_of(leaves)]
    split = _split(len(leaves))
    if size <= split:
        return [*_subproof(size, leaves[:split], is_whole=is_whole), root_of(leaves[split:])]
    return [*_subproof(size - split, leaves[split:], is_whole=False), root_of(leaves[:split])]


def _split(size: int) -> int:
    """The largest power of two below a size."""
    return 1 << (size - 1).bit_length() - 1
