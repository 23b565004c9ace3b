"""SOAK: decisions without end, while policies are replaced: memory stays flat, nothing crashes.

`python -m tests.faults.soak SCALE SEED`; at scale 50 it makes ten million.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

from gonghai_engine import Decision, DecisionRequest, Engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gonghai_plugin.facts import Fact

DECISIONS: Final = 200_000
"""At scale 1."""

_BATCH: Final = 1_000
_REPLACED_EVERY: Final = 20
"""Batches: then a tenant gets another policy."""

_TENANTS: Final = 6
_MADE_UP: Final = 400
"""Facts kept of each policy, to be decided again and again."""

_FLAT_MIB: Final = 24.0
"""By how much the process may grow after a quarter of the way."""

_NOW: Final = 1_795_000_000_000_000
_NUMBERS: Final = (0, 1, -1, 5, 30, 90, 400, 10**6, 2**53, 2**53 + 1, 2**63 - 1, -(2**63))
_TEXTS: Final = ("active", "dormant", "key", "高端", "é", "😀", '"', "\\", "", "follow_up")


def main(scale: float, seed: int) -> None:
    """Run, and print what happened."""
    asyncio.run(_Soak(Random(seed)).run(max(20, round(DECISIONS * scale / _BATCH))))


class _Soak:
    def __init__(self, random: Random) -> None:
        self._random = random
        self._engine = Engine.load()
        self._plugins = tuple(sorted(self._engine.plugins))
        self._revision = 0
        self._replaced = 0
        self._failed = 0
        self._decided = 0
        self._requests: dict[str, list[DecisionRequest]] = {}

    async def run(self, batches: int) -> None:
        for tenant in range(_TENANTS):
            self._replace(f"t{tenant}")
        before = highest = 0.0
        violations: list[tuple[str, str]] = []
        for batch in range(1, batches + 1):
            if batch % _REPLACED_EVERY == 0:
                self._replace(f"t{self._random.randrange(_TENANTS)}")
                self._replaced += 1
            await self._batch()
            if batch == max(1, batches // 4):
                before = highest = _resident_mib()
            if batch % max(1, batches // 20) == 0 and before:
                highest = max(highest, _resident_mib())
                _say(f"{self._decided:,} decisions, {highest:.0f} MiB at most")
        grown = highest - before
        if grown > _FLAT_MIB:
            violations.append(("memory_stays_flat", f"it grew by {grown:.0f} MiB"))
        if self._decided != batches * _BATCH:
            violations.append(("each_is_answered", f"{self._decided} of {batches * _BATCH}"))
        _say(
            f"{self._decided:,} decisions, {self._replaced} policies replaced",
            done=self._decided,
            violations=violations,
            evidence={
                "policies replaced": self._replaced,
                "failed on purpose": self._failed,
                "MiB after a quarter": round(before),
                "MiB at most since": round(highest),
            },
        )

    async def _batch(self) -> None:
        tenant = f"t{self._random.randrange(_TENANTS)}"
        requests = self._random.choices(self._requests[tenant], k=_BATCH)
        made = await self._engine.decide(requests)
        self._decided += len(made)
        for item in made:
            if not isinstance(item, Decision):
                self._failed += 1
            elif len(item.to_record()["w"]) < 2:
                raise AssertionError("a record without its sentence")

    def _replace(self, tenant: str) -> None:
        """Give a tenant another plugin, and settings that nobody had before."""
        self._revision += 1
        plugin = self._random.choice(self._plugins)
        days, claims = 30 + self._revision % 100, 1 + self._revision // 100
        text = (
            f"version: 1\nzone: {self._random.choice(('Asia/Shanghai', 'Europe/Berlin'))}\n"
            f"default: {{plugin: standard, settings:"
            f" {{dormant_days: {days}, claims_per_day: {claims}}}}}\n"
            f"industries:\n  some: {{plugin: {plugin}, settings: {{}}}}\n"
        )
        self._engine.activate(tenant, self._revision, self._engine.parse(text))
        self._requests[tenant] = list(self._made_up(tenant))

    def _made_up(self, tenant: str) -> Iterator[DecisionRequest]:
        for industry in ("", "some"):
            resolved = self._engine.tenant(tenant).industry(industry).resolved
            for policy, item in resolved.items():
                facts = item.compiled.intake.facts
                for _ in range(_MADE_UP // len(resolved)):
                    values = {fact.name: self._value(fact) for fact in facts}
                    yield DecisionRequest(tenant, industry, policy, values, _NOW)

    def _value(self, fact: Fact) -> Any:  # noqa: ANN401 - of any type, a wrong one at times
        random, kind = self._random, fact.type.kind
        chance = random.random()
        if chance < 0.15:
            return None
        if chance < 0.151:
            return object()
        if kind.numeric:
            return random.choice((*_NUMBERS, random.randrange(500)))
        if kind == "bool":
            return random.random() < 0.5
        texts = fact.type.values or (*_TEXTS, f"c{random.randrange(10**9)}")
        return random.choice(texts) if kind == "text" else random.sample(texts, 2)


def _resident_mib() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _say(says: str, **more: object) -> None:
    sys.stdout.write(json.dumps({"says": says, **more}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
