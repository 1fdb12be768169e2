"""The Python client as a driver of the conformance tests: a command a line in, an answer a line out, both JSON.

`tests/conformance/README.md` of the repository describes the commands. Calls are made with `kith.aio`; `kith` carries
out the same steps with blocking calls.
"""

import asyncio
import base64
import contextlib
import json
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import fields, replace
from datetime import date, datetime
from importlib.metadata import version
from typing import Any, get_type_hints
from uuid import UUID

import kith
from kith import aio, facts, verify
from kith.canonical import commitment, content_hash, delimited, encode_detail, encode_event, read_event
from kith.dates import read_time
from kith.verify import Checkpoint, Growth, Receipt, VerifierKey, leaf_hash

FEATURES = ["attempts", "follow", "proofs", "stream", "views"]
"""What the runner may ask for beyond the commands that every driver has."""

FACTS: dict[str, Any] = {
    fact.KIND: fact
    for fact in (
        facts.Met,
        facts.FollowedUp,
        facts.Asked,
        facts.Helped,
        facts.Referred,
        facts.Answered,
        facts.Custom,
        facts.Retracted,
        facts.OrganisationAdded,
        facts.PersonAdded,
        facts.PersonChanged,
        facts.PeopleMerged,
    )
}
"""The facts that clients record, by the names that they have in JSON."""

ATTRIBUTES = {bool: "flag", int: "integer", float: "number", str: "text"}
LARGEST_EXACT = 1 << 53
"""Whole numbers beyond it are text in JSON."""

Command = dict[str, Any]


# Events in JSON, as `kith record` reads them and `kith log -o json` writes them.


def event_of(given: Command) -> kith.Event:
    """An event, as it is recorded; without an id and salt, as a new one."""
    names = [name for name in given if name in FACTS]
    salt = given.get("salt")
    return kith.Event(
        id=UUID(given["id"]) if "id" in given else kith.new_event_id(),
        occurred_at=time_of(given["occurred_at"]),
        scope=given["scope"],
        caused_by=tuple(UUID(cause) for cause in given.get("caused_by", ())),
        attributes={one["key"]: attribute_of(one) for one in given.get("attributes", ())},
        salt=base64.b64decode(salt) if salt else kith.custom("a/b").event.salt,
        commitments=(),
        fact=fact_of(FACTS[names[0]], given[names[0]]),
    )


def fact_of(kind: Any, given: Command) -> kith.Fact:
    """A fact of a kind."""
    types = get_type_hints(kind)

    def value(name: str, found: Any) -> Any:
        if isinstance(found, list):
            return tuple(found)
        return UUID(found) if types[name] in (UUID, UUID | None) else found

    held = {f"{name}_" if f"{name}_" in types else name: found for name, found in given.items()}
    made: kith.Fact = kind(**{name: value(name, found) for name, found in held.items()})
    return made


def attribute_of(given: Command) -> Any:
    """The value of an attribute."""
    if "integer" in given:
        return int(given["integer"])
    if "number" in given:
        return float(given["number"])
    return given.get("text", given.get("flag"))


def details_of(record: Command) -> list[kith.Detail]:
    """The details of a record; without salts, with new ones."""

    def salt(given: Command) -> bytes:
        if "salt" in given:
            return base64.b64decode(given["salt"])
        return kith.met("a", "b", note="x").details[0].salt

    return [
        kith.Detail(one["kind"], tuple(sorted(one["subjects"])), one["text"], salt(one))
        for one in record.get("details", ())
    ]


def new_event_of(record: Command) -> kith.NewEvent:
    """An event to record."""
    details = details_of(record)
    event = replace(event_of(record["event"]), commitments=tuple(map(commitment, details)))
    return kith.NewEvent.of(event, details)


