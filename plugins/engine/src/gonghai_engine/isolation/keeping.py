"""Which plugins a service keeps apart, and where they are decided."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from gonghai_engine.isolation.lane import Lane, Limits
from gonghai_engine.isolation.note import DECIDING, PluginVersion
from gonghai_engine.isolation.own_code import runs_own_code

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gonghai_engine.document import Binding
    from gonghai_engine.isolation.note import Note
    from gonghai_plugin.plugin import Plugin


def _silent(_event: str, **_figures: object) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Isolation:
    """How a service keeps plugins from itself.

    Attributes:
        limits: how much patience a plugin's own code gets.
        note: what survives a crash; None: a crash in the rule engine is not learnt from.
        tell: is told what happens: an event's name, and figures.
        clock: seconds.
        probation: how often a plugin that a process ended on decides apart before it is trusted.
    """

    limits: Limits = field(default_factory=Limits)
    note: Note | None = None
    tell: Callable[..., object] = field(default=_silent)
    clock: Callable[[], float] = field(default=time.monotonic)
    probation: int = 2_000


class Lanes:
    """Two lanes for each plugin that is kept apart.

    One is for what tenants live by. The other is for what can wait, and takes long: documents on
    trial, and the settings of documents that are read. Its process is there only now and then.
    """

    def __init__(
        self,
        plugins: Mapping[str, Plugin],
        isolation: Isolation | None,
        folders: Mapping[str, Path] = MappingProxyType({}),
    ) -> None:
        """Keep apart what runs code of its own, and what a process ended on; None: nothing.

        Args:
            plugins: by name.
            isolation: how.
            folders: where those are that are candidates.
        """
        self._lanes: dict[str, Lane] = {}
        self._trials: dict[str, Lane] = {}
        self._suspects: set[str] = set()
        self._trusted: list[Lane] = []
        self._probation = 0
        if isolation is None:
            return
        self._probation = isolation.probation
        found = isolation.note.found if isolation.note is not None else None
        for name, plugin in plugins.items():
            if not runs_own_code(plugin):
                if found != (DECIDING, PluginVersion(name, plugin.version, name in folders)):
                    continue
                isolation.tell(
                    "plugin_kept_apart",
                    plugin=name,
                    version=plugin.version,
                    candidate=name in folders,
                    why="the process ended on it",
                )
                self._suspects.add(name)
            limits, tell, clock = isolation.limits, isolation.tell, isolation.clock
            folder = folders.get(name)
            self._lanes[name] = Lane(name, limits, tell, clock, folder=folder)
            self._trials[name] = Lane(name, limits, tell, clock, idle=limits.idle, folder=folder)

    def __bool__(self) -> bool:
        """Say whether any plugin is kept apart."""
        return bool(self._lanes)

    def of(self, plugin: str, *, trial: bool = False) -> Lane | None:
        """Return where a plugin is decided, None where that is the service's own process."""
        return (self._trials if trial else self._lanes).get(plugin)

    def trust(self, plugin: str) -> None:
        """Let a suspect go that has decided well for long enough; to be called in the event loop.

        One that a process ended on by chance, killed by somebody, is no suspect for ever.
        """
        if plugin not in self._suspects or self._lanes[plugin].good < self._probation:
            return
        self._suspects.discard(plugin)
        for trusted in (self._lanes.pop(plugin), self._trials.pop(plugin)):
            trusted.let_go()
            self._trusted.append(trusted)

    def living(self) -> dict[str, Lane]:
        """Return by plugin where is decided what tenants live by."""
        return self._lanes

    def trials(self) -> dict[str, Lane]:
        """Return by plugin where documents are tried."""
        return self._trials

    def forget(self, tenant: str) -> None:
        """Drop what is known of a tenant."""
        for lane in self._every():
            lane.forget(tenant)

    async def check(self, binding: Binding) -> str:
        """Return why a plugin's settings can't be looked at here, "" where they can."""
        lane = self._trials.get(binding.plugin)
        if lane is None:
            return ""
        return await lane.check(dict(binding.settings))

    async def stop(self) -> None:
        """End every process: all at once, whatever they are at, and then wait until they are gone.

        So they end also where who stops them is himself cancelled meanwhile.
        """
        lanes = self._every()
        for lane in lanes:
            lane.end()
        for lane in lanes:
            await lane.stop()

    def _every(self) -> tuple[Lane, ...]:
        return (*self._lanes.values(), *self._trials.values(), *self._trusted)
