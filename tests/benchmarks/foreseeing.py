"""S10: a population's reclaims foreseen in columns, beside one holding after another."""

from __future__ import annotations

from random import Random
from time import process_time
from typing import TYPE_CHECKING, Final

import numpy as np

from gonghai_aquatic import AQUATIC
from gonghai_engine import Decision, DecisionRequest, Engine, Policy, ReclaimPlan
from gonghai_engine.calendar import DAY, HOUR, Span
from gonghai_engine.clocks import Activity, Custody, Extension, schedule
from gonghai_engine.holdings import NEVER, Holdings
from gonghai_engine.schedules import ACTIONS, schedules
from gonghai_engine.verdicts import Moment
from gonghai_plugin import host_facts
from gonghai_standard import STANDARD
from tests.benchmarks.row import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gonghai_engine.clocks import Schedule
    from gonghai_engine.columns import FactColumns
    from gonghai_engine.schedules import Schedules

NOW: Final = 1_782_000_000_000_000
"""In June: the summer moratorium runs."""

POLICIES: Final = (
    "version: 1\ndefault: {plugin: aquatic_products, settings: {}}\n",
    "version: 1\ndefault: {plugin: aquatic_products, settings: {clocks: {grace_days: 9}}}\n",
)
"""What is in force, and what somebody would like instead."""

_READ: Final = {
    fact.name: fact
    for fact in (
        *(attribute.fact for attribute in AQUATIC.attributes),
        host_facts.STAGE,
        host_facts.TIER,
    )
    if fact.name in {"business", "sea_area", "stage", "supply", "tier"}
}
_NAMES: Final = ("strategic", "key", "prospect", "active", "dormant")
_AT_ONCE: Final = 250_000
_ALONE: Final = 0.02
"""The share of holdings that are evaluated one by one as well."""


async def measure_foreseeing(report: Callable[[str], None], scale: float) -> list[Row]:
    """Measure S10. Both begin with the same: what is known of each customer, and his custody."""
    count = max(20_000, round(1_000_000 * scale))
    random = Random(10)
    trial = _Trial()
    for start in range(0, count, _AT_ONCE):
        size = min(_AT_ONCE, count - start)
        report(f"S10: {start + size:,} of {count:,} holdings")
        rows = [facts_of(random) for _ in range(size)]
        custodies = [_custody(random) for _ in range(size)]
        chosen = random.sample(range(size), round(size * _ALONE))
        await trial.run(rows, custodies, chosen)
    trial.engine.close()
    figure, baseline = trial.count / trial.together, trial.alone_count / trial.alone
    return [
        Row(
            id="S10",
            work=f"simulate changed reclaim settings over {count:,} holdings: the plans and due"
            " times in force, and as they would be",
            compared_with=f"the same one by one, for {trial.alone_count:,} of them: same answers",
            unit="holdings a CPU second",
            figure=figure,
            baseline=baseline,
            ratio=figure / baseline,
            reach=20,
            more={
                "columns_us": trial.together / trial.count * 1e6,
                "of_that_making_columns_us": trial.making / trial.count * 1e6,
                "alone_us": 1e6 / baseline,
                "holdings_that_would_change": trial.changed,
            },
        )
    ]


class _Trial:
    """The settings in force, those that are tried, and the CPU seconds that each way took."""

    def __init__(self) -> None:
        self.engine = Engine({"standard": STANDARD, AQUATIC.name: AQUATIC})
        for place, text in enumerate(POLICIES):
            self.engine.activate(_tenant(place), 1, self.engine.parse(text))
        self.together = self.making = self.alone = 0.0
        self.count = self.alone_count = self.changed = 0

    async def run(
        self,
        rows: Sequence[dict[str, object]],
        custodies: Sequence[Custody],
        chosen: Sequence[int],
    ) -> None:
        """Simulate both ways, and hold the answers against each other."""
        began = process_time()
        facts = self.engine.tenant(_tenant(0)).industry("").columns(rows, Policy.RECLAIM)
        holdings = Holdings.of(custodies)
        self.making += process_time() - began
        found = [self._in_columns(place, facts, holdings) for place in range(len(POLICIES))]
        self.changed += int(np.count_nonzero(found[0].reclaim_at != found[1].reclaim_at))
        self.together += process_time() - began
        self.count += len(rows)
        began = process_time()
        said = [
            [await self._alone(place, rows[row], custodies[row]) for row in chosen]
            for place in range(len(POLICIES))
        ]
        self.alone += process_time() - began
        self.alone_count += len(chosen)
        for schedules_, expected in zip(found, said, strict=True):
            for row, one in zip(chosen, expected, strict=True):
                _same(schedules_, row, one)

    def _in_columns(self, place: int, facts: FactColumns, holdings: Holdings) -> Schedules:
        tenant = self.engine.tenant(_tenant(place))
        moment = Moment(NOW, tenant.calendar)
        decided = tenant.industry("").decide_columns(Policy.RECLAIM, facts, moment)
        return schedules(decided, holdings, tenant.calendar)

    async def _alone(self, place: int, facts: dict[str, object], custody: Custody) -> Schedule:
        request = DecisionRequest(_tenant(place), "", Policy.RECLAIM, facts, NOW)
        (decision,) = await self.engine.decide([request])
        assert isinstance(decision, Decision)
        assert isinstance(decision.outcome, ReclaimPlan)
        return schedule(decision.outcome, custody, self.engine.tenant(_tenant(place)).calendar)


def _tenant(place: int) -> str:
    return f"settings-{place}"


def _same(found: Schedules, row: int, said: Schedule) -> None:
    instants = [found.at, found.due_at, found.warn_at, found.reclaim_at]
    told = [None if one[row] == NEVER else int(one[row]) for one in instants]
    clock = found.names[found.clock[row]] if found.clock[row] >= 0 else ""
    expected = [said.at, said.due_at, said.warn_at, said.reclaim_at]
    action = ACTIONS[found.action[row]]
    if (told, clock, action) != (expected, said.clock, said.next_action):
        raise AssertionError(f"not the same: {told} {clock} {action}, {said}")


def facts_of(random: Random) -> dict[str, object]:
    """Make up what the policy reads of a customer."""
    return {
        name: random.choice((*(fact.type.values or _NAMES), None)) for name, fact in _READ.items()
    }


def _custody(random: Random) -> Custody:
    since = NOW - random.randint(0, 120 * 24) * HOUR
    return Custody(
        since,
        [
            Activity(
                random.choice(("follow_up", "visit", "purchase", "opportunity")),
                since + random.randint(0, max(1, NOW - since)),
                random.random() < 0.9,
            )
            for _ in range(random.randint(0, 4))
        ],
        [Extension(7, since + 5 * DAY)] if random.random() < 0.02 else (),
        (Span(since + DAY, since + 3 * DAY, "dispute"),) if random.random() < 0.0005 else (),
        {"no-follow-up": since + 20 * DAY} if random.random() < 0.1 else {},
        random.random() < 0.01,
    )