def event_json(event: kith.Event) -> Command:
    """An event as `kith log -o json` writes it."""
    attributes = [{"key": key, ATTRIBUTES[type(value)]: exact(value)} for key, value in event.attributes.items()]
    found: Command = {"id": str(event.id), "occurred_at": time_text(event.occurred_at), "scope": event.scope}
    if event.caused_by:
        found["caused_by"] = [str(cause) for cause in event.caused_by]
    if attributes:
        found["attributes"] = attributes
    held = {field.name: in_json(getattr(event.fact, field.name)) for field in fields(event.fact)}
    names = {"with_": "with", "data": "bytes"}
    shown = {names.get(name, name): value for name, value in held.items() if value is not None}
    return {**found, event.fact.KIND: shown}


def in_json(value: Any) -> Any:
    """A value of a fact."""
    match value:
        case bytes():
            return value.hex()
        case UUID():
            return str(value)
        case datetime():
            return time_text(value)
        case tuple():
            return list(value)
    return value


def exact(value: Any) -> Any:
    """A value that every reader of JSON reads exactly."""
    is_large = isinstance(value, int) and abs(value) > LARGEST_EXACT
    return str(value) if is_large else value


def time_of(text: str) -> datetime:
    """A time in RFC 3339."""
    found = read_time(text)
    if found is None:
        raise ValueError(f"{text} is no time")
    return found


def time_text(time: datetime) -> str:
    """A time in RFC 3339, in UTC."""
    text = time.isoformat(timespec="milliseconds").removesuffix("+00:00")
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}Z"


def entry_json(entry: kith.Entry) -> Command:
    """An entry as `kith log -o json` writes it."""
    return {
        "position": entry.position,
        "id": str(entry.id),
        "kind": entry.kind,
        "occurred_at": time_text(entry.event.occurred_at),
        "recorded_at": time_text(entry.recorded_at),
        "recorded_by": entry.recorded_by,
        "organisation": entry.organisation or None,
        "scope": entry.event.scope,
        "people": list(entry.people),
        "event": event_json(entry.event),
        "details": [{"kind": one.kind, "subjects": list(one.subjects), "text": one.text} for one in entry.details],
        "erased": [{"index": one.index, "position": one.position} for one in entry.erased],
    }


def new_event_json(event: kith.NewEvent) -> Command:
    """An event that is ready to be recorded."""
    return {
        "id": str(event.id),
        "bytes": event.data.hex(),
        "salt": event.event.salt.hex(),
        "details": [encode_detail(detail).hex() for detail in event.details],
        "commitments": [one.hex() for one in event.event.commitments],
        "content_hash": content_hash(event.event).hex(),
    }


def row_json(row: kith.Row) -> Command:
    """A row as `kith view -o json` writes it."""
    item = {"item": row.item} if row.item else {}
    values = {name: value.isoformat() if isinstance(value, date) else value for name, value in row.asdict().items()}
    return {"key": list(row.key), **item, **values, "evidence": row.evidence}


def filter_of(given: Command | None) -> kith.Filter:
    """A filter; everything passes if it is missing."""
    given = given or {}
    return kith.Filter(
        kinds=tuple(given.get("kinds", ())),
        people=tuple(given.get("people", ())),
        all_people=given.get("all_people", False),
        organisations=tuple(given.get("organisations", ())),
        since=time_of(given["from"]) if "from" in given else None,
        until=time_of(given["until"]) if "until" in given else None,
    )


def error_json(error: kith.Error) -> Command:
    """Why a command failed."""
    wait = error.retry_after
    return {
        "kind": error.kind,
        "reason": error.reason,
        "field": error.field,
        "event": error.event,
        "retry_after_ms": None if wait is None else round(wait * 1_000),
        "retryable": error.is_retryable,
        "had_no_effect": error.had_no_effect,
        "message": str(error),
    }


# Commands without a server.


