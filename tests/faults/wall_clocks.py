"""Processes whose wall clocks are wrong: a small library that is preloaded into them."""

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


def skewed(library: Path, seconds: int) -> dict[str, str]:
    """Return the environment of a process whose wall clock is off by so many seconds."""
    return {"LD_PRELOAD": str(library.absolute()), "WALL_CLOCK_OFFSET": str(seconds)}
