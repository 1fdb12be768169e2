"""What a plugin sees of an event: ids, kinds, times, numbers and attributes. No names, no notes."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

_DAY_MS = 86_400_000
_NO_EXTRAS: dict[str, Any] = {}

#: The introduction is welcome.
ACCEPTED = 1
#: It is not wanted.
DECLINED = 2
#: The two have met.
MET = 3


def day_of(at: int) -> int:
    """The UTC day of a time in milliseconds since 1970-01-01."""
    return at // _DAY_MS


class Key(NamedTuple):
    """What events are grouped by. For a pair `a` is the smaller handle; for one person `b` is 0."""

    #: The first person, or the one an event comes from.
    a: int
    #: The second person, or the one an event goes to.
    b: int


class Event(NamedTuple):
    """An event as a key sees it. People are handles, from 1; 0 is nobody."""

    #: Its position in the log.
    position: int
    #: When it happened: milliseconds since 1970-01-01, UTC.
    at: int
    #: Who acts.
    actor: int
    #: Who is acted upon.
    subject: int
    #: `referred` under an introduced pair: the referrer. `answered`: who answered.
    third: int
    #: Number of people in the event besides the one it is seen by.
    others: int
    #: Its index in the view's routes.
    route: int
    #: Low 2 bits: the answer; the others are reserved.
    flags: int
    #: Attributes and the values that the host adds; None if there are none.
    extras: Optional[dict[str, Any]] = None

    @property
    def day(self) -> int:
        """The UTC day it happened on, days since 1970-01-01."""
        return self[1] // _DAY_MS

    @property
    def answer(self) -> Optional[int]:
        """ACCEPTED, DECLINED or MET of an `answered`; else None."""
        return self[7] & 3 or None

    @property
    def referral(self) -> Optional[int]:
        """The position of the `referred` that an `answered` names."""
        return (self[8] or _NO_EXTRAS).get("@referral")

    @property
    def category(self) -> Optional[str]:
        """The category of an `asked` or `helped`, if it has one."""
        return (self[8] or _NO_EXTRAS).get("@category")

    def attribute(self, key: str) -> Any:
        """The value of an attribute: int, float, bool or str; None if there is none."""
        return (self[8] or _NO_EXTRAS).get(key)
