"""A plugin is loaded elsewhere first: what it ends then is a process that nobody needs."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Final

from gonghai_engine.faults import EngineError
from gonghai_engine.isolation import wire
from gonghai_engine.isolation.process import how, launch

if TYPE_CHECKING:
    from pathlib import Path

_PATIENCE: Final = 30.0
"""Seconds for a process to start and load; then it is taken to loop."""

_END: Final = 5.0
"""Seconds for one that says nothing more to be gone."""


def why_not(plugin: str, folder: Path | None = None, patience: float = _PATIENCE) -> str:
    """Load a plugin in a process of its own. Say how that ended it, "" where it did not.

    With a ``folder`` it is the candidate that is there. That a plugin does not load for another
    reason ends nothing; it will be found here too.
    """
    process, page, way = launch(plugin, folder)
    try:
        with way, way.makefile("rb") as said:
            way.settimeout(patience)
            header = said.read(wire.HEADER.size)
            if len(header) == wire.HEADER.size:
                wire.read_answer(said.read(wire.length(header)))
                return ""
            return how(process.wait(_END))
    except EngineError:
        return "with nonsense"
    except (TimeoutError, subprocess.TimeoutExpired):
        return f"after {patience:g} s, by us"
    finally:
        process.kill()
        process.wait()
        page.close()
