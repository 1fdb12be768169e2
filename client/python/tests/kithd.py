"""A real server for tests: the binary that `cargo build` made, or the one that KITHD names."""

import os
import re
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

_BUILT = Path(__file__).resolve().parents[3] / "target" / "debug" / "kithd"
_START_SECONDS_MAX = 60.0
_LISTENING = r"listening on 127\.0\.0\.1:(\d+)"


class Kithd:
    """A server with a data folder of its own; `--demo` adds the fictional network `demo`."""

    def __init__(self, *flags: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="kith-python-"))
        self._flags = flags
        self._process: subprocess.Popen[str] | None = None
        self._port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def token_file(self) -> Path:
        """The secret of the owner of the whole server."""
        return self._folder / "data" / "owner.token"

    def start(self) -> None:
        """Starts the server, again at the same address."""
        binary = os.environ.get("KITHD", str(_BUILT))
        listen = ["--data", str(self._folder / "data"), "--listen", f"127.0.0.1:{self._port}"]
        self._process = subprocess.Popen(
            [binary, *listen, *self._flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=_environment(),
        )
        said: list[str] = []
        ready = threading.Event()
        threading.Thread(target=self._hear, args=(self._process, said, ready), daemon=True).start()
        ready.wait(_START_SECONDS_MAX)
        if not re.search(_LISTENING, "".join(said)):
            raise AssertionError(f"kithd did not start:\n{''.join(said)}")

    def _hear(self, process: "subprocess.Popen[str]", said: list[str], ready: threading.Event) -> None:
        """Reads what the server says to the end, so that the pipe never fills."""
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                said.append(line)
                if port := re.search(_LISTENING, line):
                    self._port = int(port[1])
                    ready.set()
        ready.set()

    def kith(self, *arguments: str | Path) -> str:
        """Runs the command line as the owner, on the network `demo`; returns what it prints."""
        binary = Path(os.environ.get("KITHD", str(_BUILT))).with_name("kith")
        place = {"KITH_SERVER": self.url, "KITH_TOKEN_FILE": str(self.token_file), "KITH_NETWORK": "demo"}
        ran = subprocess.run(
            [binary, *arguments], check=True, env={**_environment(), **place}, stdout=subprocess.PIPE, text=True
        )
        return ran.stdout

    def kill(self) -> None:
        """Ends the server at once, as a loss of power does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


def _environment() -> dict[str, str]:
    """The environment of this process without its settings of Kith. Tests must not depend on how full the disk is."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("KITH_")}
    reserve = {"KITH_LOG_DISK_RESERVE_BYTES": "0", "KITH_LOG_DISK_RESERVE_PER_CENT": "0"}
    return {**own, **reserve, "KITH_TELEMETRY_FILTER": "warn"}
