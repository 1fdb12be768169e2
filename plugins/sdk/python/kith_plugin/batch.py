"""The packed batch of the contract, in both directions. Its layout is specified in `wit/`, at `fold`."""

from __future__ import annotations

from functools import partial
from struct import Struct
from typing import Any, Iterator, NamedTuple

from .event import Event, Key

_HEADER = Struct("<HHHHIIII")
_SLOT = Struct("<IIII")
_EVENT = Struct("<QqIIIIHHI")
_U16 = Struct("<H")
_U32 = Struct("<I")
_I64 = Struct("<q")
_F64 = Struct("<d")

#: Makes an event from its fields without the detour through keyword arguments.
_event_of = partial(tuple.__new__, Event)


class Slot(NamedTuple):
    """A key, its prior state (empty: none) and its new events."""

    key: Key
    state: bytes
    events: list[Event]


def decode(batch: bytes) -> Iterator[Slot]:
    """Reads a batch. Raises ValueError if it does not match its header."""
    if len(batch) < _HEADER.size:
        raise ValueError("the batch is shorter than its header")
    layout, slot_bytes, event_bytes, _, slots, events, state_bytes, extra_bytes = _HEADER.unpack_from(batch)
    if layout != 1:
        raise ValueError(f"the batch has layout {layout}, not 1")
    if slot_bytes < _SLOT.size or event_bytes < _EVENT.size:
        raise ValueError("the batch has slots or events that are too short")
    events_at = _HEADER.size + slots * slot_bytes
    state_at = events_at + events * event_bytes
    extras_at = state_at + state_bytes
    if extras_at + extra_bytes != len(batch):
        raise ValueError("the batch has another length than its header says")
    found = _decode_events(batch, events_at, events, event_bytes)
    extras = batch[extras_at:]
    first = 0
    for at in range(_HEADER.size, events_at, slot_bytes):
        a, b, count, length = _SLOT.unpack_from(batch, at)
        of_slot = found[first : first + count]
        if len(of_slot) != count or state_at + length > extras_at:
            raise ValueError("slots do not add up to the batch")
        of_slot = [event if not event[8] else _with_extras(event, extras) for event in of_slot]
        yield Slot(Key(a, b), batch[state_at : state_at + length], of_slot)
        first += count
        state_at += length
    if first != events or state_at != extras_at:
        raise ValueError("slots do not add up to the batch")


def _decode_events(batch: bytes, at: int, count: int, size: int) -> list[Any]:
    if size == _EVENT.size:
        return list(map(_event_of, _EVENT.iter_unpack(memoryview(batch)[at : at + count * size])))
    return [_event_of(_EVENT.unpack_from(batch, at + place * size)) for place in range(count)]


def _with_extras(event: tuple, extras: bytes) -> Event:
    at = event[8] - 1
    (length,) = _U32.unpack_from(extras, at)
    at += 4
    end = at + length
    values: dict[str, Any] = {}
    while at < end:
        (key_bytes,) = _U16.unpack_from(extras, at)
        at += 2
        key = str(extras[at : at + key_bytes], "utf-8")
        at += key_bytes
        tag = extras[at]
        at += 1
        if tag == 1:
            values[key] = _I64.unpack_from(extras, at)[0]
        elif tag == 2:
            values[key] = _F64.unpack_from(extras, at)[0]
        elif tag == 3:
            values[key] = _I64.unpack_from(extras, at)[0] != 0
        elif tag == 4:
            (text_bytes,) = _U32.unpack_from(extras, at)
            at += 4
            values[key] = str(extras[at : at + text_bytes], "utf-8")
            at += text_bytes - 8
        else:
            raise ValueError(f"an extra has the unknown tag {tag}")
        at += 8
    return _event_of((*event[:8], values))


def encode(slots: list[Slot]) -> bytes:
    """Packs a batch as a host does: for tests."""
    extras = bytearray()
    events = bytearray()
    for event in (event for slot in slots for event in slot.events):
        place = 0
        if event.extras:
            place = len(extras) + 1
            packed = _encode_extras(event.extras)
            extras += _U32.pack(len(packed)) + packed
        events += _EVENT.pack(*event[:8], place)
    states = b"".join(slot.state for slot in slots)
    count = sum(len(slot.events) for slot in slots)
    header = _HEADER.pack(1, _SLOT.size, _EVENT.size, 0, len(slots), count, len(states), len(extras))
    packed = b"".join(_SLOT.pack(*slot.key, len(slot.events), len(slot.state)) for slot in slots)
    return header + packed + bytes(events) + states + bytes(extras)


def _encode_extras(values: dict[str, Any]) -> bytes:
    out = bytearray()
    for key, value in sorted(values.items()):
        out += _U16.pack(len(key)) + key.encode()
        if isinstance(value, bool):
            out += b"\x03" + _I64.pack(value)
        elif isinstance(value, int):
            out += b"\x01" + _I64.pack(value)
        elif isinstance(value, float):
            out += b"\x02" + _F64.pack(value)
        else:
            text = value.encode()
            out += b"\x04" + _U32.pack(len(text)) + text
    return bytes(out)


def encode_states(states: list[bytes]) -> bytes:
    """Packs the answer of `fold`: the new states in the order of the slots, empty ones for dropped keys."""
    return Struct(f"<{len(states)}I").pack(*map(len, states)) + b"".join(states)
