"""Calls of proofs: each answer is verified before it is returned, with a key that the caller keeps."""

from typing import Any
from uuid import UUID

from kith.errors import AnswerInvalid, NotVerified
from kith.new_event import event_id
from kith.options import Options
from kith.steps import Steps, call
from kith.verify.checkpoint import Checkpoint, Growth, Receipt
from kith.verify.note import VerifierKey
from kith.wire import method


def checkpoint(options: Options, key: VerifierKey | None) -> Steps[tuple[Checkpoint, VerifierKey]]:
    """The signed head of the log, verified with a key; without one, with the key that the server names."""
    kind = method("AuditService/GetCheckpoint")
    answer = yield from call(kind, kind.ask(network=options.network), options.retry)
    used = VerifierKey.parse(answer.key) if key is None else key
    return Checkpoint.parse(answer.checkpoint, used), used


def receipt(options: Options, event: UUID | str, key: VerifierKey) -> Steps[Receipt]:
    """The proof that an event's entry is covered by a checkpoint signed now."""
    signed, _ = yield from checkpoint(options, key)
    kind = method("AuditService/GetInclusionProof")
    asked = event_id("event", event)
    request = kind.ask(network=options.network, event=asked.bytes, size=signed.unverified.size)
    answer = yield from call(kind, request, options.retry)
    if not answer.position:
        raise AnswerInvalid("the server's answer is malformed: an entry has no position")
    found = Receipt(answer.entry, answer.position - 1, tuple(answer.hashes), signed)
    if found.verify(key).id != asked:
        raise NotVerified("the server proved another event than the one that was asked for")
    return found


def growth(options: Options, earlier: Checkpoint, key: VerifierKey) -> Steps[Growth]:
    """The proof that the log, up to a checkpoint signed now, continues an earlier checkpoint."""
    signed, _ = yield from checkpoint(options, key)
    old, new = earlier.verify(key), signed.unverified
    if old.size > new.size:
        raise NotVerified(f"the log has fewer entries than this checkpoint: {new.size:,} instead of {old.size:,}")
    hashes = (yield from _consistency(options, old.size, new.size)) if 0 < old.size < new.size else ()
    found = Growth(old.size, hashes, signed)
    found.verify(earlier, key)
    return found


def _consistency(options: Options, from_size: int, to_size: int) -> Steps[Any]:
    kind = method("AuditService/GetConsistencyProof")
    request = kind.ask(network=options.network, to=to_size)
    setattr(request, "from", from_size)
    answer = yield from call(kind, request, options.retry)
    return tuple(answer.hashes)
