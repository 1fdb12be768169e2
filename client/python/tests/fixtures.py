"""What every language must compute: tests/fixtures of the repository."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kith import Error

_REPOSITORY = Path(__file__).resolve().parents[3]
PROTO = _REPOSITORY / "proto" / "kith" / "v1"


def fixture(name: str) -> Any:
    return json.loads((_REPOSITORY / "tests" / "fixtures" / f"{name}.json").read_text(encoding="utf-8"))


def failure(call: Callable[[], object]) -> Error:
    """The failure of what must fail."""
    with pytest.raises(Error) as raised:
        call()
    return raised.value
