"""S5: decisions of a tier through the engine, with their records, beside durable-rules alone."""

from __future__ import annotations

import json
from random import Random
from time import process_time
from typing import TYPE_CHECKING, Any, Final

import durable_rules_engine

from gonghai_engine import Decision, DecisionRequest, Engine, Policy
from gonghai_standard import STANDARD
from tests.benchmarks.row import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BATCH: Final = 1_000
NOW: Final = 1_795_000_000_000_000
POLICY: Final = "version: 1\ndefault: {plugin: standard, settings: {}}\n"
_SESSION: Final = "0"

_RULES: Final = {
    "key-amount": {"$gte": {"amount_365d": 50_000_000}},
    "a-amount": {"$gte": {"amount_365d": 10_000_000}},
    "a-frequent": {"$and": [{"$gte": {"amount_365d": 2_000_000}}, {"$gte": {"orders_365d": 12}}]},
    "b-amount": {"$gte": {"amount_365d": 2_000_000}},
    "c": {"always": True},
}
"""What the standard plugin's tiers come to, as somebody would write it for durable-rules."""


async def measure_deciding(report: Callable[[str], None], scale: float) -> list[Row]:
    """Measure S5: a batch of the one, a batch of the other, so that both meet the same load."""
    batches = max(5, round(200 * scale))
    report(f"S5: {batches} batches of {BATCH} decisions, and as many by durable-rules alone")
    engine = Engine({"standard": STANDARD})
    engine.activate("bench", 1, engine.parse(POLICY))
    raw = _Raw()
    random = Random(5)
    found = {"engine": 0.0, "raw": 0.0}
    for number in range(batches + 1):
        facts = [_facts(random) for _ in range(BATCH)]
        requests = [
            DecisionRequest("bench", "", Policy.TIERING, item, NOW, f"c{place}")
            for place, item in enumerate(facts)
        ]
        began = process_time()
        decided = await engine.decide(requests)
        records = [item.to_record() for item in decided if isinstance(item, Decision)]
        between = process_time()
        rules = raw.decide(facts)
        ended = process_time()
        if [record["r"] for record in records] != rules:
            raise AssertionError("the two do not decide the same")
        if number:  # the first batch warms up
            found["engine"] += between - began
            found["raw"] += ended - between
    raw.close()
    engine.close()
    count = batches * BATCH
    figure, baseline = count / found["engine"], count / found["raw"]
    return [
        Row(
            id="S5",
            work=f"decide {count:,} tiers through the engine, with records, {BATCH:,} at a time",
            compared_with="durable-rules called directly with the same facts, for the rule's name",
            unit="decisions a CPU second",
            figure=figure,
            baseline=baseline,
            ratio=figure / baseline,
            reach=0.4,
            more={
                "engine_us": found["engine"] / count * 1e6,
                "raw_us": found["raw"] / count * 1e6,
            },
        )
    ]


def _facts(random: Random) -> dict[str, object]:
    return {
        "amount_365d": random.choice((random.randint(0, 3_000_000), random.randint(0, 80_000_000))),
        "orders_365d": random.randint(0, 30),
        "stage": random.choice(("new", "active", "dormant", "churned")),
    }


class _Raw:
    """durable-rules as it is: facts in as JSON, an answer out as JSON, and nothing around it."""

    def __init__(self) -> None:
        rules: dict[str, Any] = {
            name: {"all": [{"m": condition}], "pri": place}
            for place, (name, condition) in enumerate(_RULES.items(), start=1)
        }
        self._handle = durable_rules_engine.create_ruleset("bench", json.dumps(rules))
        self._events = 0

    def decide(self, facts: Sequence[dict[str, object]]) -> list[str]:
        """Return the names of the rules that hold first."""
        handle, found = self._handle, []
        for item in facts:
            self._events += 1
            event = {"id": self._events, "sid": _SESSION, "always": True, **item}
            _, state = durable_rules_engine.assert_event(handle, json.dumps(event))
            _, answer = durable_rules_engine.start_action_for_state(handle, state)
            (name,) = json.loads(answer)
            found.append(name)
            durable_rules_engine.complete_and_start_action(handle, state)
        return found

    def close(self) -> None:
        durable_rules_engine.delete_state(self._handle, _SESSION)
        durable_rules_engine.delete_ruleset(self._handle)