def decode(command: Command) -> Command:
    event = read_event(bytes.fromhex(command["bytes"]))
    target = kith.target_of(event.fact)
    return {
        "event": event_json(event),
        "kind": kith.kind_of(event.fact),
        "people": list(kith.people_of(event.fact)),
        "target": None if target is None else str(target),
        "bytes": encode_event(event).hex(),
        "content_hash": content_hash(event).hex(),
    }


def check(command: Command) -> Command:
    details = b"".join(delimited(2, bytes.fromhex(detail)) for detail in command["details"])
    kith.NewEvent.from_bytes(delimited(1, bytes.fromhex(command["event"])) + details)
    return {}


def make(command: Command) -> Command:
    record = command["record"]
    event = event_of(record["event"])
    words = [kith.Words(one["kind"], one["subjects"], one["text"]) for one in record.get("details", ())]
    made = kith.new_event(event.fact, words, at=event.occurred_at, scope=event.scope)
    return new_event_json(made)


def keep(command: Command) -> Command:
    return new_event_json(kith.NewEvent.from_bytes(new_event_of(command["record"]).to_bytes()))


def verify_note(command: Command) -> Command:
    head = Checkpoint.parse(command["note"]).verify(VerifierKey.parse(command["key"]))
    return {"origin": head.origin, "size": head.size, "root": head.root.hex()}


def verify_inclusion(command: Command) -> Command:
    leaf = leaf_hash(bytes.fromhex(command["entry"]))
    root = bytes.fromhex(command["root"])
    verify.verify_inclusion(leaf, command["index"], command["size"], hashes(command), root)
    return {}


def verify_consistency(command: Command) -> Command:
    from_root, to_root = bytes.fromhex(command["from_root"]), bytes.fromhex(command["to_root"])
    verify.verify_consistency(command["from"], from_root, command["to"], to_root, hashes(command))
    return {}


def verify_receipt(command: Command) -> Command:
    entry = Receipt.parse(command["receipt"]).verify(VerifierKey.parse(command["key"]))
    return {
        "position": entry.position,
        "id": str(entry.id),
        "kind": entry.kind,
        "recorded_by": entry.recorded_by,
    }


def verify_growth(command: Command) -> Command:
    growth, earlier = Growth.parse(command["growth"]), Checkpoint.parse(command["earlier"])
    growth.verify(earlier, VerifierKey.parse(command["key"]))
    return {}


def hashes(command: Command) -> list[bytes]:
    return [bytes.fromhex(one) for one in command["hashes"]]


ALONE: dict[str, Callable[[Command], Command]] = {
    "encode": lambda command: new_event_json(new_event_of(command["record"])),
    "decode": decode,
    "check": check,
    "make": make,
    "keep": keep,
    "person_id": lambda _: {"id": kith.new_person_id()},
    "verify_note": verify_note,
    "verify_inclusion": verify_inclusion,
    "verify_consistency": verify_consistency,
    "verify_receipt": verify_receipt,
    "verify_growth": verify_growth,
}


# Calls.


async def who(net: aio.Client, _: Command) -> Command:
    found = await net.whoami()
    return {
        "principal": found.principal,
        "role": found.role,
        "person": found.person,
        "organisation": found.organisation,
    }


async def head(net: aio.Client, _: Command) -> Command:
    found = await net.head()
    return {"position": found.position, "root": found.root.hex(), "incarnation": found.incarnation.hex()}


async def append(net: aio.Client, command: Command) -> Command:
    events = [new_event_of(record) for record in command["events"]]
    outcomes = await net.append(*events, condition=condition_of(command.get("condition")))
    return {"outcomes": [outcome_json(outcome) for outcome in outcomes]}


def outcome_json(outcome: kith.Outcome) -> Command:
    return {"id": str(outcome.id), "position": outcome.position, "duplicate": outcome.duplicate}


def condition_of(given: Command | None) -> kith.Condition | None:
    if given is None:
        return None
    if "expected_head" in given:
        return kith.ExpectedHead(given["expected_head"])
    return kith.NoneMatch(given["after"], filter_of(given["none_match"]))


