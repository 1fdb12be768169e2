"""Random events and details, with every edge that an encoder has."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from kith import facts
from kith.event import AttributeValue, Detail, Event
from kith.facts import Fact

_TEXTS = ("", "x", "spoke about discharge letters", "Zürich 🏥", "漢字", "عَلِيّ", "a\nb\tc", "\u0301", "𝄞" * 9)
_WHOLE = (0, 1, -1, 127, 128, 2**31, -(2**63), 2**63 - 1)
_NUMBERS = (0.0, -0.0, 0.5, -1.5, 5e-324, 1.7976931348623157e308)


class Chance:
    """A seeded source of events."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def event(self) -> Event:
        pick = self._random
        return Event(
            id=self.uuid(),
            occurred_at=self.time(),
            scope=pick.choice(["network", "organisation"]),
            caused_by=tuple(self.uuid() for _ in range(pick.choice([0, 0, 1, 3]))),
            attributes={self.text() or "k": self.value() for _ in range(pick.choice([0, 0, 1, 5]))},
            salt=pick.randbytes(16),
            commitments=tuple(pick.randbytes(32) for _ in range(pick.choice([0, 0, 1, 8]))),
            fact=self.fact(),
        )

    def detail(self) -> Detail:
        pick = self._random
        kind = pick.choice(["name", "contact", "note", "place", "words", "newer:9", "newer:300"])
        return Detail(kind, self.people(1, 4), self.text() or "x", pick.randbytes(32))

    def fact(self) -> Fact:
        """A fact of any kind that this version knows or does not know."""
        pick = self._random
        one, text, data = self.person, self.text, pick.randbytes
        about = pick.choice([None, self.uuid()])
        made: list[Fact] = [
            facts.Met(self.people(2, 5)),
            facts.FollowedUp(one(), self.people(1, 3), about),
            facts.Asked(one(), self.people(1, 3), "advice"),
            facts.Helped(one(), one(), pick.choice(["", "equipment"]), about),
            facts.Referred(one(), one(), one()),
            facts.Answered(self.uuid(), one(), pick.choice(["accepted", "declined", "met"])),
            facts.Custom("org.example/visit.v1", self.people(0, 3)),
            facts.Retracted(self.uuid(), pick.choice(["mistake", "duplicate", "consent", "other"])),
            facts.OrganisationAdded(one(), text() or "x"),
            facts.PersonAdded(one(), pick.choice(["", one()]), text()),
            facts.PersonChanged(one(), pick.choice(["", one()]), text()),
            facts.PeopleMerged(one(), one()),
            facts.PluginInstalled("strength_90", "1.0.0", data(32), "{}"),
            facts.PluginActivated("strength_90", "1.0.0", data(32)),
            facts.PluginPaused("strength_90", pick.choice([True, False])),
            facts.PluginRemoved(*pick.choice([("strength_90", None), ("", self.uuid())])),
            facts.MemberChanged("person:amina", pick.choice([None, "reader", "owner"]), pick.choice(["", "north"])),
            facts.MemberChanged("service:feeds", "reader", "", "urn:feeds"),
            facts.TokenIssued("invite-1", "recorder", one(), "", None, data(32), True),
            facts.TokenIssued("t-2", None, one()),
            facts.PolicyChanged(pick.choice([True, False]), pick.choice([True, False]), pick.choice([0, 90])),
            facts.TokenIssued("t-1", "recorder", one(), "", pick.choice([None, self.time()]), data(32)),
            facts.TokenRevoked("t-1"),
            facts.PersonErased(one(), "withdrawn", text()),
            facts.ErasureCompleted(one(), self.uuid(), pick.choice([0, 57, 2**64 - 1]), pick.choice([0, 1])),
            facts.HoldChanged(one(), pick.choice([True, False]), "inquiry", "INQ-7"),
            facts.DetailsErased(self.uuid(), pick.choice([(0,), (7,), (1, 2, 5), tuple(range(8))]), "error", text()),
            facts.LogRestored(data(16), pick.choice([0, 1, 2**64 - 1]), data(32), pick.choice([True, False])),
            facts.Newer(pick.choice([35, 60, 64, 90, 536_870_911]), data(pick.choice([0, 1, 200]))),
        ]
        return pick.choice(made)

    def time(self) -> datetime:
        """From the year 1900 to 9999, the epoch and its neighbours often."""
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        millis = [0, -1, 1, -1000, -2_208_988_800_000, 253_402_300_799_999, self._random.randrange(10**13)]
        return epoch + timedelta(milliseconds=self._random.choice(millis))

    def uuid(self) -> UUID:
        return UUID(int=self._random.getrandbits(128) | 1)

    def people(self, least: int, most: int) -> tuple[str, ...]:
        return tuple(self.person() for _ in range(self._random.randint(least, most)))

    def person(self) -> str:
        return self._random.choice(["amina", "ben", "carol.b@north", "C-2", "x" * 64])

    def text(self) -> str:
        return self._random.choice(_TEXTS)

    def value(self) -> AttributeValue:
        chosen: Any = self._random.choice(
            [self._random.choice(one) for one in (_TEXTS, _WHOLE, _NUMBERS)] + [True, False]
        )
        value: AttributeValue = chosen
        return value
