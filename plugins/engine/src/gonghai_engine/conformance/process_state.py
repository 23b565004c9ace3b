"""What belongs to all in a process: a plugin that sets it decides for others, too.

In a service, a plugin is imported into the process in which others decide: who sets the precision
of decimal numbers there sets it for everybody.
"""

from __future__ import annotations

import decimal
import gc
import locale
import os
import random
import sys
import time
import warnings
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_READ: Final[Mapping[str, Callable[[], object]]] = {
    "the context of decimal numbers": lambda: repr(decimal.getcontext()),
    "the default context of decimal numbers": lambda: repr(decimal.DefaultContext),
    "the locale": lambda: locale.setlocale(locale.LC_ALL),
    "the environment": lambda: dict(os.environ),
    "the directory": os.getcwd,
    "the zone": lambda: (time.timezone, time.altzone, time.tzname),
    "the state of random numbers": random.getstate,
    "the state of NumPy's random numbers": lambda: repr(np.random.get_state()),  # noqa: NPY002 - the shared one
    "what NumPy does about errors": lambda: (np.geterr(), np.get_printoptions()),
    "the recursion limit": sys.getrecursionlimit,
    "the limit of digits": sys.get_int_max_str_digits,
    "the switch interval": sys.getswitchinterval,
    "the tracing of calls": lambda: (sys.gettrace(), sys.getprofile()),
    "what is done about garbage": lambda: (gc.isenabled(), gc.get_threshold()),
    "what is done about warnings": lambda: list(warnings.filters),
    "the hooks of the interpreter": lambda: (sys.excepthook, sys.displayhook, sys.meta_path[:]),
}
"""What is shared, and how it is read."""


class ProcessState:
    """How the process was when this was made."""

    def __init__(self) -> None:
        """Look at everything."""
        self._before = {what: read() for what, read in _READ.items()}

    def changes(self) -> Iterator[str]:
        """Yield what is otherwise now."""
        for what, read in _READ.items():
            if read() != self._before[what]:
                yield f"changes {what}, which everything in the process shares"
