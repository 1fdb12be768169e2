"""The client: every call, one after the other. `kith.aio` has the same calls with `async`."""

import os
from collections.abc import Generator, Iterable
from datetime import date
from typing import TYPE_CHECKING, Literal, Unpack
from uuid import UUID

from kith.calls import audit, bulk, follow, log, members, networks, records, views
from kith.calls.views import AsOf, ViewOptions
from kith.carrier import Carrier
from kith.entry import Entries, Entry
from kith.event import DetailKind
from kith.facts import Role
from kith.filters import Filter
from kith.log import Condition, Cursor, EventResult, Head, Outcome, Page, Update
from kith.members import Invitation, Joined, Member, Replica
from kith.networks import IssuedToken, Network, Organisation, People, Person, Token, WhoAmI
from kith.new_event import NewEvent
from kith.options import Retry, Timeouts, options
from kith.records import ErasedPerson, Erasure, ErasureReason, Hold, HoldReason
from kith.verify.checkpoint import Checkpoint, Growth, Receipt
from kith.verify.note import VerifierKey
from kith.views import Change, Digest, Rows, View, Why

if TYPE_CHECKING:
    from pandas import DataFrame


def connect(
    server: str,
    *,
    network: str = "default",
    token: str | None = None,
    token_file: str | os.PathLike[str] | None = None,
    ca_file: str | os.PathLike[str] | None = None,
    client_cert_file: str | os.PathLike[str] | None = None,
    client_key_file: str | os.PathLike[str] | None = None,
    allow_plaintext: bool = False,
    timeouts: Timeouts = Timeouts(),  # noqa: B008 it never changes
    retry: Retry = Retry(),  # noqa: B008
) -> "Client":
    """A client for a network of a server, such as `http://127.0.0.1:7420`; `https://` is TLS.

    `token` is the secret, or `token_file` the file with it. `ca_file` has the authorities to trust over TLS, in PEM;
    the platform's if it is left out. `client_cert_file` and `client_key_file` have what to show to a server that asks
    for a certificate. A token is sent in plain to this machine only, unless
    `allow_plaintext`. Nothing is sent before the first call; raises `OptionsInvalid`.
    """
    return Client(
        Carrier(
            options(
                server,
                network,
                token,
                token_file,
                ca_file,
                client_cert_file,
                client_key_file,
                allow_plaintext,
                timeouts,
                retry,
            )
        )
    )


