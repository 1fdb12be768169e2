"""Disables random numbers: in a component they would silently be those of the day it was built.

The clock needs no such measure: a component has none, so reading it ends the call.
"""

from __future__ import annotations

import random
from typing import Any


def _refuse(*_: Any, **__: Any) -> Any:
    raise RuntimeError("a view has no chance: the same events must give the same rows everywhere")


for _name in [name for name in dir(random) if name[0].islower() and callable(getattr(random, name))]:
    setattr(random, _name, _refuse)
setattr(random, "Random", _refuse)
setattr(random, "SystemRandom", _refuse)