async def append_many(net: aio.Client, command: Command) -> Command:
    events = [new_event_of(record) for record in command["events"]]
    results = []
    async for one in net.append_many(events):
        if one.outcome is not None:
            told = outcome_json(one.outcome)
        else:
            assert one.refusal is not None
            told = {"id": str(one.id), "refused": {"reason": one.refusal.reason, "field": one.refusal.field}}
        results.append({**told, "number": one.number})
    return {"results": results}


async def read(net: aio.Client, command: Command) -> Command:
    page = await net.read(
        command.get("after", 0),
        filter_of(command.get("filter")),
        command.get("limit", 1_000),
        backward=command.get("backward", False),
        matching_only=command.get("matching_only", False),
    )
    entries = [entry_json(entry) for entry in page.entries]
    return {"entries": entries, "next": page.next, "end": page.end, "head": page.head}


async def people(net: aio.Client, command: Command) -> Command:
    found = await net.people(command.get("organisation", ""))
    return {"people": [person_json(person) for person in found]}


def person_json(person: kith.Person) -> Command:
    return {
        "id": person.id,
        "name": person.name or None,
        "organisation": person.organisation or None,
        "role": person.role or None,
        "handle": person.handle,
        "position": person.position,
        "merged_into": person.merged_into or None,
        "erased": person.erased,
    }


async def create_network(net: aio.Client, command: Command) -> Command:
    return {"name": (await net.create_network(command["name"])).name}


async def views(net: aio.Client, _: Command) -> Command:
    found = await net.views()
    return {"views": [{"name": one.name, "version": one.version, "state": one.state} for one in found]}


async def view(net: aio.Client, command: Command) -> Command:
    names = ("top", "person", "organisation", "key", "sort", "columns", "at", "as_of")
    rows = await net.view(command["view"], **{name: command[name] for name in names if name in command})
    found = [row_json(row) for row in rows]
    return {"rows": found, "position": rows.position, "day": rows.day.isoformat(), "total": rows.total}


async def why(net: aio.Client, command: Command) -> Command:
    as_of = {name: command[name] for name in ("at", "as_of") if name in command}
    found = await net.why(command["view"], *command["key"], **as_of)
    return {
        "rows": [row_json(row) for row in found.rows],
        "evidence": [{"position": one.entry.position, "share": one.share} for one in found.evidence],
        "hidden": found.hidden,
        "share_of": found.share_of,
    }


async def checkpoint(net: aio.Client, _: Command) -> Command:
    note, key = await net.checkpoint()
    return {"note": str(note), "key": str(key)}


async def receipt(net: aio.Client, command: Command) -> Command:
    return {"receipt": str(await net.receipt(command["event"], VerifierKey.parse(command["key"])))}


async def growth(net: aio.Client, command: Command) -> Command:
    earlier = Checkpoint.parse(command["earlier"])
    return {"growth": str(await net.growth(earlier, VerifierKey.parse(command["key"])))}


CALLS: dict[str, Callable[[aio.Client, Command], Awaitable[Command]]] = {
    "who": who,
    "head": head,
    "append": append,
    "append_many": append_many,
    "read": read,
    "people": people,
    "create_network": create_network,
    "views": views,
    "view": view,
    "why": why,
    "checkpoint": checkpoint,
    "receipt": receipt,
    "growth": growth,
}


# Streams.


def update_json(update: kith.Update) -> Command:
    cursor = update.cursor
    return {
        "entries": [entry_json(entry) for entry in update.entries],
        "cursor": {
            "incarnation": cursor.incarnation.hex(),
            "position": cursor.position,
            "filter": cursor.filter.hex(),
        },
        "caught_up": update.caught_up,
    }


def change_json(change: kith.Change) -> Command:
    return {
        "rows": [row_json(row) for row in change.rows],
        "removed": [
            {"key": list(key), **({"item": item} if item else {}), "removed": True} for key, item in change.removed
        ],
        "position": change.position,
        "reset": change.reset,
    }


