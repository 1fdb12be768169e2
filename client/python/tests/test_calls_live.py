"""Every way of calling, against a real server, with both clients."""

import inspect
import itertools
import threading
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

import kith
from kith import Filter, Retry, Timeouts, aio, target_of
from tests import both
from tests.fixtures import failure
from tests.kithd import Kithd


def client(which: str, server: Kithd, **options: Any) -> Any:
    return both.connect(which, server.url, **{"token_file": server.token_file, "network": "demo", **options})


def test_both_clients_have_the_same_calls_with_the_same_words() -> None:
    def calls(of: type) -> dict[str, Any]:
        return {name: call for name, call in inspect.getmembers(of, callable) if not name.startswith("_")}

    blocking, asynchronous = calls(kith.Client), calls(aio.Client)
    assert blocking.keys() == asynchronous.keys()
    assert len(blocking) > 25
    for name, call in blocking.items():
        own, other = inspect.signature(call), inspect.signature(asynchronous[name])
        assert call.__doc__ == asynchronous[name].__doc__, name
        if name != "append_many":  # it also takes events that arrive with `async for`
            assert str(own).split(" -> ")[0] == str(other).split(" -> ")[0], name


def test_pages_are_read_both_ways_and_filtered(demo: Any) -> None:
    head = demo.head()
    assert (len(head.root), len(head.incarnation)) == (32, 16)
    assert datetime.now(UTC) - head.recorded_at < timedelta(hours=1)
    page = demo.read(limit=10)
    assert (page.next, page.end, page.head) == (page.entries[-1].position, False, head.position)
    assert page.entries[0].position == 1
    last = demo.read(backward=True, limit=1)
    assert [entry.position for entry in last.entries] == [head.position]
    some = demo.entries(limit=25)
    assert [entry.position for entry in some] == [entry.position for entry in demo.entries()[:25]]
    met = demo.entries(filter=Filter(kinds=("met",)), matching_only=True)
    assert all(entry.kind == "met" or target_of(entry.fact) for entry in met)
    assert not {"person_added", "referred"} & {entry.kind for entry in met}
    of = met[0].people[0]
    since = Filter(kinds=("met",), people=(of,), since=date(2026, 1, 1))
    later = demo.entries(filter=since, matching_only=True)
    assert 0 < len(later) < len(met)
    assert all(of in entry.people or target_of(entry.fact) for entry in later)
    assert min(entry.event.occurred_at for entry in later) >= datetime(2025, 12, 31, tzinfo=UTC)


def test_people_and_organisations_are_listed(demo: Any) -> None:
    people = demo.people()
    assert [person.handle for person in people] == list(range(1, len(people) + 1))
    organisations = demo.organisations()
    of_one = demo.people(organisations[0].id)
    assert 0 < len(of_one) < len(people)
    assert demo.person(people[0].id) == people[0]
    assert failure(lambda: demo.person("nobody")).reason == "PERSON_UNKNOWN"


def test_views_answer_with_rows(demo: Any) -> None:
    views = {view.name: view for view in demo.views()}
    assert views["strength"].state == "running"
    assert (views["strength"].is_report, views["bridges"].is_report) == (False, True)
    top = demo.view("strength", top=3)
    assert (len(top), top.total > 100, top.position) == (3, True, demo.head().position)
    assert [row["score"] for row in top] == sorted((row["score"] for row in top), reverse=True)
    assert isinstance(top[0]["last_contact"], date)
    assert top[0].asdict()["met"] == top[0]["met"]
    with pytest.raises(KeyError):
        top[0]["nothing"]
    everything = demo.view("strength")
    assert len(everything) == everything.total == top.total
    assert demo.view("strength", top=0).total == top.total
    key = top[0].key
    assert [row.key for row in demo.view("strength", key=key[::-1])] == [key]
    assert all(key[0] in row.key for row in demo.view("strength", person=key[0]))
    narrow = demo.view("strength", top=1, columns=["met", "score"], sort="-score")
    assert ([one.name for one in narrow.fields], narrow[0]["score"]) == (["met", "score"], everything[-1]["score"])
    reported = demo.view("bridges")
    assert len(reported) > 0
    assert len(demo.view("introductions", only=("state", ["accepted"]))) < len(demo.view("introductions"))


