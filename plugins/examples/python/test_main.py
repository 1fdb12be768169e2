"""Tests of the view, for any Python: `python3 -m unittest`. `kith plugin test` runs the component itself."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "sdk"))

from kith_plugin import Key
from kith_plugin.testing import Harness

from main import VIEW

KEY = Key(1, 2)


def row(days_and_minutes, as_of, **settings):
    harness = Harness(VIEW, settings)
    events = []
    for position, (day, minutes) in enumerate(days_and_minutes, 1):
        extras = {} if minutes is None else {"minutes": minutes}
        events.append(harness.event("met", position, day, **extras))
    state = harness.fold(KEY, events)
    in_pieces = b""
    for event in events:
        in_pieces = harness.fold(KEY, [event], in_pieces)
    assert state == in_pieces, "batches must not matter"
    rows = harness.rows(KEY, state, as_of)
    return rows[0] if rows else None


class Test(unittest.TestCase):
    def test_a_day_counts_once(self):
        found = row([(10, None), (10, None), (19, None)], 29)
        self.assertEqual(found, {"days": 2, "last": 19, "silent": 10, "per_month": 3.0, "minutes": None})

    def test_a_short_contact_counts_only_if_it_may(self):
        events = [(10, 5), (11, 40), (12, None)]
        self.assertEqual(row(events, 12, minutes_min=0)["minutes"], 45)
        self.assertEqual(row(events, 12, minutes_min=30)["days"], 2)
        self.assertIsNone(row(events[:1], 12, minutes_min=30))

    def test_a_length_that_no_day_has_is_refused(self):
        with self.assertRaises(ValueError):
            Harness(VIEW, {"minutes_min": 1441})


if __name__ == "__main__":
    unittest.main()
