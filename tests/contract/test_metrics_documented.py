"""The operators' guide lists every metric of a service, with its labels."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from gonghai_assignment.waits import Waits
from gonghai_chassis.events.tally import QuarantineTally
from gonghai_chassis.intent_tally import IntentTally
from gonghai_chassis.metrics import Metrics
from gonghai_engine import Engine, PluginHealth
from gonghai_engine.isolation.lane import Lane, Limits
from gonghai_policy_service.plugins import PluginTally
from gonghai_standard import STANDARD

GUIDE: Final = Path(__file__).resolve().parents[2] / "docs/operators.md"
ROW: Final = re.compile(r"^\| `(gonghai_\w+)` \| (\w+) \| ([^|]+) \|", re.MULTILINE)
NO_LABELS: Final = "–"


def served() -> dict[str, tuple[str, set[str]]]:
    """Return the type and labels of each metric that a service has after one call."""
    metrics = Metrics()
    tally = metrics.calls.of("gonghai.pool.v1.PoolService/ClaimCustomer")
    tally.started += 1
    tally.end("OK", "", 0.001)
    quarantine, intents = QuarantineTally("pool"), IntentTally("pool")
    quarantine.count("archive")
    intents.failed("assign")
    metrics.registry.register(quarantine)
    metrics.registry.register(intents)
    metrics.registry.register(Waits())
    metrics.registry.register(PluginTally(a_bad_plugin()))
    return {
        f"{family.name}_total" if family.type == "counter" else family.name: (
            family.type,
            {label for sample in family.samples for label in sample.labels} - {"le"},
        )
        for family in metrics.registry.collect()
    }


def a_bad_plugin() -> Engine:
    """Return an engine with a plugin of which everything can be counted."""
    engine = Engine(
        {STANDARD.name: STANDARD},
        [PluginHealth("tea", "", "", "", ok=False, required=False, error="it is cold")],
    )
    engine.failures["tea", "tiering", "plugin_hung"] += 1
    lane = Lane("tea", Limits(), print)
    lane.ends["plugin_hung"] += 1
    engine.lanes["tea"] = lane
    return engine


def test_guide_and_code_agree() -> None:
    listed = {
        name: (kind, set() if labels == NO_LABELS else {*labels.split(", ")})
        for name, kind, labels in ROW.findall(GUIDE.read_text("utf-8"))
    }
    assert listed == served()