def test_views_answer_as_of_days_positions_and_times(demo: Any) -> None:
    day = demo.head().recorded_at.date() - timedelta(days=200)
    before = demo.view("strength", at=day, top=5)
    assert before.day == day
    assert demo.view("strength", at=str(day), top=5) == before
    assert demo.view("strength", as_of=500).position == 500
    known = demo.view("strength", as_of=datetime.now(UTC), top=5)
    assert known.position == demo.head().position
    assert demo.view("strength", as_of=date.today() - timedelta(days=30)).total == 0
    error = failure(lambda: demo.view("strength", at="2100-01-01"))
    assert error.kind == "options_invalid"


def test_a_row_says_why(demo: Any) -> None:
    row = demo.view("strength", top=1)[0]
    why = demo.why("strength", *row.key)
    assert len(why.evidence) == row.evidence
    assert why.share_of == "score"
    positions = [one.entry.position for one in why.evidence]
    assert positions == sorted(positions, reverse=True)
    assert all(isinstance(one.share, float) for one in why.evidence)
    assert why.rows[0]["score"] == row["score"]
    report = demo.why("bridges", *demo.view("bridges", top=1)[0].key)
    assert [rows.view for rows in report.inputs] == ["strength", "help"]
    assert failure(lambda: demo.why("strength", "nobody", "else")).reason == "PERSON_UNKNOWN"


def test_rows_are_traced_and_digested(demo: Any) -> None:
    row = demo.view("strength", top=1)[0]
    day = demo.head().recorded_at.date()
    trace = demo.trace("strength", *row.key, since=day - timedelta(days=20), until=str(day), step_days=10)
    assert [(day - rows.day).days for rows in trace] == [20, 10, 0]
    digest = demo.digest("strength", at=day)
    assert (digest.rows, len(digest.rows_digest), digest.day) == (demo.view("strength").total, 32, day)
    assert demo.digest("strength", Filter(kinds=("met",)), at=day).rows_digest != digest.rows_digest
    assert failure(lambda: demo.digest("strength", as_of="yesterday")).kind == "options_invalid"


def test_networks_are_created_and_listed(net: Any, which: str) -> None:
    name = f"north-{which}"
    assert net.create_network(name).name == name
    assert {"default", "demo", name} <= {network.name for network in net.networks()}
    error = failure(lambda: net.create_network(name))
    assert (error.reason, error.had_no_effect, error.is_retryable) == ("ALREADY_EXISTS", True, False)
    assert failure(lambda: net.issue_token("emperor")).kind == "options_invalid"


def test_a_wrong_token_and_a_wrong_network_are_told(which: str, server: Kithd) -> None:
    stranger = client(which, server, token_file=None, token="kith_wrong")
    error = failure(stranger.head)
    assert (error.kind, error.reason, error.code) == ("refused", "TOKEN_INVALID", 16)
    assert "kith_wrong" not in str(error) + repr(error)
    assert failure(lambda: next(stranger.follow())).reason == "TOKEN_INVALID"
    stranger.close()
    nobody = client(which, server, token_file=None)
    assert failure(nobody.head).reason == "TOKEN_INVALID"
    nobody.close()
    elsewhere = client(which, server, network="nowhere")
    assert failure(elsewhere.head).reason == "NETWORK_UNKNOWN"
    assert failure(lambda: next(elsewhere.append_many([kith.met("amina", "ben")]))).reason == "NETWORK_UNKNOWN"
    elsewhere.close()


def test_fields_at_fault_are_named(demo: Any) -> None:
    error = failure(lambda: demo.view("strength", sort="nothing"))
    assert (error.reason, error.field) == ("REQUEST_INVALID", "sort")
    assert failure(lambda: demo.view("nothing")).reason == "VIEW_UNKNOWN"
    assert failure(lambda: next(demo.watch("nothing"))).reason == "VIEW_UNKNOWN"


def test_what_no_request_can_hold_is_told_before_it_is_sent(demo: Any) -> None:
    for call in (
        lambda: demo.read(after=-1),
        lambda: demo.read(limit=2**40),
        lambda: demo.view("strength", person=7),
        lambda: demo.view("\ud800"),
        lambda: next(demo.follow(after=2**70)),
        lambda: demo.entries(filter=Filter(kinds=(7,))),  # type: ignore[arg-type]
        lambda: demo.append(kith.met("amina", "ben"), condition=kith.ExpectedHead(-1)),
    ):
        error = failure(call)
        assert (error.kind, error.had_no_effect) == ("options_invalid", True)


