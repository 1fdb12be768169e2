"""Ids of events, which are UUIDs, and pseudonyms of people."""

import secrets
import time
from uuid import RFC_4122, UUID

_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_PSEUDONYM_LENGTH = 10


def new_event_id() -> UUID:
    """A new event id: a UUID of version 7, which begins with the time."""
    millis = time.time_ns() // 1_000_000 & (1 << 48) - 1
    value = millis << 80 | secrets.randbits(80)
    return UUID(int=value & ~(0xF000 << 64) & ~(0xC000 << 48) | 0x7000 << 64 | 0x8000 << 48)


def new_person_id() -> str:
    """A new pseudonym for a person: `p-` and ten random letters."""
    return "p-" + "".join(secrets.choice(_LETTERS) for _ in range(_PSEUDONYM_LENGTH))


def is_event_id(value: UUID) -> bool:
    """Whether it is a UUID of RFC 9562, of any version that an event may have."""
    return value.variant == RFC_4122 and 1 <= (value.version or 0) <= 8