class Stream:
    """What is followed or watched. A task reads it, so that waiting for it can have an end."""

    def __init__(self, items: AsyncGenerator[Any, None]) -> None:
        self._items = items
        self._read: asyncio.Queue[Any] = asyncio.Queue(1)
        self._task = asyncio.create_task(self._take())

    async def _take(self) -> None:
        try:
            async for item in self._items:
                await self._read.put(item)
        except kith.Error as error:
            await self._read.put(error)

    async def next(self, seconds: float) -> Command:
        """The next message, and how often the connection broke before it."""
        interruptions = 0
        try:
            async with asyncio.timeout(seconds):
                while True:
                    item = await self._read.get()
                    if isinstance(item, kith.Error):
                        raise item
                    if isinstance(item, kith.Change):
                        return {**change_json(item), "interruptions": interruptions}
                    if item.interrupted is None:
                        return {**update_json(item), "interruptions": interruptions}
                    interruptions += 1
        except TimeoutError:
            return {"silent": True, "interruptions": interruptions}

    async def stop(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await self._items.aclose()


class Driver:
    """What is open, by the names that the runner gave."""

    def __init__(self) -> None:
        self.clients: dict[str, aio.Client] = {}
        self.streams: dict[str, Stream] = {}

    async def open(self, name: str, stream: Stream) -> None:
        """Keeps a stream in the place of an earlier one of that name."""
        if name in self.streams:
            await self.streams[name].stop()
        self.streams[name] = stream

    async def carry_out(self, command: Command) -> Command | None:
        """Carries a command out; `None` if there is no such command here."""
        name = command["do"]
        if name in ALONE:
            return ALONE[name](command)
        if name in CALLS:
            return await CALLS[name](self.clients[command["on"]], command)
        match name:
            case "connect":
                self.clients[command["as"]] = connect(command)
            case "follow":
                after = cursor_of(command["cursor"]) if "cursor" in command else command.get("after", 0)
                followed = self.clients[command["on"]].updates(after, filter_of(command.get("filter")))
                await self.open(command["as"], Stream(followed))
            case "watch":
                watched = self.clients[command["on"]].watch(command["view"], command.get("after", 0))
                await self.open(command["as"], Stream(watched))
            case "next":
                return await self.streams[command["of"]].next(command["ms"] / 1_000)
            case "stop":
                await self.streams.pop(command["of"]).stop()
            case _:
                return None
        return {}


def connect(command: Command) -> aio.Client:
    timeouts, retry = kith.Timeouts(), kith.Retry()
    return aio.connect(
        command["server"],
        network=command["network"],
        token=command.get("token"),
        timeouts=kith.Timeouts(
            call=command["call_ms"] / 1_000 if "call_ms" in command else timeouts.call,
            silence=command["silence_ms"] / 1_000 if "silence_ms" in command else timeouts.silence,
        ),
        retry=replace(retry, attempts_max=command.get("attempts", retry.attempts_max)),
    )


def cursor_of(given: Command) -> kith.Cursor:
    return kith.Cursor(given["position"], bytes.fromhex(given["incarnation"]), bytes.fromhex(given["filter"]))


async def answer(driver: Driver, command: Command) -> Command:
    try:
        found = await driver.carry_out(command)
    except kith.Error as error:
        return {"n": command["n"], "error": error_json(error)}
    return {"n": command["n"], **({"unsupported": command["do"]} if found is None else {"ok": found})}


def say(line: Command) -> None:
    print(json.dumps(line, ensure_ascii=True), flush=True)


async def main() -> None:
    say({"driver": "python", "version": version("kith-client"), "features": FEATURES})
    driver = Driver()
    while line := await asyncio.to_thread(sys.stdin.readline):
        say(await answer(driver, json.loads(line)))


asyncio.run(main())