def test_nobody_there_is_unreachable_after_as_many_attempts_as_there_are(which: str) -> None:
    retry = Retry(attempts_max=3, delay_first=0.2, delay_max=0.2)
    nobody = both.connect(which, "127.0.0.1:1", token="x", retry=retry)
    began = time.monotonic()
    error = failure(nobody.head)
    assert (error.kind, error.is_retryable, error.had_no_effect) == ("unreachable", True, False)
    assert 0.2 <= time.monotonic() - began < 5
    nobody.close()


def test_what_takes_too_long_times_out(which: str, server: Kithd) -> None:
    hasty = client(which, server, timeouts=Timeouts(call=0.001), retry=Retry(attempts_max=1))
    error = failure(lambda: hasty.read(limit=10_000))
    # The server says so itself, unless its answer is late as well.
    assert error.code == 4
    assert (error.is_retryable, error.had_no_effect) == (True, False)
    hasty.close()


def test_a_closed_client_says_so(server: Kithd) -> None:
    ended = kith.connect(server.url, token_file=server.token_file)
    with ended:
        ended.head()
    assert failure(ended.head).kind == "options_invalid"
    assert failure(lambda: next(ended.follow())).kind == "options_invalid"


def test_many_streams_do_not_hold_up_calls(demo: Any, which: str, server: Kithd) -> None:
    own = client(which, server)
    streams = [own.follow() for _ in range(70)]
    assert [next(stream).position for stream in streams] == [1] * 70
    began = time.monotonic()
    assert own.head().position > 0
    assert time.monotonic() - began < 2
    for stream in streams:
        stream.close()
    own.close()
    assert demo.head().position > 0


def test_streams_that_are_left_end(which: str, server: Kithd) -> None:
    own = client(which, server)
    before = threading.active_count()
    # More streams than a principal may have open at a time.
    for _ in range(300):
        stream = own.updates(after=2_000)
        next(stream)
        stream.close()
    own.close()
    deadline = time.monotonic() + 10
    while threading.active_count() > before + 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before + 4


def test_watching_brings_all_rows_and_then_changes(server: Kithd, which: str) -> None:
    network = f"watched-{which}"
    owner = client(which, server, network="default")
    owner.create_network(network)
    own = client(which, server, network=network)
    own.append(kith.person_added("amina"), kith.person_added("ben"), kith.met("amina", "ben"))
    changes = own.watch("strength")
    first = next(change for change in changes if change.rows)
    assert [row.key for row in first.rows] == [("amina", "ben")]
    event = kith.met("amina", "ben")
    [outcome] = own.append(event)
    then = next(change for change in changes if change.rows)
    assert (then.rows[0]["met"], then.position >= outcome.position, then.reset) == (2, True, False)
    own.append(kith.retracted(event.id))
    assert next(change for change in changes if change.rows).rows[0]["met"] == 1
    changes.close()
    again = own.watch("strength", after=then.position)
    assert next(change for change in again if change.rows).rows[0]["met"] == 1
    again.close()
    own.close()
    owner.close()


def test_frames_have_types(demo: Any) -> None:
    frame = demo.frame("strength", at="2026-03-01")
    assert frame.attrs["view"] == "strength"
    assert frame.attrs["day"] == "2026-03-01"
    types = {name: str(kind) for name, kind in frame.dtypes.items()}
    assert types["key_1"] == types["key_2"] == "string"
    assert (types["score"], types["met"], types["last_contact"]) == ("Float64", "Int64", "datetime64[s]")
    assert len(frame) == demo.view("strength", at="2026-03-01").total
    assert frame["score"].is_monotonic_decreasing
    assert frame.attrs["digest"] == demo.digest("strength", at="2026-03-01").rows_digest.hex()
    assert "digest" not in demo.frame("strength", top=1).attrs
    assert len(demo.frame("bridges")) > 0


def test_results_show_themselves(demo: Any) -> None:
    rows = demo.view("strength", top=2)
    shown = rows._repr_html_()
    assert shown.count("<tr>") == 3
    assert f"2 of {rows.total} rows as of" in shown
    assert "introduced" in demo.entries(filter=Filter(kinds=("referred",)), matching_only=True)._repr_html_()
    assert demo.people()[0].name in demo.people()._repr_html_()
    assert "share of score" in demo.why("strength", *rows[0].key)._repr_html_()


def test_positions_go_on_where_they_are_read(demo: Any) -> None:
    positions = [entry.position for entry in itertools.islice(demo.follow(after=1_000), 100)]
    assert positions == [entry.position for entry in demo.read(after=1_000, limit=100).entries]
