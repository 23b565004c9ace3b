"""A plugin made from the template, installed beside the wheels, decides for who is bound to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money

from gonghai.archive.v1 import activity_pb2, archive_service_pb2, customer_pb2
from gonghai.assignment.v1 import rep_pb2
from gonghai.dev.v1 import clock_pb2
from gonghai.policy.v1 import policy_service_pb2
from gonghai.pool.v1 import custody_pb2, pool_pb2, pool_service_pb2
from gonghai_cli.resources import put
from gonghai_cli.services import Services
from tests.end_to_end.fresh_environment import fresh_environment
from tests.end_to_end.test_dev import dev, port_base

if TYPE_CHECKING:
    from pathlib import Path

PARENT = "tenants/acme"
CUSTOMER = f"{PARENT}/customers/c1"
START = datetime(2031, 3, 3, 1, tzinfo=UTC)
DOCUMENT = "version: 1\ndefault: {plugin: tea}\n"
PLAIN = "version: 1\ndefault: {plugin: standard}\n"


@pytest.mark.timeout(300)  # wheels are built, environments made: some twenty seconds of CPU
async def test_it_changes_tier_and_reclaim_of_a_tenant_without_a_change_to_the_services(
    tmp_path: Path,
) -> None:
    environment = await fresh_environment(tmp_path)
    project = tmp_path / "gonghai-tea"
    await environment.run("gonghai", "plugin", "new", "tea", project)
    await environment.install(project)
    checked = await environment.run("gonghai", "plugin", "check", cwd=project)
    assert "tea 0.1.0" in checked
    assert "warned" not in checked
    settings = project / "src/gonghai_tea/settings.py"
    written = settings.read_text("utf-8")
    edited = written.replace("30_000_000", "8_000_000").replace("60, ge=0", "7, ge=0")
    assert edited.count("8_000_000") + edited.count("7, ge=0") == 2
    settings.write_text(edited, "utf-8")
    await environment.install(project, again=True)
    assert "tea" in await environment.run("gonghai", "plugin", "list")
    base = port_base()
    async with dev(tmp_path / "data", base, environment.command("gonghai")) as served:
        await served.until_it_serves()
        async with Services(served.addresses) as services:
            await set_up(services)
            before, held = await bound_to(services, PLAIN)
            assert (before.tier.tier, before.tier.decision.plugin) == ("b", "standard")
            assert "first-follow-up" in {clock.clock for clock in held.clocks}
            after, held = await bound_to(services, DOCUMENT)
            assert (after.tier.tier, after.tier.decision.plugin) == ("key", "tea")
            assert after.tier.decision.reason == "90,000.00 in a year"
            assert {clock.clock: clock.length for clock in held.clocks} == {
                "no-order": "7 calendar days"
            }
            await advance(services, START + timedelta(days=7))
            assert (await custody(services)).state == custody_pb2.CUSTODY_STATE_HELD
            await advance(services, START + timedelta(days=10))
            taken = await custody(services)
            assert taken.state == custody_pb2.CUSTODY_STATE_IN_POOL
            assert taken.former_owner == f"{PARENT}/reps/luna"
            assert "no order for too long" in taken.reason


async def set_up(services: Services) -> None:
    """Make a rep who holds a customer, who bought for 90,000."""
    await services.clock.SetClock(clock_pb2.SetClockRequest(now=_at(START), frozen=True))
    await put(services, "acme", "regions", "east", rep_pb2.Region(display_name="East"))
    await put(services, "acme", "teams", "lunar", rep_pb2.Team(display_name="Lunar"))
    team = f"{PARENT}/teams/lunar"
    rep = rep_pb2.Rep(
        display_name="Luna",
        team=team,
        regions=["east"],
        capacity=50,
        roles=["sales"],
        state=rep_pb2.REP_STATE_ACTIVE,
    )
    await put(services, "acme", "reps", "luna", rep)
    pool = pool_pb2.Pool(
        display_name="All", members=[pool_pb2.PoolMember(team=team)], fallback=True
    )
    await put(services, "acme", "pools", "all", pool)
    await quiet(services)
    await services.archive.CreateCustomer(
        archive_service_pb2.CreateCustomerRequest(
            parent=PARENT,
            customer_id="c1",
            customer=customer_pb2.Customer(display_name="Old Town Stores", region="east"),
            owner=f"{PARENT}/reps/luna",
        )
    )
    await services.archive.RecordPurchase(
        archive_service_pb2.RecordPurchaseRequest(
            parent=CUSTOMER,
            purchase=activity_pb2.Purchase(amount=Money(currency_code="CNY", units=90_000)),
        )
    )


async def bound_to(
    services: Services, document: str
) -> tuple[customer_pb2.Customer, custody_pb2.Custody]:
    """Put a document in force; return the customer and its custody once all know of it."""
    await services.policies.ApplyPolicy(
        policy_service_pb2.ApplyPolicyRequest(parent=PARENT, document=document)
    )
    await quiet(services)
    customer = await services.archive.GetCustomer(
        archive_service_pb2.GetCustomerRequest(name=CUSTOMER)
    )
    return customer, await custody(services)


async def custody(services: Services) -> custody_pb2.Custody:
    """Return the customer's custody."""
    name = f"{CUSTOMER}/custody"
    return await services.pool.GetCustody(pool_service_pb2.GetCustodyRequest(name=name))


async def quiet(services: Services) -> None:
    """Wait until nothing is left to do."""
    await services.clock.AwaitQuiet(clock_pb2.AwaitQuietRequest(), timeout=60.0)


async def advance(services: Services, until: datetime) -> None:
    """Let the days pass."""
    async for _ in services.clock.AdvanceClock(clock_pb2.AdvanceClockRequest(until=_at(until))):
        pass
    await quiet(services)


def _at(moment: datetime) -> Timestamp:
    return Timestamp(seconds=int(moment.timestamp()))
