"""What `kith export` writes for network analysis, read by the libraries that people use for it."""

import csv
import io
from pathlib import Path
from typing import Any

import networkx
import pandas

from tests.kithd import Kithd


def test_a_graph_is_read_by_networkx(server: Kithd, demo: Any, tmp_path: Path) -> None:
    server.kith("export", tmp_path / "net.graphml", "--names")
    graph = networkx.read_graphml(tmp_path / "net.graphml")
    people = {person.id: person for person in demo.people() if not person.merged_into}
    assert set(graph.nodes) == set(people)
    for person, attributes in graph.nodes(data=True):
        assert attributes.get("organisation", "") == people[person].organisation
        assert attributes.get("name", "") == people[person].name
    rows = demo.view("strength")
    assert graph.number_of_edges() == len(rows)
    for row in rows[:50]:
        tie = graph.edges[row.key]
        assert tie["score"] == row["score"]
        assert isinstance(tie["score"], float)
    assert not graph.is_directed()


def test_contacts_and_rows_are_read_by_pandas(server: Kithd, demo: Any, tmp_path: Path) -> None:
    server.kith("export", tmp_path / "ties.csv", "--view", "strength")
    frame = pandas.read_csv(tmp_path / "ties.csv")
    assert len(frame) == len(demo.view("strength"))
    assert frame["score"].dtype == "float64"
    server.kith("export", tmp_path / "contacts.csv", "--format", "edges")
    text = (tmp_path / "contacts.csv").read_text(encoding="utf-8")
    contacts = list(csv.DictReader(io.StringIO(text)))
    frame = pandas.read_csv(tmp_path / "contacts.csv", parse_dates=["time"])
    assert len(frame) == len(contacts) > 1_000
    assert str(frame["time"].dtype).startswith("datetime64")
    assert {row["kind"] for row in contacts} >= {"met", "helped", "followed_up"}
