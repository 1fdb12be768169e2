"""Facts: what events say, in types of this language. `canonical.py` makes and reads their bytes."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

Answer = Literal["accepted", "declined", "met"]
RetractionReason = Literal["mistake", "duplicate", "consent", "other"]
Role = Literal["reader", "recorder", "analyst", "auditor", "records-officer", "owner"]


@dataclass(frozen=True, slots=True)
class Fact:
    """What happened. The classes below are the facts that this version knows."""

    KIND: ClassVar[str]


@dataclass(frozen=True, slots=True)
class Met(Fact):
    """People met, in person or by a call."""

    KIND = "met"
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FollowedUp(Fact):
    """A person followed up with others after a contact."""

    KIND = "followed_up"
    by: str
    with_: tuple[str, ...]
    about: UUID | None = None


@dataclass(frozen=True, slots=True)
class Asked(Fact):
    """A person asked others for help."""

    KIND = "asked"
    by: str
    of: tuple[str, ...]
    category: str


@dataclass(frozen=True, slots=True)
class Helped(Fact):
    """A person helped another."""

    KIND = "helped"
    helper: str
    helped: str
    category: str = ""
    about: UUID | None = None


@dataclass(frozen=True, slots=True)
class Referred(Fact):
    """`referrer` introduced `person` to `to`."""

    KIND = "referred"
    referrer: str
    person: str
    to: str


@dataclass(frozen=True, slots=True)
class Answered(Fact):
    """An introduction was answered."""

    KIND = "answered"
    referral: UUID
    by: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Custom(Fact):
    """A fact of an organisation's own type, such as `org.example/visit.v1`."""

    KIND = "custom"
    type: str
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Retracted(Fact):
    """An event is withdrawn: it stays in the log and no longer counts."""

    KIND = "retracted"
    event: UUID
    reason: RetractionReason


@dataclass(frozen=True, slots=True)
class OrganisationAdded(Fact):
    """An organisation joined the directory."""

    KIND = "organisation_added"
    organisation: str
    name: str


@dataclass(frozen=True, slots=True)
class PersonAdded(Fact):
    """A person joined the directory."""

    KIND = "person_added"
    person: str
    organisation: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class PersonChanged(Fact):
    """A person's organisation or role changed: both are as they are from then on."""

    KIND = "person_changed"
    person: str
    organisation: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class PeopleMerged(Fact):
    """Two ids turned out to be one person."""

    KIND = "people_merged"
    kept: str
    merged: str


@dataclass(frozen=True, slots=True)
class PluginInstalled(Fact):
    """A plugin was installed. This and what follows is recorded by servers only."""

    KIND = "plugin_installed"
    name: str
    version: str
    component: bytes
    settings: str


@dataclass(frozen=True, slots=True)
class PluginActivated(Fact):
    """A version of a plugin answers from then on."""

    KIND = "plugin_activated"
    name: str
    version: str
    component: bytes


@dataclass(frozen=True, slots=True)
class PluginPaused(Fact):
    """A plugin was paused or resumed."""

    KIND = "plugin_paused"
    name: str
    paused: bool


@dataclass(frozen=True, slots=True)
class PluginRemoved(Fact):
    """A plugin was removed: named, or by the event that installed it."""

    KIND = "plugin_removed"
    name: str = ""
    installed: UUID | None = None


@dataclass(frozen=True, slots=True)
class MemberChanged(Fact):
    """Somebody became a member or has another role; without a role the membership ended."""

    KIND = "member_changed"
    principal: str
    """`person:ID` or `service:NAME`."""
    role: Role | None = None
    organisation: str = ""
    identity: str = ""
    """The URI in the certificate of a service; empty for people."""


@dataclass(frozen=True, slots=True)
class TokenIssued(Fact):
    """A token was issued."""

    KIND = "token_issued"
    token: str
    role: Role | None = None
    """What it permits; `None` for a token of a member, which carries what the membership gives."""
    person: str = ""
    organisation: str = ""
    expires_at: datetime | None = None
    secret_digest: bytes = b""
    invitation: bool = False
    """Whether it opens nothing but the way to become a member, once."""


@dataclass(frozen=True, slots=True)
class PolicyChanged(Fact):
    """What the network demands of new events changed."""

    KIND = "policy_changed"
    random_ids: bool = False
    token_attributes: bool = False
    replica_days: int = 0


@dataclass(frozen=True, slots=True)
class TokenRevoked(Fact):
    """A token was revoked."""

    KIND = "token_revoked"
    token: str


@dataclass(frozen=True, slots=True)
class PersonErased(Fact):
    """A person's words are to be erased."""

    KIND = "person_erased"
    person: str
    reason: str
    reference: str = ""
    """The case; may be empty."""


@dataclass(frozen=True, slots=True)
class ErasureCompleted(Fact):
    """A person's words are erased everywhere on the server."""

    KIND = "erasure_completed"
    person: str
    erasure: UUID
    """The `person_erased` event."""
    details_erased: int
    keys_destroyed: int


@dataclass(frozen=True, slots=True)
class HoldChanged(Fact):
    """A legal hold on a person's words was set or lifted."""

    KIND = "hold_changed"
    person: str
    held: bool
    reason: str
    reference: str
    """The case, which tells the holds of one person apart."""


@dataclass(frozen=True, slots=True)
class DetailsErased(Fact):
    """Single details of an event are erased."""

    KIND = "details_erased"
    event: UUID
    details: tuple[int, ...]
    """Their indexes among the event's commitments, ascending."""
    reason: str
    reference: str = ""
    """The case; may be empty."""


@dataclass(frozen=True, slots=True)
class LogRestored(Fact):
    """The log was restored from a backup."""

    KIND = "log_restored"
    incarnation: bytes
    lost_head: int
    lost_root: bytes
    unverified: bool


@dataclass(frozen=True, slots=True)
class Newer(Fact):
    """A fact that a later version records and this one does not know: shown by its number, counted nowhere."""

    KIND = "newer"
    number: int
    """Number of its field in `kith.v1.Event`."""
    data: bytes
    """The message in that field."""


def kind_of(fact: Fact) -> str:
    """What kind of fact it is, as filters name it: `met`, `custom:org.example/visit.v1`, `newer:60`."""
    if isinstance(fact, Custom):
        return f"custom:{fact.type}"
    return f"newer:{fact.number}" if isinstance(fact, Newer) else fact.KIND


def people_of(fact: Fact) -> tuple[str, ...]:
    """The people in a fact, in the order of its fields."""
    match fact:
        case Met(people) | Custom(people=people):
            return people
        case FollowedUp(by=by, with_=others) | Asked(by=by, of=others):
            return (by, *others)
        case Helped(helper=helper, helped=helped):
            return (helper, helped)
        case Referred(referrer, person, to):
            return (referrer, person, to)
        case Answered(by=by):
            return (by,)
        case PeopleMerged(kept, merged):
            return (kept, merged)
        case (
            PersonAdded(person=person)
            | PersonChanged(person=person)
            | PersonErased(person=person)
            | ErasureCompleted(person=person)
            | HoldChanged(person=person)
        ):
            return (person,)
        case TokenIssued(person=person) if person:
            return (person,)
        case MemberChanged(principal=principal) if principal.startswith("person:"):
            return (principal.removeprefix("person:"),)
        case _:
            return ()


def target_of(fact: Fact) -> UUID | None:
    """The event that a fact names, if any. Causes are no targets: they need not be in this log."""
    match fact:
        case FollowedUp(about=target) | Helped(about=target) | Answered(referral=target):
            return target
        case Retracted(event=target) | DetailsErased(event=target):
            return target
        case _:
            return None
