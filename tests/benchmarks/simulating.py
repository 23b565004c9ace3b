"""S10b: what PolicyService.Simulate does on pool, in columns, beside the same one by one."""

from __future__ import annotations

from random import Random
from time import process_time
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

from gonghai_aquatic import AQUATIC
from gonghai_engine import Engine
from gonghai_engine.calendar import DAY
from gonghai_policy_service.trials import on_trial
from gonghai_pool.custody import Change, Custody, Facts, Holder, State
from gonghai_pool.ground import Ground, Situation, local_day
from gonghai_pool.policies import held_questions, keep
from gonghai_pool.simulation.population import Population
from gonghai_pool.store.custodies import CustodyStore
from gonghai_pool.store.custody_records import pack_custody, unpack_custody
from gonghai_pool.tenant_setup import TenantSetup
from gonghai_standard import STANDARD
from tests.benchmarks.foreseeing import NOW, POLICIES, facts_of
from tests.benchmarks.row import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gonghai.policy.v1 import policy_service_pb2

TENANT: Final = "acme"
DOCUMENT: Final = (
    "version: 1\ndefault: {plugin: aquatic_products, settings: {clocks: {no_deal_days: 50}}}\n"
)
"""What is tried: customers who never ordered would have ten days less, nobody else is concerned."""


class _Packed(CustodyStore):
    """Holdings as the store has them, packed; reading them costs what it costs the service."""

    def __init__(self, ground: Ground) -> None:
        self._standing = ground
        self.records: dict[str, bytes] = {}
        self.names: list[str] = []

    async def customers(
        self,
        tenant: str,
        after: str,
        limit: int,
        *,
        waiting: bool = False,  # noqa: ARG002 - the living store's
    ) -> list[str]:
        """List customers by name."""
        assert tenant == TENANT
        start = int(after) + 1 if after else 0
        return self.names[start : start + limit]

    async def situations(
        self,
        tenant: str,
        customers: Sequence[str],
        deadline: float | None = None,  # noqa: ARG002 - the living store's
    ) -> list[Situation]:
        """Read customers."""
        assert tenant == TENANT
        found = ((customer, self.records[customer]) for customer in customers)
        return [
            Situation(self._standing, customer, unpack_custody(packed), packed)
            for customer, packed in found
        ]


async def measure_simulating(report: Callable[[str], None], scale: float) -> list[Row]:
    """Measure S10b: everything that the RPC does but for gRPC and the way to the store."""
    count = max(2_000, round(100_000 * scale))
    engine = Engine({"standard": STANDARD, AQUATIC.name: AQUATIC})
    engine.activate(TENANT, 1, engine.parse(POLICIES[0]))
    report(f"S10b: {count:,} holdings are made")
    custodies = await _holdings(engine, count)
    report("S10b: they are decided on in columns, and one by one")
    together, found = await _simulated(engine, custodies)
    with patch("gonghai_engine.pages._in_columns", return_value=None):
        alone, expected = await _simulated(engine, custodies)
    reading = await _read(custodies)
    engine.close()
    if found != expected:
        raise AssertionError("the answers are not the same")
    return [
        Row(
            id="S10b",
            work=f"PolicyService.Simulate over {count:,} holdings of pool: records unpacked,"
            " decided by two documents, differences told",
            compared_with="the same with every decision made alone: same answers",
            unit="holdings a CPU second",
            figure=count / together,
            baseline=count / alone,
            ratio=alone / together,
            reach=1.1,
            more={
                "columns_us": together / count * 1e6,
                "alone_us": alone / count * 1e6,
                "of_each_unpacking_us": reading / count * 1e6,
                "ratio_without_unpacking": (alone - reading) / (together - reading),
                "holdings_that_would_change": sum(1 for one in found if one.customer),
            },
        )
    ]


async def _holdings(engine: Engine, count: int) -> _Packed:
    calendar = engine.tenant(TENANT).calendar
    today = local_day(calendar, calendar.local_day(NOW))
    ground = Ground(TENANT, TenantSetup(TENANT), engine.tenant(TENANT), b"", NOW, today)
    custodies, random = _Packed(ground), Random(10)
    for place in range(count):
        name = f"{place:08}"
        values = {key: value for key, value in facts_of(random).items() if value is not None}
        custody = Custody(
            customer=name,
            version=3,
            state=State.HELD,
            since=NOW - random.randint(0, 120) * DAY,
            change=Change.ASSIGNED,
            term=1,
            pool="east",
            holder=Holder.rep(f"r{place % 50}"),
            facts=Facts(2, NOW, tier=str(values.get("tier", "")), values=values),
        )
        answers = await engine.decide(held_questions(ground, custody))
        custodies.records[name] = pack_custody(keep(ground, custody, *answers))
        custodies.names.append(name)
    return custodies


async def _simulated(
    engine: Engine, custodies: _Packed
) -> tuple[float, list[policy_service_pb2.SimulateResponse]]:
    """Return the CPU seconds and what is answered."""
    began = process_time()
    present = engine.tenant(TENANT)
    async with (
        on_trial(engine, present, "") as before,
        on_trial(engine, present, DOCUMENT) as trial,
    ):
        answers = [one async for one in Population(custodies)(before, trial, "en")]
    return process_time() - began, answers


async def _read(custodies: _Packed) -> float:
    began = process_time()
    await custodies.situations(TENANT, custodies.names)
    return process_time() - began
