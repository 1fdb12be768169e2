"""What events say, as the command line says it."""

import pytest

from kith import sentence
from kith.canonical import read_event
from tests.fixtures import fixture

SENTENCES = fixture("sentences")


@pytest.mark.parametrize("case", SENTENCES["cases"], ids=lambda case: case["sentence"])
def test_sentences(case: dict[str, str]) -> None:
    names = SENTENCES["names"]
    event = read_event(bytes.fromhex(case["bytes"]))
    assert sentence(event.fact, lambda person: names.get(person, person)) == case["sentence"]


def test_without_names_ids_stand() -> None:
    met = read_event(bytes.fromhex(SENTENCES["cases"][0]["bytes"]))
    assert sentence(met.fact) == "amina and ben met"
