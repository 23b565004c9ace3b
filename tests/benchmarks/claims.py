"""S1 and S2: claims of distinct customers, and of the same ones by everybody."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

import grpc

from gonghai.pool.v1 import custody_pb2, pool_service_pb2
from gonghai.pool.v1.pool_service_pb2_grpc import PoolServiceStub
from tests.benchmarks.machine import cpu_seconds
from tests.benchmarks.row import Row, percentile
from tests.benchmarks.stage import call_apart

if TYPE_CHECKING:
    from tests.benchmarks.stage import Bare, Stage

TENANT = "tenants/claims"
CALLERS = 64
CONTESTED = 100
POLICY = """
version: 1
default:
  plugin: standard
  settings: {claims_per_day: 1000000, holding_limit: 1000000, cool_down_days: 0}
"""
_ROUNDS = 3


async def measure_claims(stage: Stage, bare: Bare, scale: float) -> list[Row]:
    """Measure S1 and S2, the baseline before and between the rounds."""
    count = max(200, int(6000 * scale))
    await stage.prepare(TENANT, policy=POLICY, reps=CALLERS)
    customers = [f"d{number:06}" for number in range(count)]
    contested = [f"s{number:06}" for number in range(CONTESTED * _ROUNDS)]
    stage.report(f"making {count + len(contested)} customers")
    everybody = customers + contested
    await call_apart(
        task="creates",
        address=stage.stack.addresses.archive,
        tenant=TENANT,
        customers=everybody,
        callers=32,
    )
    await stage.until_pooled(TENANT, len(everybody))
    rounds = _Rounds(stage, bare)
    for number in range(_ROUNDS):
        stage.report(f"S1 and S2, round {number + 1} of {_ROUNDS}")
        await rounds.empties(count)
        # The others' part is theirs: they take events in on cores of their own, or later.
        with stage.paused("archive", "assignment"):
            await rounds.claims("distinct", customers, shift=number)
            same = contested[number * CONTESTED : (number + 1) * CONTESTED]
            await rounds.claims("same", same, shift=number, all_after_all=True)
        await _check_owned(stage, same)
        if number < _ROUNDS - 1:
            await rounds.release(customers)
    await rounds.release(customers)
    stage.report("S1 with archive and assignment taking the claims in at the same time")
    await rounds.claims("followed", customers, shift=_ROUNDS)
    return [_s1(rounds, count), _s2(rounds)]


class _Rounds:
    """What the rounds found, by kind: rates (calls a second) and CPU (µs a call)."""

    def __init__(self, stage: Stage, bare: Bare) -> None:
        self._stage = stage
        self._bare = bare
        self.rates: dict[str, list[float]] = {}
        self.cpu: dict[str, list[float]] = {}
        self.store_cpu: dict[str, list[float]] = {}
        self.p99: dict[str, list[float]] = {}
        self.ends: dict[str, dict[str, int]] = {}

    async def empties(self, calls: int) -> None:
        before = cpu_seconds(self._bare.pid)
        found = await call_apart(
            task="empties", address=self._bare.address, calls=calls, callers=CALLERS
        )
        self._note("empty", calls, found, cpu_seconds(self._bare.pid) - before)

    async def claims(
        self, kind: str, customers: list[str], *, shift: int, all_after_all: bool = False
    ) -> None:
        pool, store = self._stage.pid("pool"), self._stage.pid("store")
        before, store_before = cpu_seconds(pool), cpu_seconds(store)
        found = await call_apart(
            task="claims",
            address=self._stage.stack.addresses.pool,
            tenant=TENANT,
            customers=customers,
            callers=CALLERS,
            shift=shift,
            all_after_all=all_after_all,
        )
        calls = len(customers) * (CALLERS if all_after_all else 1)
        used, store_used = cpu_seconds(pool) - before, cpu_seconds(store) - store_before
        self._note(kind, calls, found, used)
        self.store_cpu.setdefault(kind, []).append(store_used / calls * 1e6)
        expected = len(customers)
        if found["ends"].get("OK") != expected:
            raise AssertionError(f"{expected} claims should have succeeded: {found['ends']}")

    async def release(self, customers: list[str]) -> None:
        await call_apart(
            task="releases",
            address=self._stage.stack.addresses.pool,
            tenant=TENANT,
            customers=customers,
            callers=CALLERS,
        )

    def _note(self, kind: str, calls: int, found: dict[str, Any], used: float) -> None:
        self.rates.setdefault(kind, []).append(calls / found["seconds"])
        self.cpu.setdefault(kind, []).append(used / calls * 1e6)
        self.p99.setdefault(kind, []).append(percentile(found["latencies_ms"], 0.99))
        self.ends[kind] = found["ends"]
        self._stage.report(f"  {kind}: {calls / found['seconds']:.0f} a second, {found['ends']}")


def _s1(rounds: _Rounds, count: int) -> Row:
    figure, baseline = median(rounds.rates["distinct"]), median(rounds.rates["empty"])
    return Row(
        id="S1",
        work=f"ClaimCustomer, {CALLERS} callers, {count} distinct customers",
        compared_with="an empty unary RPC on a bare grpc.aio server",
        unit="calls/s",
        figure=figure,
        baseline=baseline,
        ratio=figure / baseline,
        reach=0.6,
        more={
            "cpu_us_a_claim_in_pool": median(rounds.cpu["distinct"]),
            "cpu_us_a_claim_in_the_store": median(rounds.store_cpu["distinct"]),
            "cpu_us_an_empty_call": median(rounds.cpu["empty"]),
            "p99_ms": median(rounds.p99["distinct"]),
            "calls_a_second_while_archive_and_assignment_follow": rounds.rates["followed"][0],
            "rounds": rounds.rates,
        },
    )


def _s2(rounds: _Rounds) -> Row:
    figure, baseline = median(rounds.rates["same"]), median(rounds.rates["distinct"])
    return Row(
        id="S2",
        work=f"ClaimCustomer, {CALLERS} callers after the same {CONTESTED} customers",
        compared_with="S1",
        unit="calls/s",
        figure=figure,
        baseline=baseline,
        ratio=figure / baseline,
        reach=0.8,
        more={
            "cpu_us_a_call_in_pool": median(rounds.cpu["same"]),
            "ends": rounds.ends["same"],
            "owners_each": 1,
        },
    )


async def _check_owned(stage: Stage, customers: list[str]) -> None:
    """Each has exactly one owner: it is held, and its history has one claim."""
    async with grpc.aio.insecure_channel(stage.stack.addresses.pool) as channel:
        stub = PoolServiceStub(channel)
        for customer in customers:
            name = f"{TENANT}/customers/{customer}"
            custody = await stub.GetCustody(
                pool_service_pb2.GetCustodyRequest(name=f"{name}/custody")
            )
            history = await stub.ListCustodyHistory(
                pool_service_pb2.ListCustodyHistoryRequest(parent=name)
            )
            claims = [
                entry
                for entry in history.entries
                if entry.change == custody_pb2.CUSTODY_CHANGE_CLAIMED
            ]
            if custody.state != custody_pb2.CUSTODY_STATE_HELD or len(claims) != 1:
                raise AssertionError(f"{name} was claimed {len(claims)} times: {custody}")
