"""Watches a process while a plugin's code runs: files, sockets, processes, clocks, chance.

It notes and lets go on: the report is to name everything at once.
"""

from __future__ import annotations

import os
import platform
import random
import secrets
import sys
import time
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_EVENTS: Final = (
    "open", "os.", "shutil.", "glob.", "tempfile.", "pathlib.", "socket.", "subprocess.", "pty.",
    "urllib.", "http.", "ftplib.", "smtplib.", "sqlite3.", "ctypes.", "fcntl.", "mmap.",
    "signal.", "time.sleep", "_thread.start_new_thread", "threading.", "webbrowser.",
)  # fmt: skip
"""How the names of the interpreter's audit events begin that tell of I/O, waiting and threads."""

_TOOLS: Final = frozenset({"gonghai_engine", "gonghai_plugin", "numpy", "pluggy", "pydantic"})
_HARMLESS: Final = frozenset({"os.putenv", "os.unsetenv"})

_LIBRARY: Final = str(Path(os.__file__).parent) + os.sep
"""Python's own modules: who called them is to be named."""

_CALLS: Final[tuple[tuple[Any, str], ...]] = (
    *((time, name) for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter")),
    *((time, name) for name in ("perf_counter_ns", "process_time", "localtime", "gmtime")),
    *((random, name) for name in ("random", "randint", "randrange", "choice", "choices")),
    *((random, name) for name in ("sample", "shuffle", "uniform", "gauss", "getrandbits")),
    *((secrets, name) for name in ("token_bytes", "token_hex", "randbelow", "choice")),
    *((uuid, name) for name in ("uuid1", "uuid4")),
    (os, "urandom"),
    (platform, "node"),
)
"""What tells the time, the machine, or is left to chance, and makes no audit event."""


class Guard:
    """Notes what the code under it does that a plugin may not do."""

    def __init__(self) -> None:
        """Install the hook; the process keeps it, and it sleeps outside of `watching`."""
        self._on = False
        self.seen: dict[str, None] = {}
        """What was done and where, each once, in order."""
        sys.addaudithook(self._audit)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note what happens in the block."""
        originals = [(module, name, getattr(module, name)) for module, name in _CALLS]
        for module, name, original in originals:
            setattr(module, name, self._noting(f"{module.__name__}.{name}", original))
        self._on = True
        try:
            yield
        finally:
            self._on = False
            for module, name, original in originals:
                setattr(module, name, original)

    def _noting(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever the call has
            self._note(f"calls {name}", sys._getframe(1))  # noqa: SLF001 - who calls
            return original(*args, **named)

        return noted

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        if not self._on or event in _HARMLESS or not event.startswith(_EVENTS):
            return
        frame = sys._getframe(1)  # noqa: SLF001 - who does it
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return  # the import system reads the modules themselves
        what = f"{event} {args[0]!r}" if event == "open" and args else event
        self._note(what, frame)

    def _note(self, what: str, frame: FrameType | None) -> None:
        while frame is not None and _of_python(frame.f_code.co_filename):
            frame = frame.f_back
        owner = "" if frame is None else str(frame.f_globals.get("__name__")).partition(".")[0]
        if owner in _TOOLS:
            return  # what the kit and the libraries under it do is not the plugin's doing
        where = "" if frame is None else f" ({frame.f_globals.get('__name__')}:{frame.f_lineno})"
        self.seen.setdefault(what + where)


def _of_python(file: str) -> bool:
    return file.startswith("<") or (file.startswith(_LIBRARY) and "site-packages" not in file)
