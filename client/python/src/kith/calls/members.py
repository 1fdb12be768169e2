"""Calls of members and of their replicas."""

from datetime import date
from typing import Any

from kith.calls.requests import expiry, known_at, role_name, role_number
from kith.errors import AnswerInvalid
from kith.members import Invitation, Joined, Member, Replica
from kith.options import Options
from kith.steps import Steps, call, pages
from kith.wire import method, read_time


def invite(
    options: Options, person: str, role: str, organisation: str, expires: str | date | None
) -> Steps[Invitation]:
    """Issues an invitation."""
    kind = method("MemberService/Invite")
    request = kind.ask(
        network=options.network,
        person=person,
        role=role_number(role),
        organisation=organisation,
        expires_at=expiry(expires),
    )
    answer = yield from call(kind, request, options.retry, repeatable=False)
    return Invitation(answer.invitation, answer.secret, read_time(answer, "expires_at"), answer.position)


def join(options: Options, invitation: str) -> Steps[Joined]:
    """Becomes a member with an invitation."""
    kind = method("MemberService/Join")
    request = kind.ask(network=options.network, invitation=invitation)
    answer = yield from call(kind, request, options.retry, repeatable=False)
    return Joined(_in_answer(answer), answer.token, answer.secret, read_time(answer, "expires_at"))


def add_service(options: Options, name: str, role: str, organisation: str, identity: str) -> Steps[Member]:
    """Adds a service, or changes it."""
    kind = method("MemberService/AddService")
    asked = {"name": name, "role": role_number(role), "organisation": organisation, "identity": identity}
    answer = yield from call(kind, kind.ask(network=options.network, **asked), options.retry)
    return _in_answer(answer)


def change_member(options: Options, principal: str, role: str, organisation: str) -> Steps[Member]:
    """Gives a member another role or organisation."""
    kind = method("MemberService/ChangeMember")
    asked = {"principal": principal, "role": role_number(role), "organisation": organisation}
    answer = yield from call(kind, kind.ask(network=options.network, **asked), options.retry)
    return _in_answer(answer)


def remove_member(options: Options, principal: str) -> Steps[tuple[int, tuple[str, ...]]]:
    """Ends a membership; returns the position of the entry that does, and the ids of the tokens that ended with it."""
    kind = method("MemberService/RemoveMember")
    request = kind.ask(network=options.network, principal=principal)
    answer = yield from call(kind, request, options.retry, repeatable=False)
    return answer.position, tuple(answer.tokens)


def members(options: Options, as_of: int | str | date) -> Steps[list[Member]]:
    """The members, as known at a position or time; 0 = now."""
    kind = method("MemberService/ListMembers")
    asked = {"as_of": as_of} if isinstance(as_of, int) else {"known_at": known_at(as_of)}
    request = kind.ask(network=options.network, **asked)
    found: list[Member] = []

    def take(answer: Any) -> None:
        found.extend(map(_member, answer.members))
        # All pages are of one position, even if it was not named.
        request.as_of = answer.position
        request.ClearField("known_at")

    yield from pages(kind, request, options.retry, take)
    return found


def replicas(options: Options, behind: int) -> Steps[list[Replica]]:
    """The replicas that the server has heard of."""
    kind = method("MemberService/ListReplicas")
    found: list[Replica] = []
    request = kind.ask(network=options.network, behind=behind)
    yield from pages(kind, request, options.retry, lambda answer: found.extend(map(_replica, answer.replicas)))
    return found


def _in_answer(answer: Any) -> Member:
    if not answer.HasField("member"):
        raise AnswerInvalid("the server's answer is malformed: it has no member")
    return _member(answer.member)


def _member(found: Any) -> Member:
    return Member(
        found.principal,
        role_name(found.role),
        found.organisation,
        found.identity,
        found.position,
        read_time(found, "changed_at"),
        found.changed_by,
    )


def _replica(found: Any) -> Replica:
    heard_at = read_time(found, "heard_at")
    return Replica(found.id.hex(), found.principal, found.organisation, found.confirmed, found.sent, heard_at)
