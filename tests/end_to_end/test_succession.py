"""A sponsor leaves: its second level, its pool, its money, as users of all services see them."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from gonghai.archive.v1 import activity_pb2
from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai.pool.v1 import custody_pb2, pool_service_pb2
from gonghai_archive.consistency import RecordsAudit
from gonghai_chassis.instants import timestamp
from gonghai_cli.account.reading import ident
from gonghai_cli.demo import opening
from gonghai_cli.doctor.examination import Doctor
from gonghai_cli.doctor.findings import Verdict
from gonghai_cli.doctor.services import UpkeepServices
from gonghai_cli.flow.activities import money
from gonghai_cli.flow.sample import sample_maker
from tests.end_to_end.trio import trio

if TYPE_CHECKING:
    from gonghai.archive.v1 import customer_pb2
    from gonghai_chassis.store import StoreSettings
    from gonghai_chassis.testing.plugin import OpenStore
    from gonghai_cli.flow.driver import Driver

DISTRIBUTORS = 20
"""Of which two are of the first level, each with a pool."""

MONTH = "2031-03"

Found = dict[str, "customer_pb2.Customer"]


async def everybody(driver: Driver) -> Found:
    request = pb.ListCustomersRequest(parent=driver.parent, page_size=100)
    page = await driver.services.archive.ListCustomers(request)
    return {ident(each.name): each for each in page.customers}


def below(found: Found) -> dict[str, str]:
    """By member, its sponsor."""
    named = {each: found[each].attributes["sponsor"].string_value for each in found}
    return {each: sponsor for each, sponsor in named.items() if sponsor}


def pools_of(found: Found) -> dict[str, str]:
    return {each: ident(found[each].custody.pool) for each in found}


async def reparented(driver: Driver, sponsor: str, heir: str = "") -> pb.ReparentCustomersResponse:
    customers = f"{driver.parent}/customers"
    request = pb.ReparentCustomersRequest(
        sponsor=f"{customers}/{sponsor}", heir=f"{customers}/{heir}" if heir else ""
    )
    stream = driver.services.archive.ReparentCustomers(request)
    messages = [message async for message in stream]
    await driver.quiet()
    return messages[-1]


async def record(driver: Driver, who: str, activity: str, **what: object) -> None:
    await driver.services.archive.RecordActivity(
        pb.RecordActivityRequest(
            parent=f"{driver.parent}/customers/{who}",
            activity_id=activity,
            activity=activity_pb2.Activity(occur_time=timestamp(await driver.now()), **what),  # type: ignore[arg-type]
        )
    )


async def earned(driver: Driver, who: str) -> list[int]:
    """What a sponsor's statement says of what is bought and given back here (minor units)."""
    statement = await driver.services.archive.GetCommissionStatement(
        pb.GetCommissionStatementRequest(
            customer=f"{driver.parent}/customers/{who}", period=MONTH, page_size=1000
        )
    )
    return [
        line.amount.units * 100 + line.amount.nanos // 10_000_000
        for line in statement.lines
        if ident(line.activity) in {"order", "back"}
    ]


async def card(driver: Driver, who: str) -> pb.CustomerScorecard:
    return await driver.services.archive.GetCustomerScorecard(
        pb.GetCustomerScorecardRequest(customer=f"{driver.parent}/customers/{who}", period=MONTH)
    )


async def kept(driver: Driver, cards: list[pb.CustomerScorecard]) -> None:
    """Look that an order and its return count for the one that left, and members for the heir."""
    gone, heir = cards
    left, took = [await card(driver, ident(each.customer)) for each in cards]
    was, becomes = gone.second_level, left.second_level
    assert took.second_level == heir.second_level
    assert becomes.total == was.total
    assert becomes.order_count == was.order_count + 1
    assert becomes.return_count == was.return_count + 1
    assert (left.members, took.members) == (0, gone.members + heir.members)
    assert min(gone.members, heir.members) > 0


@pytest.mark.requirement("D3")
async def test_a_second_level_and_its_pool_and_money_when_its_sponsor_leaves(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    sample = sample_maker("two_tier_distribution")(
        seed=7,
        start=opening(datetime(2031, 3, 3)),  # noqa: DTZ001 - a day of the sample's zone
        customers=DISTRIBUTORS,
    )
    async with trio(store_settings) as services:
        driver = await services.open(sample)
        before = await everybody(driver)
        sponsors = Counter(below(before).values())
        (gone, _), (heir, _) = sponsors.most_common(2)
        members = sorted(each for each, above in below(before).items() if above == gone)
        pooled = [each for each in members if pools_of(before)[each] == f"s{gone[-2:]}-pool"]
        held, buyer = pooled[0], pooled[1]
        rep = next(each for each in sample.reps if each.team == f"s{gone[-2:]}")
        await driver.services.pool.AssignCustomer(
            pool_service_pb2.AssignCustomerRequest(
                customer=before[held].name,
                holder=custody_pb2.Holder(rep=f"{driver.parent}/reps/{rep.id}"),
                reason="knows it",
            )
        )
        cards = [await card(driver, each) for each in (gone, heir)]
        await record(
            driver, buyer, "order", purchase=activity_pb2.Purchase(amount=money(10_000_00))
        )
        await driver.quiet()
        paid = await earned(driver, gone)

        done = await reparented(driver, gone, heir)
        await record(
            driver,
            buyer,
            "back",
            purchase_return=activity_pb2.PurchaseReturn(amount=money(10_000_00), purchase="order"),
        )
        await driver.quiet()
        after = await everybody(driver)
        settled = await earned(driver, gone)
        nothing = await earned(driver, heir)
        await kept(driver, cards)

        # By rule: nobody of another city takes over, so some are left without a sponsor.
        by_rule = await reparented(driver, heir)
        last = await everybody(driver)
        async with UpkeepServices(services.addresses) as upkeep:
            health = await Doctor(upkeep).examine()

    assert (done.done, done.moved_count, done.remaining_count) == (True, len(members), 0)
    assert {below(after)[each] for each in members} == {heir}
    # In the pool of the old sponsor is nobody any more; who was in it is in the heir's.
    assert f"s{gone[-2:]}-pool" not in pools_of(after).values()
    for each in pooled:
        expected = "" if each == held else f"s{heir[-2:]}-pool"
        assert pools_of(after)[each] == expected, each
    assert after[held].custody.owner == f"{driver.parent}/reps/{rep.id}"
    for each in (gone, heir):
        assert after[each].custody.state == before[each].custody.state
        assert after[each].custody.owner == before[each].custody.owner
        count = after[each].metrics.facts["downline_members"].int_value
        assert count == (0 if each == gone else sponsors[gone] + sponsors[heir])
    # The order paid whom it was below, and so is it taken back.
    assert len(paid) == 1
    assert paid[0] > 0
    assert settled == [*paid, -paid[0]]
    assert nothing == []

    assert by_rule.moved_count == sponsors[gone] + sponsors[heir]
    assert by_rule.orphaned_count > 0
    orphans = {each for each in below(after) if each not in below(last)}
    assert len(orphans) == by_rule.orphaned_count
    for each in orphans:
        if pools_of(after)[each] == f"s{heir[-2:]}-pool":
            assert pools_of(last)[each] == "orphan-pool"
    assert last[held].custody.owner == after[held].custody.owner
    assert health.verdict is Verdict.HEALTHY, health
    archive = await open_store("archive")
    assert (await RecordsAudit(archive)(archive.partition(sample.tenant))).findings == []
