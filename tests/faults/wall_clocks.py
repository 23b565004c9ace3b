"""Processes whose clocks are wrong: a small library that is preloaded into them."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Final

_SOURCE: Final = Path(__file__).with_name("skew.c")
_PROBE: Final = 3600
_NEAR: Final = 60


class NoSkew(Exception):  # noqa: N818 - named after what is missing
    """The library could not be made, or does nothing on this machine."""


async def skewing_library(folder: Path) -> Path:
    """Compile the library into a folder and see that it works.

    Raises:
        NoSkew: it does not.
    """
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    library = folder / "skew.so"
    compiler = await asyncio.create_subprocess_exec(
        *("gcc", "-shared", "-fPIC", "-O2", "-o", str(library), str(_SOURCE), "-ldl")
    )
    if await compiler.wait():
        raise NoSkew("gcc does not compile it")
    probe = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import datetime, time; print(time.time(), datetime.datetime.now().timestamp())",
        env={**os.environ, **skewed(library, _PROBE)},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await probe.communicate()
    off = [float(word) - time.time() - _PROBE for word in said.split()]
    if not off or max(map(abs, off)) > _NEAR:
        raise NoSkew(f"the clock of a process that preloads it says {said.decode()!r}")
    return library


class Suspension:
    """The time for which one process was suspended, and does not know of."""

    def __init__(self, file: Path) -> None:
        """Keep it in a file, which the process maps."""
        self._file = file
        self._nanoseconds = 0
        self._write()

    def environment(self, library: Path) -> dict[str, str]:
        """Return what the process is to be told."""
        return {
            "LD_PRELOAD": str(library.absolute()),
            "SUSPENDED_FILE": str(self._file.absolute()),
        }

    def lasted(self, seconds: float) -> None:
        """Take so long from its monotonic clock; to be told while it stands still."""
        self._nanoseconds += int(seconds * 1e9)
        self._write()

    def _write(self) -> None:
        # In place, in one piece: the process has the file mapped.
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(self._nanoseconds.to_bytes(8, sys.byteorder, signed=True))


def skewed(library: Path, seconds: int) -> dict[str, str]:
    """Return the environment of a process whose wall clock is off by so many seconds."""
    return {"LD_PRELOAD": str(library.absolute()), "WALL_CLOCK_OFFSET": str(seconds)}
