"""Erasures of people's words, and holds that keep them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

ErasureReason = Literal["not-needed", "withdrawn", "objected", "unlawful", "legal-duty", "child", "error"]
"""Why words are erased: the grounds of Article 17(1) of the GDPR, a to f, and mistakes."""
HoldReason = Literal["inquiry", "legal-claim", "statutory", "complaint", "other"]
"""Why words are held."""


@dataclass(frozen=True, slots=True)
class ErasedPerson:
    """What erasing a person erases."""

    people: tuple[str, ...]
    """Every id that means the person, the asked one first."""
    details: int
    """Details about the person that the caller may see."""
    shared_details: int
    """Those of them that are about others, too."""
    others: int
    """How many others these are about."""
    position: int
    """Position of the last `person_erased` entry; 0 in a preview."""


@dataclass(frozen=True, slots=True)
class Completion:
    """The end of an erasure."""

    event: UUID
    """The `erasure_completed` event; its inclusion proof is the receipt."""
    position: int
    recorded_at: datetime
    details_erased: int
    """Details of scope network that were erased."""
    keys_destroyed: int


@dataclass(frozen=True, slots=True)
class Erasure:
    """The erasure of one id."""

    person: str
    event: UUID
    """The `person_erased` event."""
    position: int
    recorded_at: datetime
    reason: str
    """An `ErasureReason`, or `restored` where the server itself erased the person again."""
    reference: str
    """The case; may be empty."""
    completion: Completion | None
    """How it ended; `None` while words may be left on the server's disk."""
    replicas: int
    """How many replicas there are of those that the caller may know of."""
    replicas_told: int
    """How many of them have confirmed that the words are gone from their devices."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold that is set."""

    person: str
    reason: str
    """A `HoldReason`."""
    reference: str
    """The case, which tells the holds of one person apart."""
    organisation: str
    """The organisation whose officer or owner set it; empty if it was the network's."""
    position: int
    """Position of the entry that set it."""
    recorded_at: datetime
