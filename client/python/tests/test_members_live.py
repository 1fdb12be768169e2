"""Members, replicas and evidence, against a real server, with both clients."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

import kith
from tests import both
from tests.fixtures import failure
from tests.kithd import Kithd

FEEDS = "spiffe://riverside.example/feeds"


@pytest.fixture(scope="module")
def own(server: Kithd, net: Any, which: str) -> Iterator[Any]:
    """A client of a network of its own, with an organisation and two people of it."""
    name = f"members-{which}"
    net.create_network(name)
    client = both.connect(which, server.url, token_file=server.token_file, network=name)
    client.append(kith.organisation_added("riverside", "Riverside Practice"))
    people = [kith.person_added(one, organisation="riverside", name=one.title()) for one in ("amina", "ben")]
    client.append(*people)
    yield client
    client.close()


def test_a_person_is_invited_joins_and_leaves(server: Kithd, own: Any, which: str) -> None:
    before = own.head().position
    invitation = own.invite("amina", "recorder", organisation="riverside", expires="2d")
    assert invitation.id.startswith("invite-")
    assert invitation.secret not in repr(invitation)
    assert invitation.position == before + 1
    guest = both.connect(which, server.url, network=own.network)
    joined = guest.join(invitation.secret)
    assert (joined.member.principal, joined.member.role) == ("person:amina", "recorder")
    assert joined.member.organisation == "riverside"
    assert joined.secret not in repr(joined)
    assert failure(lambda: guest.join(invitation.secret)).reason == "TOKEN_INVALID"
    guest.close()
    amina = both.connect(which, server.url, network=own.network, token=joined.secret)
    assert amina.whoami().principal == "person:amina"
    assert failure(lambda: amina.invite("ben", "reader")).reason == "PERMISSION_DENIED"

    changed = own.change_member("person:amina", "reader", organisation="riverside")
    assert (changed.role, changed.changed_by) == ("reader", own.whoami().principal)
    assert own.members() == [changed]
    assert own.members(as_of=before) == []
    assert [member.role for member in own.members(as_of=joined.member.position)] == ["recorder"]
    position, tokens = own.remove_member("person:amina")
    assert (position, tokens) == (own.head().position, (joined.token,))
    assert own.members() == []
    assert failure(amina.whoami).reason == "TOKEN_INVALID"
    assert failure(lambda: own.remove_member("person:amina")).reason == "MEMBER_UNKNOWN"
    assert failure(lambda: own.invite("amina", "king")).kind == "options_invalid"
    amina.close()


def test_a_service_has_a_certificate(own: Any) -> None:
    member = own.add_service("feeds", "reader", identity=FEEDS)
    assert (member.principal, member.identity, member.organisation) == ("service:feeds", FEEDS, "")
    assert own.add_service("feeds", "analyst", identity=FEEDS).role == "analyst"
    assert failure(lambda: own.add_service("mail", "reader", identity=FEEDS)).field == "identity"
    own.remove_member("service:feeds")


def test_replicas_are_listed_to_those_who_answer_for_records(own: Any) -> None:
    assert own.replicas() == []
    assert own.replicas(behind=1) == []
    reader = own.issue_token("reader")
    assert reader.token.role == "reader"


def test_evidence_is_exported_line_by_line(own: Any) -> None:
    own.append(kith.met("amina", "ben", note="spoke about discharge letters"))
    lines = list(own.export(between=("amina", "ben"), disclose="note"))
    heading = json.loads(lines[0])
    assert heading["format"] == "kith-evidence/1"
    assert heading["network"] == own.network
    entries = [line for line in map(json.loads, lines[1:]) if "entry" in line]
    assert any("rest" in detail for line in entries for detail in line.get("details", []))
    assert "rest" not in "".join(own.export(person="ben"))
    assert len(list(own.export(positions=(1, 2), disclose=["name", "note"]))) > 2
    assert failure(lambda: list(own.export(positions=(9_000, 9_001)))).field.startswith("range")
    assert failure(lambda: list(own.export())).kind == "options_invalid"
    assert failure(lambda: list(own.export(person="ben", between=("amina", "ben")))).kind == "options_invalid"
    assert failure(lambda: list(own.export(person="ben", disclose=["notes"]))).kind == "options_invalid"
