"""How fast events are made, sent, read and verified, on this machine: a figure a line. KITHD names the server."""

import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import kith
from kith.canonical import encode_event, read_event
from kith.verify import leaf_hash
from tests.kithd import Kithd

EVENTS = 50_000


def measure(what: str, call: Callable[[], Iterable[object]]) -> None:
    """Counts the items that a call brings, and how many that makes a second."""
    began = time.perf_counter()
    count = sum(1 for _ in call())
    print(f"{what:36} {count / (time.perf_counter() - began):>10,.0f} a second")


def main() -> None:
    server = Kithd()
    try:
        with kith.connect(server.url, token_file=server.token_file) as net:
            net.append(kith.person_added("amina"), kith.person_added("ben"))
            measure("events made, with a note", lambda: (kith.met("amina", "ben", note="again") for _ in range(EVENTS)))
            events = [kith.met("amina", "ben") for _ in range(EVENTS)]
            measure("events encoded", lambda: (encode_event(one.event) for one in events))
            measure("events decoded", lambda: (read_event(one.data) for one in events))
            measure("appended in bulk", lambda: net.append_many(events))
            measure("appended one by one", lambda: (net.append(kith.met("amina", "ben")) for _ in range(500)))
            measure("read page by page", net.entries)
            measure("followed", lambda: zip(range(EVENTS), net.follow(), strict=False))
            key = net.checkpoint()[1]
            measure("followed and verified", lambda: zip(range(EVENTS), net.follow(verified_by=key), strict=False))
            entries = net.entries(limit=EVENTS)
            measure("entries hashed as leaves", lambda: (leaf_hash(one.data) for one in entries))
            measure("checkpoints verified", lambda: (net.checkpoint(key) for _ in range(200)))
    finally:
        server.stop()


if __name__ == "__main__":
    main()
