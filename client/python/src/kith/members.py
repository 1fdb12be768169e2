"""Members of a network, and the replicas on their devices."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody with a role in a network."""

    principal: str
    """`person:ID` or `service:NAME`."""
    role: str
    """A `Role`, or `newer:N` for one of a later version."""
    organisation: str
    """May be empty."""
    identity: str
    """The URI in the certificate of a service; empty for people."""
    position: int
    """Position of the entry that made the membership what it is."""
    changed_at: datetime | None
    changed_by: str
    """Who recorded that, such as `person:amina`."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that was just issued."""

    id: str
    """Its public id, with which `revoke_token` takes it back."""
    secret: str = field(repr=False)
    """What to hand to the person. The server keeps only a hash, so it is never shown again."""
    expires_at: datetime | None
    position: int
    """Position of the `token_issued` entry."""


@dataclass(frozen=True, slots=True)
class Joined:
    """Somebody who has just become a member."""

    member: Member
    token: str
    """Public id of the member's token."""
    secret: str = field(repr=False)
    """The token's secret. The server keeps only a hash, so it is never shown again."""
    expires_at: datetime | None
    """When the token expires; `None` if never."""


@dataclass(frozen=True, slots=True)
class Replica:
    """A copy of a network's log on a device, as the server knows it."""

    id: str
    """Its own random number, as 32 hexadecimal digits."""
    principal: str
    """Whose token or certificate it uses."""
    organisation: str
    """That caller's organisation when it last asked; may be empty."""
    confirmed: int
    """It holds what it may see up to here, and what was to be erased up to here is gone from it: so it has said."""
    sent: int
    """Entries were sent to it up to here."""
    heard_at: datetime | None
