"""S8: from the create of a customer to its assignment in a watcher's hands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks.row import Row, percentile
from tests.benchmarks.stage import call_apart

if TYPE_CHECKING:
    from tests.benchmarks.stage import Bare, Stage

TENANT = "tenants/flow"
RATE = 200
POLICY = """
version: 1
default:
  plugin: standard
industries:
  fmcg:
    plugin: fmcg_distributor
    settings: {claims: {holding_limit: 1000000}}
"""
_REPS = 24
_PATIENCE = 30.0


async def measure_flow(stage: Stage, bare: Bare, scale: float) -> list[Row]:
    """Measure S8: the same rate on the bare server first."""
    count = max(RATE, int(15 * RATE * scale))
    skip = RATE // 2
    stage.report(f"S8: {count} empty calls at {RATE} a second")
    empty = await call_apart(task="steady_empties", address=bare.address, calls=count, rate=RATE)
    await stage.prepare(TENANT, policy=POLICY, reps=_REPS, skills=["key_account"])
    stage.report(f"S8: {count} customers at {RATE} a second")
    found = await call_apart(
        task="flow",
        archive=stage.stack.addresses.archive,
        pool=stage.stack.addresses.pool,
        tenant=TENANT,
        customers=[f"f{number:06}" for number in range(count + skip)],
        skip=skip,
        rate=RATE,
        patience=_PATIENCE,
    )
    if found["missing"]:
        stage.report(f"{found['missing']} customers were not assigned within {_PATIENCE:.0f} s")
    # Who was not seen in time counts as seen at the end of all patience.
    latencies = found["latencies_ms"] + [_PATIENCE * 1000] * found["missing"]
    figure = percentile(latencies, 0.99)
    baseline = percentile(empty["latencies_ms"], 0.5)
    return [
        Row(
            id="S8",
            work=f"create, in a pool, assigned, visible to a watcher, {RATE} a second",
            compared_with="the bare RPC's round trip at the same rate (p50)",
            unit="ms (p99; p50)",
            figure=figure,
            baseline=baseline,
            ratio=figure / baseline,
            reach=25,
            at_most=True,
            more={
                "p50_ms": percentile(latencies, 0.5),
                "p90_ms": percentile(latencies, 0.9),
                "not_seen_in_time": found["missing"],
                "create_p50_ms": percentile(found["created_ms"], 0.5),
                "in_pool_p50_ms": percentile(found["pooled_ms"], 0.5),
                "in_pool_p99_ms": percentile(found["pooled_ms"], 0.99),
                "bare_p99_ms": percentile(empty["latencies_ms"], 0.99),
                "customers": count,
            },
        )
    ]