class Client:
    """Calls to a network. Made by `connect`; threads may share it. Every call raises an `Error` and nothing else."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._options = carrier.options

    @property
    def network(self) -> str:
        """The network's name."""
        return self._options.network

    def close(self) -> None:
        """Ends the connection and the streams on it."""
        self._carrier.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, *events: NewEvent, condition: Condition | None = None) -> list[Outcome]:
        """Appends 1 to 1,000 events within 1 MiB, all or none, if the condition holds; an outcome for each, in order.

        Repeating it with the same events records nothing twice.
        """
        return self._carrier.run(log.append(self._options, events, condition))

    def append_many(self, events: Iterable[NewEvent]) -> Generator[EventResult, None, None]:
        """Appends any number of events, each on its own; yields a result for each, in order.

        A refused event does not hold up the rest. Events are taken, up to 8,000 ahead, while results are read; broken
        connections are restored. After an error, events without a result may or may not be recorded, and can be sent
        again.
        """
        return self._carrier.stream(bulk.append_many(self._options), events)

    def read(
        self,
        after: int = 0,
        filter: Filter | None = None,  # noqa: A002 the protocol's word
        limit: int = 1_000,
        *,
        backward: bool = False,
        matching_only: bool = False,
        with_left_out: bool = False,
    ) -> Page:
        """Reads a page of up to 10,000 entries after a position; backward, those before it, from the head if it is 0.

        `matching_only` leaves out directory and administration that the filter does not match. `with_left_out` also
        returns hashes of what is left out, for a `PartialTree`; forward only, up to 1,000 entries.
        """
        options = {"backward": backward, "matching_only": matching_only, "with_left_out": with_left_out}
        return self._carrier.run(log.read(self._options, after, filter, limit, **options))

    def entries(
        self,
        after: int = 0,
        filter: Filter | None = None,  # noqa: A002
        limit: int | None = None,
        *,
        backward: bool = False,
        matching_only: bool = False,
    ) -> Entries:
        """Reads all entries after a position, or so many, page after page."""
        options = {"backward": backward, "matching_only": matching_only}
        return self._carrier.run(log.entries(self._options, after, filter, limit, **options))

    def head(self) -> Head:
        """The log's last position and the root of its hash tree."""
        return self._carrier.run(log.head(self._options))

    def follow(
        self,
        after: Cursor | int = 0,
        filter: Filter | None = None,  # noqa: A002
        *,
        verified_by: VerifierKey | None = None,
    ) -> Generator[Entry, None, None]:
        """Yields the entries after a position or cursor, then new ones as they are appended, for ever.

        Each once and in order, across restarts of the server and broken connections; what cannot succeed later, such as
        `RESET_REQUIRED`, is raised. With `verified_by`, the log's key, entries are yielded only once a signed
        checkpoint vouches for them, about a second later, and `NotVerified` is raised if one does not.
        """
        for update in self.updates(after, filter, verified_by=verified_by):
            yield from update.entries

    def updates(
        self,
        after: Cursor | int = 0,
        filter: Filter | None = None,  # noqa: A002
        *,
        verified_by: VerifierKey | None = None,
        with_checkpoints: bool = False,
        with_left_out: bool = False,
    ) -> Generator[Update, None, None]:
        """The same as `follow`, with what else arrives: cursors to go on from after a crash, heartbeats, interruptions.

        `with_checkpoints` asks for signed checkpoints, about one a second while the log grows; `with_left_out` for
        hashes of what the filter leaves out.
        """
        flags = {"with_checkpoints": with_checkpoints, "with_left_out": with_left_out}
        return self._carrier.stream(follow.updates(self._options, after, filter, verified_by, **flags))

    def people(self, organisation: str = "") -> People:
        """The people of the network, or of one organisation, in the order in which they were added."""
        return self._carrier.run(networks.people(self._options, organisation))

    def person(self, person: str) -> Person:
        """One person; `PERSON_UNKNOWN` if there is none."""
        return self._carrier.run(networks.person(self._options, person))

    def organisations(self) -> list[Organisation]:
        """The organisations of the network, in the order in which they were added."""
        return self._carrier.run(networks.organisations(self._options))

    def views(self) -> list[View]:
        """The views and reports of the network with their status, by name."""
        return self._carrier.run(views.views(self._options))

    def view(self, name: str, **query: Unpack[ViewOptions]) -> Rows:
        """Rows of a view or report, now or as of another day or position."""
        return self._carrier.run(views.view(self._options, name, **query))

    def frame(self, name: str, **query: Unpack[ViewOptions]) -> "DataFrame":
        """The same as a pandas DataFrame.

        Its `attrs` hold view, position and day; of a whole view also `digest`, which is equal wherever the same entries
        were folded.
        """
        return self._carrier.run(views.frame(self._options, name, **query))

    def why(self, name: str, *key: str, item: int = 0, **as_of: Unpack[AsOf]) -> Why:
        """The entries that a row stands on, newest first, each with its share; `item` 0 means every row of the key."""
        return self._carrier.run(views.why(self._options, name, key, item, **as_of))

    def trace(
        self,
        name: str,
        *key: str,
        item: int = 0,
        since: str | date | None = None,
        until: str | date | None = None,
        step_days: int = 1,
    ) -> list[Rows]:
        """The rows of one key on up to 400 UTC days, oldest first: `until`, and every `step_days` before it."""
        return self._carrier.run(views.trace(self._options, name, key, item, since, until, step_days))

    def digest(self, name: str, held: Filter | None = None, **as_of: Unpack[AsOf]) -> Digest:
        """A digest over the rows of a view; with `held`, only over rows that these entries alone make complete."""
        return self._carrier.run(views.digest(self._options, name, held, **as_of))

    def watch(self, name: str, after: int = 0) -> Generator[Change, None, None]:
        """Yields rows that changed after a position, then rows as they change, for ever; 0 = all rows first."""
        return self._carrier.stream(views.watch(self._options, name, after))

    def networks(self) -> list[Network]:
        """The networks of the server that the token may enter, by name."""
        return self._carrier.run(networks.networks(self._options))

    def create_network(self, name: str) -> Network:
        """Creates a network: 1 to 64 characters of `[a-z0-9_-]`. Needs an owner of the whole server."""
        return self._carrier.run(networks.create_network(self._options, name))

    def issue_token(
        self, role: Role, *, person: str = "", organisation: str = "", expires: str | date | None = None
    ) -> IssuedToken:
        """Issues a token; `expires` is a length of time such as `90d`, or a date. Needs an owner."""
        return self._carrier.run(networks.issue_token(self._options, role, person, organisation, expires))

    def tokens(self) -> list[Token]:
        """The tokens of the network, oldest first. Needs an owner."""
        return self._carrier.run(networks.tokens(self._options))

    def revoke_token(self, token: str) -> int:
        """Revokes a token at once, by its public id; the position of the entry that records it. Needs an owner."""
        return self._carrier.run(networks.revoke_token(self._options, token))

    def invite(
        self, person: str, role: Role, *, organisation: str = "", expires: str | date | None = None
    ) -> Invitation:
        """Invites a person of the directory to be a member, by default for 7 days. Needs an owner."""
        return self._carrier.run(members.invite(self._options, person, role, organisation, expires))

    def join(self, invitation: str) -> Joined:
        """Becomes a member with the secret of an invitation, which can be used once. The client needs no token."""
        return self._carrier.run(members.join(self._options, invitation))

    def add_service(self, name: str, role: Role, *, identity: str, organisation: str = "") -> Member:
        """Adds or changes a service that signs in with a client certificate for the URI `identity`. Needs an owner."""
        return self._carrier.run(members.add_service(self._options, name, role, organisation, identity))

    def change_member(self, principal: str, role: Role, *, organisation: str = "") -> Member:
        """Gives a member, `person:ID` or `service:NAME`, a role and an organisation, or none. Needs an owner."""
        return self._carrier.run(members.change_member(self._options, principal, role, organisation))

    def remove_member(self, principal: str) -> tuple[int, tuple[str, ...]]:
        """Ends a membership and every token of the member, at once. Needs an owner.

        Returns the position of the entry that does, and the ids of the tokens that ended.
        """
        return self._carrier.run(members.remove_member(self._options, principal))

    def members(self, as_of: int | str | date = 0) -> list[Member]:
        """The members, people first: now, or as known at a position, an aware datetime, or the end of a UTC day."""
        return self._carrier.run(members.members(self._options, as_of))

    def replicas(self, behind: int = 0) -> list[Replica]:
        """The replicas that the server has heard of, or those that have not confirmed a position above 0.

        Needs an auditor, records officer or owner.
        """
        return self._carrier.run(members.replicas(self._options, behind))

    def whoami(self) -> WhoAmI:
        """Who the token makes of its holder."""
        return self._carrier.run(networks.whoami(self._options))

    def preview_erasure(self, person: str, reason: ErasureReason, reference: str = "") -> ErasedPerson:
        """Counts what erasing a person would erase; nothing changes."""
        return self._carrier.run(records.erase_person(self._options, person, reason, reference, dry_run=True))

    def erase_person(self, person: str, reason: ErasureReason, reference: str = "") -> ErasedPerson:
        """Erases all words about a person, under every id that means them; erasing again changes nothing.

        `reference` is the case, never personal: up to 64 characters of `[A-Za-z0-9/_.-]`. The server completes it
        afterwards: see `erasure`. `PERSON_HELD` while there is a hold. Needs a records officer or owner.
        """
        return self._carrier.run(records.erase_person(self._options, person, reason, reference, dry_run=False))

    def erasure(self, person: str, *, wait: bool = False) -> list[Erasure]:
        """How far the erasure of each id that means a person has come; empty if none was asked for.

        With `wait` it answers once all of them are completed, for as long as a call may take.
        """
        return self._carrier.run(records.erasure(self._options, person, wait=wait))

    def erase_details(
        self, event: UUID | str, details: Iterable[int], reason: ErasureReason, reference: str = ""
    ) -> tuple[int, int]:
        """Erases single details of an event, by index among its commitments; all of them if none is given.

        Returns the position of the entry that does, and how many details there were to erase. Needs a records officer
        or owner.
        """
        return self._carrier.run(records.erase_details(self._options, event, details, reason, reference))

    def set_hold(self, person: str, reason: HoldReason, reference: str) -> int:
        """Sets a legal hold on a person's words: they stay until it is lifted; the position of the entry that does.

        `reference` is the case, as in `erase_person`; it tells the holds of one person apart. Needs a records officer
        or owner.
        """
        return self._carrier.run(records.set_hold(self._options, person, reason, reference))

    def lift_hold(self, person: str, reference: str) -> int:
        """Lifts a hold, once: it is not sent again if the answer is lost; the position of the entry that does."""
        return self._carrier.run(records.lift_hold(self._options, person, reference))

    def list_holds(self, person: str = "") -> list[Hold]:
        """The holds that are set, of one person or of all, by person and reference."""
        return self._carrier.run(records.list_holds(self._options, person))

    def checkpoint(self, key: VerifierKey | None = None) -> tuple[Checkpoint, VerifierKey]:
        """The signed head of the log, and the key that verifies it.

        Without a key it is the one that the server names: keep it, and give it from then on.
        """
        return self._carrier.run(audit.checkpoint(self._options, key))

    def receipt(self, event: UUID | str, key: VerifierKey) -> Receipt:
        """The proof that an event's entry is in the log, verified; raises `NotVerified`."""
        return self._carrier.run(audit.receipt(self._options, event, key))

    def export(
        self,
        *,
        between: tuple[str, str] | None = None,
        person: str | None = None,
        positions: tuple[int, int] | None = None,
        disclose: Literal["all"] | DetailKind | Iterable[DetailKind] = (),
    ) -> Generator[str, None, None]:
        """Yields the lines of an evidence bundle: about two people, one person, or a range of positions, both included.

        Write each with a line feed after it; `kith audit verify` and others verify the file. `disclose` says which
        words are in it, none by default. An export that breaks off is to be asked for again. Needs an auditor, records
        officer or owner.
        """
        return self._carrier.stream(audit.export(self._options, between, person, positions, disclose))

    def growth(self, earlier: Checkpoint, key: VerifierKey) -> Growth:
        """The proof that the log continues an earlier checkpoint, verified; raises `NotVerified`."""
        return self._carrier.run(audit.growth(self._options, earlier, key))
