"""Calls of proofs: each answer is verified before it is returned, with a key that the caller keeps."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from kith.canonical import DETAIL_KINDS, detail_kind_number
from kith.errors import AnswerInvalid, NotVerified, OptionsInvalid
from kith.new_event import event_id
from kith.options import Options
from kith.steps import Emit, Open, Receive, Steps, call
from kith.verify.checkpoint import Checkpoint, Growth, Receipt
from kith.verify.note import VerifierKey
from kith.wire import make, message, method


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


def export(
    options: Options,
    between: tuple[str, str] | None,
    person: str | None,
    positions: tuple[int, int] | None,
    disclose: str | Iterable[str],
) -> Steps[None]:
    """Emits the lines of an evidence bundle. What breaks off cannot be resumed, so an error ends it."""
    about: dict[str, Any] = {}
    if between is not None:
        about["between"] = make(message("ExportBetween"), person=between[0], other=between[1])
    if person is not None:
        about["person"] = person
    if positions is not None:
        about["range"] = make(message("ExportRange"), first=positions[0], last=positions[1])
    if len(about) != 1:
        raise OptionsInvalid("evidence is about one of: between, person, positions")
    kind = method("AuditService/Export")
    request = kind.ask(network=options.network, **about, **_disclosed(disclose))
    yield Open(kind, request)
    while (answer := (yield Receive())) is not None:
        for line in answer.lines:
            yield Emit(line)


def _disclosed(disclose: str | Iterable[str]) -> dict[str, Any]:
    """The fields of a request that say which words to disclose."""
    if disclose == "all":
        return {"disclose_all": True}
    kinds = [disclose] if isinstance(disclose, str) else list(disclose)
    for kind in kinds:
        if kind not in DETAIL_KINDS:
            raise OptionsInvalid(f"there is no kind of details {kind}: it is one of {', '.join(DETAIL_KINDS)}, or all")
    return {"disclose": [detail_kind_number(kind) for kind in kinds]}
