"""SOAK: decisions without end, while policies are replaced: memory stays flat, nothing crashes.

The policies are also put on trial where a plugin is kept apart, and dropped again: the memory of
that process stays flat too.

`python -m tests.faults.soak SCALE SEED`; at scale 50 it makes ten million.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import tempfile
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

from gonghai_engine import Decision, DecisionRequest, Engine, PluginSelection
from gonghai_engine.isolation.keeping import Isolation
from gonghai_engine.isolation.note import DECIDING, Note, PluginVersion

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

_TRIALS: Final = 5
"""Documents that are tried when a policy is replaced."""

_FLAT_MIB: Final = 24.0
"""By how much the process may grow after a quarter of the way."""

_NOW: Final = 1_795_000_000_000_000
_NUMBERS: Final = (0, 1, -1, 5, 30, 90, 400, 10**6, 2**53, 2**53 + 1, 2**63 - 1, -(2**63))
_TEXTS: Final = ("active", "dormant", "key", "高端", "é", "😀", '"', "\\", "", "follow_up")


def main(scale: float, seed: int) -> None:
    """Run, and print what happened."""
    with tempfile.TemporaryDirectory() as folder:
        soak = _Soak(Random(seed), _Trials(Path(folder)))
        asyncio.run(soak.run(max(20, round(DECISIONS * scale / _BATCH))))


class _Trials:
    """Puts documents on trial with a plugin that is kept apart, and drops them."""

    def __init__(self, folder: Path) -> None:
        note = Note(folder, "soak")
        version = Engine.load().plugins["standard"].version
        note.found = (DECIDING, PluginVersion("standard", version))
        only = PluginSelection(allowed=frozenset({"standard"}))
        self._engine = Engine.load(only, isolation=Isolation(note=note, probation=1 << 60))
        self.tried = 0

    async def run(self) -> None:
        for _ in range(_TRIALS):
            self.tried += 1
            claims, days = 1 + self.tried % 1000, 30 + self.tried % 97
            text = (
                "version: 1\ndefault: {plugin: standard, settings:"
                f" {{claims_per_day: {claims}, dormant_days: {days}}}}}"
            )
            tenant = f"t/trial-{self.tried}"
            await self._engine.put_in_force(tenant, 1, self._engine.parse(text), trial=True)
            resolved = self._engine.tenant(tenant).industry("").resolved
            asked = [DecisionRequest(tenant, "", policy, {}, _NOW) for policy in resolved]
            if not all(isinstance(made, Decision) for made in await self._engine.decide(asked)):
                raise AssertionError("a trial in which nothing is decided")
            self._engine.forget(tenant)

    @property
    def resident_mib(self) -> float:
        process = self._engine.trial_lanes["standard"].process
        return 0.0 if process is None else _resident_mib(process.pid)

    @property
    def known(self) -> int:
        """Return how many documents it still has there: the last one, until it is asked again."""
        process = self._engine.trial_lanes["standard"].process
        return 0 if process is None else process.known

    async def stop(self) -> None:
        await self._engine.stop()


class _Soak:
    def __init__(self, random: Random, trials: _Trials) -> None:
        self._random = random
        self._trials = trials
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
        before = highest = apart = 0.0
        violations: list[tuple[str, str]] = []
        for batch in range(1, batches + 1):
            if batch % _REPLACED_EVERY == 0:
                self._replace(f"t{self._random.randrange(_TENANTS)}")
                self._replaced += 1
                await self._trials.run()
                apart = apart or self._trials.resident_mib
            await self._batch()
            if batch == max(1, batches // 4):
                before = highest = _resident_mib()
            if batch % max(1, batches // 20) == 0 and before:
                highest = max(highest, _resident_mib())
                _say(f"{self._decided:,} decisions, {highest:.0f} MiB at most")
        grown = highest - before
        if grown > _FLAT_MIB:
            violations.append(("memory_stays_flat", f"it grew by {grown:.0f} MiB"))
        grown_apart = self._trials.resident_mib - apart
        if grown_apart > _FLAT_MIB:
            violations.append(
                ("memory_stays_flat", f"that of a plugin kept apart grew by {grown_apart:.0f} MiB")
            )
        if self._trials.known > 1:
            violations.append(("forgets", f"it still has {self._trials.known} documents tried"))
        await self._trials.stop()
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
                "documents tried apart": self._trials.tried,
                "MiB it grew by there": round(grown_apart),
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


def _resident_mib(process: int | str = "self") -> float:
    gc.collect()
    pages = int(Path(f"/proc/{process}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _say(says: str, **more: object) -> None:
    sys.stdout.write(json.dumps({"says": says, **more}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
