"""Projections are compared and made anew while everybody goes on writing."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from random import Random
from typing import TYPE_CHECKING

from gonghai.archive.v1 import activity_pb2, archive_service_pb2, customer_pb2
from gonghai.assignment.v1 import assignment_service_pb2
from gonghai.dev.v1 import clock_pb2
from gonghai.policy.v1 import policy_service_pb2
from gonghai.pool.v1 import pool_pb2, pool_service_pb2
from gonghai.upkeep.v1 import upkeep_service_pb2 as pb
from gonghai_chassis.errors import PeerRefused
from gonghai_cli.account.reading import list_reps
from gonghai_cli.doctor.examination import Doctor
from gonghai_cli.doctor.services import UpkeepServices
from gonghai_cli.flow.claims import DAY, claim
from tests.end_to_end.test_doctor import differing
from tests.end_to_end.trio import trio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gonghai_chassis.store import StoreSettings
    from gonghai_cli.flow.driver import Driver
    from gonghai_cli.flow.sample import Sample

PROJECTIONS = (
    ("archive", "pool"),
    ("archive", "assignment"),
    ("pool", "archive"),
    ("pool", "assignment"),
    ("assignment", "archive"),
    ("assignment", "pool"),
)


class Trade:
    """Everybody at work, by a seed: what is done is counted, a refusal is an answer."""

    def __init__(self, driver: Driver, seed: int) -> None:
        self._driver = driver
        self._services = driver.services
        self._random = Random(seed)
        self._customers = [each.id for each in driver.sample.customers]
        self._reps = [each.id for each in driver.sample.reps]
        self._made = 0
        self.done = 0

    async def go_on(self) -> None:
        works = (self._follow_up, self._claim, self._release, self._create, self._rep, self._pool)
        while True:
            try:
                await self._random.choice(works)()
            except PeerRefused:
                continue
            self.done += 1

    def _customer(self) -> str:
        return f"{self._driver.parent}/customers/{self._random.choice(self._customers)}"

    async def _follow_up(self) -> None:
        await self._services.archive.RecordFollowUp(
            archive_service_pb2.RecordFollowUpRequest(
                parent=self._customer(),
                follow_up=activity_pb2.FollowUp(
                    channel=customer_pb2.CONTACT_CHANNEL_PHONE,
                    outcome=activity_pb2.FOLLOW_UP_OUTCOME_REACHED,
                ),
            )
        )

    async def _claim(self) -> None:
        rep, customer = self._random.choice(self._reps), self._random.choice(self._customers)
        await claim(self._driver, rep, customer, str(self.done))

    async def _release(self) -> None:
        await self._services.pool.ReleaseCustomer(
            pool_service_pb2.ReleaseCustomerRequest(customer=self._customer(), reason="enough")
        )

    async def _create(self) -> None:
        self._made += 1
        await self._services.archive.CreateCustomer(
            archive_service_pb2.CreateCustomerRequest(
                parent=self._driver.parent,
                customer_id=f"new-{self._made}",
                customer=customer_pb2.Customer(
                    display_name="New", industry=self._driver.sample.industry
                ),
            )
        )
        self._customers.append(f"new-{self._made}")

    async def _rep(self) -> None:
        rep = self._random.choice(await list_reps(self._services, self._driver.sample.tenant))
        rep.skills[:] = [self._random.choice(("a", "b", "c"))]
        await self._services.assignment.UpdateRep(assignment_service_pb2.UpdateRepRequest(rep=rep))

    async def _pool(self) -> None:
        ident = f"passing-{self._random.randrange(3)}"
        name = f"{self._driver.parent}/pools/{ident}"
        try:
            await self._services.pool.DeletePool(pool_service_pb2.DeletePoolRequest(name=name))
        except PeerRefused:
            await self._services.pool.CreatePool(
                pool_service_pb2.CreatePoolRequest(
                    parent=self._driver.parent,
                    pool_id=ident,
                    pool=pool_pb2.Pool(
                        display_name=ident,
                        claim_limits=pool_pb2.ClaimLimits(cool_down_days=3),
                    ),
                )
            )


@asynccontextmanager
async def trading(driver: Driver, seed: int) -> AsyncIterator[Trade]:
    trade = Trade(driver, seed)
    traders = [asyncio.create_task(trade.go_on()) for _ in range(4)]
    try:
        yield trade
    finally:
        for trader in traders:
            trader.cancel()
        ended = await asyncio.gather(*traders, return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError) for each in ended), ended


async def test_comparing_and_rebuilding_while_everybody_writes(
    store_settings: StoreSettings, sample: Sample
) -> None:
    async with trio(store_settings) as running, UpkeepServices(running.addresses) as services:
        driver = await running.open(sample)
        await driver.services.clock.SetClock(clock_pb2.SetClockRequest(frozen=False))
        doctor = Doctor(services)
        partition = await partition_of(services)
        async with trading(driver, seed=5) as trade:
            found = await doctor.examine()
            assert (differing(found), found.away) == (set(), {})
            assert [one for audit in found.audits for one in audit.findings] == []
            before = trade.done
            for service, source in PROJECTIONS:
                request = pb.RebuildProjectionRequest(source=source, partition=partition)
                told = [
                    each.rebuilding
                    async for each in services.by_name[service].RebuildProjection(request)
                ]
                assert told[-1] is False
            during = trade.done
            found = await doctor.examine()
            assert (differing(found), found.away) == (set(), {})
        assert before > 20
        assert during > before + 20
        found = await doctor.examine()
        assert (differing(found), found.away) == (set(), {})
        assert [one for audit in found.audits for one in audit.findings] == []


async def partition_of(services: UpkeepServices) -> int:
    """The one in which something has happened: there is one tenant."""
    condition = await services.by_name["archive"].GetCondition(pb.GetConditionRequest())
    (index,) = [each.partition for each in condition.partitions if each.head.position]
    return index


async def test_nothing_differs_after_days_and_another_policy(
    store_settings: StoreSettings, sample: Sample
) -> None:
    async with trio(store_settings) as running, UpkeepServices(running.addresses) as services:
        driver = await running.open(sample)
        await driver.advance(await driver.now() + 8 * DAY)
        doctor = Doctor(services)
        found = await doctor.examine()
        assert (differing(found), found.away) == (set(), {})
        document = sample.policy_yaml + "\n# another one\n"
        await driver.services.policies.ApplyPolicy(
            policy_service_pb2.ApplyPolicyRequest(parent=driver.parent, document=document)
        )
        await driver.quiet()
        found = await doctor.examine()
        assert (differing(found), found.away) == (set(), {})
        assert [one for audit in found.audits for one in audit.findings] == []
