"""The process in which one plugin is decided, and which can be killed at any time.

Started by a lane as `python -m gonghai_engine.isolation.worker PLUGIN WAY FILE [FOLDER]`: a fresh
interpreter, never a fork of a service. WAY is the descriptor of a socket, by which requests come
and answers go; what a plugin prints goes to standard error. FILE is that of the page in which it
says which request it is at. FOLDER is where the plugin is a candidate; without it, it is installed.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
import socket
import sys
import time
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gonghai_engine import candidates
from gonghai_engine.document import Binding, PolicyDocument
from gonghai_engine.engine import Engine
from gonghai_engine.isolation import answers, wire
from gonghai_engine.loading import STANDARD, PluginSelection
from gonghai_plugin import hookspecs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.metadata import EntryPoint

    from gonghai_engine.decisions import Decision, DecisionFailure, DecisionRequest

_PR_SET_PDEATHSIG: Final = 1
_INSTALLED: Final = 4
"""How many arguments there are for a plugin that is installed."""


class Worker:
    """Answers a lane."""

    def __init__(self, plugin: str, page: mmap.mmap, folder: Path | None = None) -> None:
        """Load the plugin, and the standard one for what it declares absent.

        With a ``folder`` the plugin is the candidate there, which nothing else is: this process
        imports from it first.
        """
        self._plugin = plugin
        self._page = page
        found = None if folder is None else _first(folder, plugin)
        self._engine = Engine.load(PluginSelection(frozenset({plugin, STANDARD})), found)
        self.error = next(
            (item.error for item in self._engine.health() if item.name == plugin),
            "it is not installed",
        )

    def answer(self, message: tuple[Any, ...]) -> bytes:
        """Answer one message."""
        kind, *given = message
        if kind == "policy":
            tenant, revision, text = given
            self._engine.forget(tenant)
            self._engine.activate(tenant, revision, PolicyDocument.parse(text))
            return wire.answer("done")
        if kind == "forget":
            for tenant in given[0]:
                self._engine.forget(tenant)
            return wire.answer("done")
        if kind == "check":
            (settings,) = given
            # The service says what is wrong with them: that it comes to an end is enough.
            self._engine.try_settings(Binding(self._plugin, settings))
            return wire.answer("done")
        if kind == "decide":
            return wire.answer("decided", answers.of_decisions(self._decide(*given)))
        (request,) = given
        self._at(0)
        return wire.answer("explained", answers.of_explanation(self._engine.explain_now(request)))

    def _decide(
        self, requests: Sequence[DecisionRequest], turn: float
    ) -> list[Decision | DecisionFailure]:
        """Decide in order until the turn's seconds are over; the first one always."""
        made: list[Decision | DecisionFailure] = []
        end = time.monotonic() + turn
        for place, request in enumerate(requests):
            if made and time.monotonic() >= end:
                break
            self._at(place)
            made.append(self._engine.decide_now(request))
        return made

    def _at(self, place: int) -> None:
        wire.PROGRESS.pack_into(self._page, 0, place)


def main() -> None:
    """Serve until the lane is gone."""
    _die_with(os.getppid())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    plugin, way, file = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    folder = Path(sys.argv[4]) if len(sys.argv) > _INSTALLED else None
    page = mmap.mmap(file, wire.PROGRESS.size)
    lane = socket.socket(fileno=way)
    said, asked = lane.makefile("wb"), lane.makefile("rb")
    worker = Worker(plugin, page, folder)
    said.write(wire.answer("ready", worker.error))
    said.flush()
    while (message := wire.next_question(asked)) is not None:
        said.write(_answered(worker, message))
        said.flush()


def _first(folder: Path, plugin: str) -> list[EntryPoint]:
    """The entry points of a candidate, and of what is installed beside it."""
    installed = [each for each in entry_points(group=hookspecs.PROJECT) if each.name != plugin]
    sys.path.insert(0, str(folder))
    return [*installed, *(each for each in candidates.points(folder) if each.name == plugin)]


def _answered(worker: Worker, message: tuple[Any, ...]) -> bytes:
    try:
        return worker.answer(message)
    except Exception as error:  # noqa: BLE001 - a plugin's own object may do anything
        return wire.answer("unsendable", type(error).__name__)


def _die_with(parent: int) -> None:
    """End when the service does, even if it is killed while a plugin loops here."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit(0)


if __name__ == "__main__":
    main()
