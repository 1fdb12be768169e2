"""Calls of networks, tokens, the directory, and who calls."""

from datetime import date
from typing import Any

from kith.calls.requests import expiry, role_name, role_number
from kith.errors import AnswerInvalid
from kith.networks import IssuedToken, Network, Organisation, People, Person, Token, WhoAmI
from kith.options import Options
from kith.steps import Steps, call, pages
from kith.wire import method, read_time


def people(options: Options, organisation: str) -> Steps[People]:
    """All people, or those of an organisation."""
    kind = method("DirectoryService/ListPeople")
    found: list[Person] = []
    request = kind.ask(network=options.network, organisation=organisation)
    yield from pages(kind, request, options.retry, lambda answer: found.extend(map(_person, answer.people)))
    return People(found)


def person(options: Options, name: str) -> Steps[Person]:
    """One person."""
    kind = method("DirectoryService/GetPerson")
    answer = yield from call(kind, kind.ask(network=options.network, person=name), options.retry)
    if not answer.HasField("person"):
        raise AnswerInvalid("the server's answer is malformed: it has no person")
    return _person(answer.person)


def organisations(options: Options) -> Steps[list[Organisation]]:
    """All organisations."""
    kind = method("DirectoryService/ListOrganisations")
    found: list[Organisation] = []

    def take(answer: Any) -> None:
        found.extend(Organisation(one.id, one.name, one.position) for one in answer.organisations)

    yield from pages(kind, kind.ask(network=options.network), options.retry, take)
    return found


def networks(options: Options) -> Steps[list[Network]]:
    """The networks that the caller may see."""
    kind = method("NetworkService/ListNetworks")
    found: list[Network] = []
    yield from pages(kind, kind.ask(), options.retry, lambda answer: found.extend(map(_network, answer.networks)))
    return found


def create_network(options: Options, name: str) -> Steps[Network]:
    """Creates a network."""
    kind = method("NetworkService/CreateNetwork")
    answer = yield from call(kind, kind.ask(name=name), options.retry, repeatable=False)
    if not answer.HasField("network"):
        raise AnswerInvalid("the server's answer is malformed: it has no network")
    return _network(answer.network)


def issue_token(
    options: Options, role: str, person: str, organisation: str, expires: str | date | None
) -> Steps[IssuedToken]:
    """Issues a token."""
    kind = method("NetworkService/IssueToken")
    request = kind.ask(
        network=options.network,
        role=role_number(role),
        person=person,
        organisation=organisation,
        expires_at=expiry(expires),
    )
    answer = yield from call(kind, request, options.retry, repeatable=False)
    if not answer.HasField("token"):
        raise AnswerInvalid("the server's answer is malformed: it has no token")
    return IssuedToken(_token(answer.token), answer.secret, answer.position)


def tokens(options: Options) -> Steps[list[Token]]:
    """The tokens of the network."""
    kind = method("NetworkService/ListTokens")
    found: list[Token] = []
    request = kind.ask(network=options.network)
    yield from pages(kind, request, options.retry, lambda answer: found.extend(map(_token, answer.tokens)))
    return found


def revoke_token(options: Options, token: str) -> Steps[int]:
    """Revokes a token; returns the position of the entry that records it."""
    kind = method("NetworkService/RevokeToken")
    request = kind.ask(network=options.network, token=token)
    answer = yield from call(kind, request, options.retry, repeatable=False)
    position: int = answer.position
    return position


def whoami(options: Options) -> Steps[WhoAmI]:
    """Who the caller is in the network."""
    kind = method("SessionService/WhoAmI")
    found = yield from call(kind, kind.ask(network=options.network), options.retry)
    return WhoAmI(
        principal=found.principal,
        role=role_name(found.role),
        person=found.person,
        organisation=found.organisation,
        networks=None if found.reach.server else tuple(found.reach.networks),
        expires_at=read_time(found, "expires_at"),
        scope_digest=found.scope_digest,
        server_version=found.server_version,
        server_time=read_time(found, "server_time"),
    )


def _person(found: Any) -> Person:
    return Person(
        found.id,
        found.handle,
        found.organisation,
        found.role,
        found.name,
        found.position,
        found.merged_into,
        found.erased,
    )


def _network(found: Any) -> Network:
    return Network(found.name, found.head, read_time(found, "created_at"))


def _token(found: Any) -> Token:
    return Token(
        found.id,
        role_name(found.role),
        found.person,
        found.organisation,
        read_time(found, "issued_at"),
        read_time(found, "expires_at"),
        read_time(found, "revoked_at"),
        found.server,
    )
