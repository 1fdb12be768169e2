"""Keeps what a view prints: a component has no output, so it is shown with the fault of the key that it is about."""

from __future__ import annotations

import io
import sys

#: The characters that are kept: the last ones.
_KEPT = 200


class _Said(io.TextIOBase):
    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text = (self.text + text)[-_KEPT:]
        return len(text)


_SAID = _Said()


def listen() -> None:
    """From now on, keeps what is printed."""
    sys.stdout = sys.stderr = _SAID


def forget() -> None:
    """Drops what was printed so far."""
    _SAID.text = ""


def added_to(message: str) -> str:
    """A message, with what was printed since the last time."""
    text = _SAID.text.strip()
    forget()
    return f"{message}; printed: {text}" if text else message
