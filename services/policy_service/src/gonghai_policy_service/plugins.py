"""The plugins of a service: loaded apart from each other, watched, and shown to operators.

| name | type | labels | says |
|---|---|---|---|
| gonghai_decisions_failed_total | counter | plugin, policy, cause | decisions not made |
| gonghai_plugin_healthy | gauge | plugin | 1 while it is loaded and put aside for nobody |
| gonghai_plugin_put_aside | gauge | plugin | tenants for whom it decides nothing for a while |
| gonghai_plugin_processes_ended_total | counter | plugin, cause | its processes that ended |
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from gonghai_engine import Engine, PluginSelection
from gonghai_engine.isolation.keeping import Isolation
from gonghai_engine.isolation.lane import Limits
from gonghai_engine.isolation.note import Note

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.metrics_core import Metric

    from gonghai_chassis.assembly import Assembly
    from gonghai_engine import PluginHealth


def load_plugins(assembly: Assembly[Any]) -> Engine:
    """Load the plugins that the settings ask for. Never raises for a broken one."""
    settings = assembly.settings
    limits = Limits(decision=settings.plugins_patience, aside=settings.plugins_aside)
    note = _note(assembly)
    if note is not None and note.found is not None:
        work, plugin = note.found
        assembly.log.error(
            "plugin_ended_the_process",
            plugin=plugin.plugin,
            version=plugin.version,
            candidate=plugin.candidate,
            while_it_was=work,
        )

    def tell(event: str, **figures: object) -> None:
        level = "info" if event == "plugin_process_started" else "error"
        getattr(assembly.log, level)(event, **figures)

    engine = Engine.load(
        PluginSelection(
            allowed=frozenset(settings.plugins_allowed) or None,
            required=frozenset(settings.plugins_required),
        ),
        isolation=Isolation(limits, note, tell),
        candidates=_absolute(settings.plugins_candidates),
    )
    for item in engine.health():
        if not item.ok:
            assembly.log.error("plugin_not_loaded", plugin=item.name, why=item.error)
    for item in engine.candidates:
        if not item.ok:
            assembly.log.error("candidate_not_loaded", plugin=item.name, why=item.error)
    assembly.on_close("plugins", engine.stop)
    return engine


def watch_plugins(assembly: Assembly[Any], engine: Engine) -> None:
    """Let readiness follow the required plugins, and Prometheus read how all of them fare."""

    async def loaded() -> None:
        if not engine.ready:
            broken = [f"{item.name}: {item.error}" for item in engine.health() if _lacks(item)]
            raise RuntimeError("; ".join(broken))

    assembly.probe("plugins", loaded)
    assembly.metrics.registry.register(PluginTally(engine))


def _lacks(item: PluginHealth) -> bool:
    return item.required and not item.ok


def _note(assembly: Assembly[Any]) -> Note | None:
    folder = assembly.settings.plugins_notes
    if folder is None:
        folder = Path(tempfile.gettempdir()) / f"gonghai-{os.getuid()}"
    try:
        return Note(folder, assembly.name)
    except OSError as error:
        # Without it a crash in the rule engine is not learnt from; all else works.
        assembly.log.warning("no_note_of_plugins", folder=str(folder), why=str(error))
        return None


class PluginTally(Collector):
    """What an engine counts of its plugins; written by the event loop, read by a thread."""

    def __init__(self, engine: Engine) -> None:
        """Count those of an engine."""
        self._engine = engine

    def collect(self) -> Iterable[Metric]:
        """Hand the numbers over."""
        failed = CounterMetricFamily(
            "gonghai_decisions_failed",
            "Decisions that failed, and took the safe side",
            labels=["plugin", "policy", "cause"],
        )
        for labels, count in self._engine.failures.copy().items():
            failed.add_metric(labels, count)
        healthy = GaugeMetricFamily(
            "gonghai_plugin_healthy", "1 while it is loaded and not put aside", labels=["plugin"]
        )
        for item in self._engine.health():
            healthy.add_metric([item.name], float(item.ok))
        aside = GaugeMetricFamily(
            "gonghai_plugin_put_aside",
            "Tenants for whom the plugin decides nothing for a while",
            labels=["plugin"],
        )
        ended = CounterMetricFamily(
            "gonghai_plugin_processes_ended",
            "Processes of the plugin that hung or crashed",
            labels=["plugin", "cause"],
        )
        trials = self._engine.trial_lanes.copy()
        for name, lane in self._engine.lanes.copy().items():
            aside.add_metric([name], lane.aside)
            tried = trials[name].ends.copy() if name in trials else {}
            for cause, count in (lane.ends.copy() + Counter(tried)).items():
                ended.add_metric([name, cause], count)
        yield failed
        yield healthy
        yield aside
        yield ended


def _absolute(folder: Path | None) -> Path | None:
    """It is looked into again by processes that start later."""
    return None if folder is None else folder.absolute()
