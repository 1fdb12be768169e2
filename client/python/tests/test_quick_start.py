"""The README, executed as it stands: from an empty folder, in a fresh environment, with what pip installs."""

import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import kith
from tests.kithd import Kithd

PACKAGE = Path(__file__).resolve().parents[1]
README = (PACKAGE / "README.md").read_text(encoding="utf-8")
SECONDS_MAX = 120


class Newcomer:
    """Somebody who reads the README."""

    def __init__(self, folder: Path, server: Kithd) -> None:
        self.folder = folder
        self._server = server
        for script in re.findall(r"```python\n(# (\w+\.py).*?)```", README, re.DOTALL):
            (folder / script[1]).write_text(script[0], encoding="utf-8")

    def install(self) -> float:
        """Follows the commands, except that the package is the one of this repository; the seconds that it took."""
        commands = re.search(r"```sh\n(.*?)```", README, re.DOTALL)
        assert commands is not None
        venv, install, _ = commands[1].strip().split("\n")
        began = time.monotonic()
        wheel = self.run(f"{sys.executable} -m pip wheel --quiet --no-deps --wheel-dir dist {PACKAGE}")
        assert wheel == ""
        [built] = (self.folder / "dist").glob("*.whl")
        self.run(venv)
        self.run(install.replace("kith-client[pandas]", f"kith-client[pandas] @ file://{built}"))
        return time.monotonic() - began

    def run(self, command: str, *, fails: bool = False) -> str:
        """What a command says; it must succeed or fail as expected."""
        ran = subprocess.run(
            command, shell=True, cwd=self.folder, env=plain(), capture_output=True, text=True, timeout=SECONDS_MAX
        )
        assert (ran.returncode != 0) == fails, ran.stdout + ran.stderr
        return ran.stderr if fails else ran.stdout

    def script(self, name: str, *arguments: str, fails: bool = False) -> str:
        told = " ".join([f".venv/bin/python {name} {self._server.url} {self._server.token_file}", *arguments])
        return self.run(told, fails=fails)


def plain() -> dict[str, str]:
    """The environment of somebody who has nothing installed."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "PIP_INDEX_URL", "PIP_CONFIG_FILE", "PIP_CACHE_DIR", "SSL_CERT_FILE")
    return {name: os.environ[name] for name in kept if name in os.environ}


@pytest.fixture(scope="module")
def own() -> Iterator[Kithd]:
    server = Kithd("--demo")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def newcomer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, own: Kithd) -> Newcomer:
    found = Newcomer(tmp_path_factory.mktemp("newcomer"), own)
    seconds = found.install()
    began = time.monotonic()
    rows = found.script("first.py")
    first = time.monotonic() - began
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():
        print(f"\nquick start: installed in {seconds:.1f} s, first row {first:.2f} s after that")
    assert len(rows.splitlines()) == 3
    assert re.match(r"\w+ \w+ and \w+ \w+ \d+\.\d+$", rows.splitlines()[0])
    return found


def test_the_first_row_takes_ten_lines(newcomer: Newcomer) -> None:
    assert len((newcomer.folder / "first.py").read_text().splitlines()) <= 10
    assert newcomer.script("first.py").count("\n") == 3


def test_frames_are_made(newcomer: Newcomer) -> None:
    said = newcomer.script("frames.py")
    assert re.search(r"score +Float64", said)
    assert "'view': 'strength'" in said
    assert re.search(r"p-\w+ +\d+", said)


def test_the_log_is_verified(newcomer: Newcomer, own: Kithd) -> None:
    last = newcomer.script("verify.py").splitlines()[-1]
    with kith.connect(own.url, token_file=own.token_file, network="demo") as net:
        assert last == f"{net.head().position} entries verified"
    other = Path(newcomer.folder / "log.key")
    key = other.read_text()
    other.write_text(key.replace("+", "0+", 1))
    assert "NotVerified" in newcomer.script("verify.py", fails=True)
    other.write_text(key)


def test_an_event_survives_a_crash_and_is_recorded_once(newcomer: Newcomer, own: Kithd) -> None:
    with kith.connect(own.url, token_file=own.token_file) as net:
        net.append(kith.person_added("amina"), kith.person_added("ben"))
        before = net.head().position
    script = (newcomer.folder / "record.py").read_text().splitlines()
    assert len([line for line in script if line and not line.startswith("#")]) <= 12
    own.kill()
    assert "Unreachable" in newcomer.script("record.py", "amina ben", fails=True)
    own.start()
    outbox = sqlite3.connect(newcomer.folder / "outbox.db")
    [[event]] = outbox.execute("select event from outbox").fetchall()
    newcomer.script("record.py")
    assert outbox.execute("select count(*) from outbox").fetchone() == (0,)
    # It ended after the server had recorded the event, and before it noted that.
    outbox.execute("insert into outbox values (?)", [event])
    outbox.commit()
    outbox.close()
    newcomer.script("record.py")
    with kith.connect(own.url, token_file=own.token_file) as net:
        recorded = net.entries(after=before)
    assert [entry.id for entry in recorded] == [kith.NewEvent.from_bytes(event).id]


def test_following_goes_on_where_it_was(newcomer: Newcomer, own: Kithd) -> None:
    def follow() -> "subprocess.Popen[str]":
        command = [".venv/bin/python", "follow.py", own.url, str(own.token_file)]
        return subprocess.Popen(command, cwd=newcomer.folder, env=plain(), stdout=subprocess.PIPE, text=True)

    def line(of: "subprocess.Popen[str]") -> str:
        assert of.stdout is not None
        return of.stdout.readline()

    with kith.connect(own.url, token_file=own.token_file) as net:
        net.append(kith.person_added("carol", role="nurse"))
        head = net.head().position
        with follow() as first:
            lines = [line(first) for _ in range(head)]
            assert lines[-1] == f"{head} person_added carol, nurse\n"
            kept = newcomer.folder / "position.json"
            deadline = time.monotonic() + 10
            while (not kept.exists() or kept.read_text() != str(head)) and time.monotonic() < deadline:
                time.sleep(0.01)
            first.kill()
        net.append(kith.met("amina", "carol"))
        with follow() as second:
            assert line(second) == f"{head + 1} met amina and carol met\n"
            second.kill()


def test_words_are_erased(newcomer: Newcomer, own: Kithd) -> None:
    with kith.connect(own.url, token_file=own.token_file) as net:
        net.append(kith.person_added("dana", name="Dana Reid"), kith.person_added("eli"))
        net.append(kith.met("dana", "eli", note="about both"))
        said = newcomer.script("erase.py", "dana IG-7").splitlines()
        [erasure] = net.erasure("dana")
        assert net.person("dana").name == ""
    assert erasure.completion is not None
    assert said == [
        "2 details, 1 of them about others, too",
        f"dana: 2 details erased, entry {erasure.completion.position}",
    ]
