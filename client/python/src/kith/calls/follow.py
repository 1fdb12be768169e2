"""Following a log and watching a view: what is there, then what comes, across restarts of the server.

The cursor always comes from the server and matches what was emitted, so that resuming leaves no gap and repeats
nothing.
"""

from collections import deque
from dataclasses import replace
from typing import Any

from kith.calls.log import read_subtrees
from kith.calls.requests import cursor_message, filter_message
from kith.entry import Entries, read_entries
from kith.errors import AnswerInvalid, Error, NotVerified, OptionsInvalid, Unreachable
from kith.filters import Filter
from kith.log import CheckpointUpdate, Cursor, Update
from kith.options import Options
from kith.steps import Backoff, Emit, Open, Receive, Sleep, Steps
from kith.verify.checkpoint import Checkpoint
from kith.verify.note import VerifierKey
from kith.verify.partial_tree import PartialTree
from kith.verify.tree import verify_consistency
from kith.wire import method


def updates(
    options: Options,
    after: Cursor | int,
    filter: Filter | None,  # noqa: A002 the protocol's word
    verified_by: VerifierKey | None,
    *,
    with_checkpoints: bool,
    with_left_out: bool,
) -> Steps[None]:
    """Emits an `Update` for each message, heartbeat and interruption, for ever."""
    kind = method("LogService/Subscribe")
    start = Cursor(after) if isinstance(after, int) else after
    reader = _Reader(start) if verified_by is None else _VerifyingReader(start, verified_by)
    backoff = Backoff(options.retry)
    is_verifying = verified_by is not None
    while True:
        request = kind.ask(
            network=options.network,
            cursor=cursor_message(reader.cursor),
            filter=filter_message(filter),
            with_checkpoints=with_checkpoints or is_verifying,
            with_left_out=with_left_out or is_verifying,
        )
        try:
            yield Open(kind, request)
            while (answer := (yield Receive())) is not None:
                backoff.reset()
                for update in reader.take(answer):
                    yield Emit(update)
            raise Unreachable("the connection to the server broke: the stream ended")
        except Error as error:
            if not error.is_retryable:
                raise
            delay, interruption = backoff.delay(error.retry_after), error
        yield Emit(Update(Entries(), reader.emitted, interrupted=interruption, retry_in=delay))
        yield Sleep(delay)


class _Reader:
    """Reads what is followed."""

    def __init__(self, start: Cursor) -> None:
        self.cursor = start
        """How far was read: where the next subscription begins."""
        self.emitted = start
        """How far the caller has come."""

    def take(self, answer: Any) -> list[Update]:
        """The updates that the caller gets because of a message."""
        update = self.read(answer)
        self.emitted = update.cursor
        return [update]

    def read(self, answer: Any) -> Update:
        """Reads a message."""
        if not answer.HasField("cursor"):
            raise AnswerInvalid("the server's answer is malformed: a message of the subscription has no cursor")
        found = answer.cursor
        self.cursor = Cursor(found.position, found.incarnation, found.filter)
        checkpoint = None
        if answer.HasField("checkpoint"):
            checkpoint = CheckpointUpdate(answer.checkpoint.checkpoint, tuple(answer.checkpoint.hashes))
        return Update(
            read_entries(answer.entries, answer.details),
            self.cursor,
            answer.caught_up,
            checkpoint=checkpoint,
            left_out=read_subtrees(answer.left_out),
        )


class _VerifyingReader(_Reader):
    """Holds back what no signed checkpoint vouches for; raises `NotVerified` for what contradicts one.

    A log that is read for the first time is read from its first entry: entries up to the position asked for are
    verified and not emitted.
    """

    def __init__(self, start: Cursor, key: VerifierKey) -> None:
        self._key = key
        self._asked = start.position
        self._held: deque[Update] = deque()
        self._vouched = 0
        self._tree = PartialTree.from_bytes(start.tree) if start.tree else PartialTree()
        super().__init__(start if start.tree else Cursor())
        if self._tree.size != self.cursor.position:
            raise OptionsInvalid("the cursor's tree is not that of its position")
        self.emitted = start

    def take(self, answer: Any) -> list[Update]:
        """The updates that a checkpoint vouches for now."""
        update = self.read(answer)
        self._tree.take([entry.data for entry in update.entries], update.left_out, update.cursor.position)
        for entry in update.entries:
            if not all(entry.is_committed(detail) for detail in entry.details):
                raise NotVerified(f"the words of entry {entry.position} are not those that were recorded with it")
        cursor = update.cursor
        tree = Cursor(cursor.position, cursor.incarnation, cursor.filter, self._tree.to_bytes())
        entries = Entries([entry for entry in update.entries if entry.position > self._asked])
        self._held.append(replace(update, entries=entries, cursor=tree))
        if update.checkpoint is not None:
            head = Checkpoint.parse(update.checkpoint.note).verify(self._key)
            hashes = update.checkpoint.hashes
            verify_consistency(head.size, head.root, self._tree.size, self._tree.root, hashes)
            self._vouched = max(self._vouched, head.size)
        emitted = []
        while self._held and self._held[0].cursor.position <= self._vouched:
            emitted.append(self._held.popleft())
            self.emitted = emitted[-1].cursor
        return emitted
