"""Closes what would differ from machine to machine or from call to call: in a component it would be missing, or
silently that of the day it was built.

`SEALED` is the whole list. Invariant: whatever is on it says so in a sentence when it is used.
"""

from __future__ import annotations

import builtins
import datetime
import io
import os
import random
import sys
import time
import uuid
from typing import Any, Callable

_WHY = "the same events must give the same rows everywhere"


def _error(what: str) -> Exception:
    text = f"a view has no {what}: {_WHY}"
    return OSError(text) if what == "files" else RuntimeError(text)


def _refuse(what: str) -> Callable[..., Any]:
    def refuse(*_: Any, **__: Any) -> Any:
        raise _error(what)

    return refuse


def _names(module: Any, names: str) -> list[tuple[Any, str]]:
    return [(module, name) for name in names.split() if hasattr(module, name)]


#: What a view does not have, and the functions that would provide it.
SEALED: dict[str, list[tuple[Any, str]]] = {
    "clock": _names(
        time,
        "time time_ns monotonic monotonic_ns perf_counter perf_counter_ns process_time process_time_ns thread_time "
        "thread_time_ns clock_gettime clock_gettime_ns localtime gmtime ctime asctime strftime sleep",
    ),
    "chance": [
        *_names(random, " ".join(name for name in dir(random) if name[0].islower() and callable(getattr(random, name)))),
        *_names(random, "Random SystemRandom"),
        *_names(os, "urandom getrandom"),
        *_names(uuid, "uuid1 uuid4 uuid6 uuid7 uuid8 getnode"),
    ],
    "files": [
        *_names(builtins, "open input"),
        *_names(io, "open FileIO"),
        *_names(
            os,
            "open listdir scandir stat lstat access mkdir makedirs remove unlink rename rmdir walk chdir getcwd system "
            "popen",
        ),
    ],
}

#: Modules that would reach the network or other programs; importing one is refused.
CLOSED_MODULES = {
    "network": ["_socket", "_ssl", "select", "selectors", "socket", "ssl"],
    "other programs": ["_posixsubprocess", "multiprocessing", "subprocess"],
    "chance": ["secrets"],
}

#: Functions of the clock that work on a given time, and the place of that argument.
_OF_A_TIME = {"localtime": 0, "gmtime": 0, "ctime": 0, "asctime": 0, "strftime": 1}


def _of_a_time(real: Callable[..., Any], place: int) -> Callable[..., Any]:
    def only(*given: Any) -> Any:
        if len(given) <= place or given[place] is None:
            raise _error("clock")
        return real(*given)

    return only


class _Like(type):
    """The type of a class that stands for another: instances of that one are instances of it."""

    real: type

    def __instancecheck__(cls, other: Any) -> bool:
        return isinstance(other, cls.real)

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, cls.real)


class _Closed:
    """Finds closed modules before anything else does, and refuses them."""

    @staticmethod
    def find_spec(name: str, *_: Any) -> None:
        for what, modules in CLOSED_MODULES.items():
            if name in modules:
                raise ImportError(f"a view has no {what}, so it cannot import `{name}`: {_WHY}")


def _seal() -> None:
    for what, functions in SEALED.items():
        for module, name in functions:
            if module is time and name in _OF_A_TIME:
                setattr(module, name, _of_a_time(getattr(module, name), _OF_A_TIME[name]))
            else:
                setattr(module, name, _refuse(what))
    clock = staticmethod(_refuse("clock"))
    day, moment = datetime.date, datetime.datetime
    datetime.date = _Like("date", (day,), {"real": day, "today": clock})
    datetime.datetime = _Like("datetime", (moment,), {"real": moment, "now": clock, "utcnow": clock, "today": clock})
    for modules in CLOSED_MODULES.values():
        for name in modules:
            sys.modules.pop(name, None)
    sys.meta_path.insert(0, _Closed)


_seal()
