"""What is simulated is what is lived: sixty days under changed settings, for each plugin."""

from __future__ import annotations

from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from gonghai.archive.v1 import activity_pb2
from gonghai.pool.v1 import pool_service_pb2
from gonghai_chassis.errors import PeerRefused, Reason
from gonghai_chassis.instants import timestamp
from gonghai_cli.account.reading import ident
from gonghai_cli.services import Services
from tests.end_to_end.foresight import (
    CHANGED,
    DAY,
    DAYS,
    apply,
    compare,
    foresee,
    give_more_time,
    give_out,
    live,
    lived,
    plan_activities,
    remember,
    send_on_leave,
    set_up,
)
from tests.end_to_end.stage import disagreements, stack_on

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.end_to_end.foresight import Event, Tenant

pytestmark = pytest.mark.asyncio(loop_scope="session")

START = datetime(2031, 1, 6)  # noqa: DTZ001 - a day of the samples' zone, before a Spring Festival
WARNED, RECLAIMED, ASSIGNED, MOVED = (
    f"CUSTODY_CHANGE_{name}" for name in ("WARNED", "RECLAIMED", "ASSIGNED", "MOVED")
)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def tenants(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Tenant]]:
    """All of them live the same days, after each was simulated by itself."""
    async with (
        stack_on(tmp_path_factory.mktemp("foresight")) as stack,
        Services(stack.addresses) as services,
    ):
        found = {plugin: await set_up(services, plugin, START) for plugin in CHANGED}
        for tenant in found.values():
            await give_out(tenant)
            await send_on_leave(tenant)
            await give_more_time(tenant)
        driver = found["standard"].driver
        await driver.quiet()
        until = await driver.now() + DAYS * DAY
        for tenant in found.values():
            await plan_activities(tenant)
            await remember(tenant)
            await foresee(tenant, until)
            await compare(tenant, stack.addresses)
            assert await lived(tenant) == ([], []), "a simulation changes nothing"
        for tenant in found.values():
            await apply(tenant)
        await live(list(found.values()), until)
        assert await disagreements(stack) == []
        yield found


@pytest.mark.requirement("B11")
@pytest.mark.parametrize("plugin", CHANGED)
async def test_sixty_days_are_lived_as_they_were_simulated(
    plugin: str, tenants: dict[str, Tenant]
) -> None:
    tenant = tenants[plugin]
    events, standings = await lived(tenant)
    assert tenant.foreseen.events == events
    assert tenant.foreseen.standings == standings


@pytest.mark.requirement("B11")
@pytest.mark.parametrize("plugin", CHANGED)
async def test_a_tier_or_stage_changes_by_time_alone(
    plugin: str, tenants: dict[str, Tenant]
) -> None:
    foreseen = tenants[plugin].foreseen
    assert any(one.before[0] != one.after[0] for one in foreseen.by_time)


@pytest.mark.parametrize("plugin", CHANGED)
async def test_clocks_stand_still_in_some_of_them(plugin: str, tenants: dict[str, Tenant]) -> None:
    stops = tenants[plugin].foreseen.stops
    if plugin == "aquatic_products":
        assert any(stop.startswith("moratorium") for stop in stops)
    elif plugin == "standard":
        # It has no stop-clock of its own: its reps are on leave.
        assert stops == {"leave"}
    else:
        assert "spring-festival" in stops


@pytest.mark.parametrize("plugin", CHANGED)
async def test_an_activity_gives_more_time_to_some(plugin: str, tenants: dict[str, Tenant]) -> None:
    tenant = tenants[plugin]
    idle = tenant.without_activities
    kept = {
        customer
        for customer in {one.name.split("/")[3] for one in tenant.activities}
        if _first(tenant.foreseen.events, customer) > _first(idle.events, customer)
    }
    assert kept, "none is reclaimed later than if nobody did anything"


@pytest.mark.requirement("B8")
@pytest.mark.parametrize("plugin", CHANGED)
async def test_an_extension_that_was_granted_counts(
    plugin: str, tenants: dict[str, Tenant]
) -> None:
    assert tenants[plugin].foreseen.extended


@pytest.mark.requirement("B6")
@pytest.mark.parametrize("plugin", ["aquatic_products", "two_tier_distribution"])
async def test_activities_make_clocks_longer_in_some_of_them(
    plugin: str, tenants: dict[str, Tenant]
) -> None:
    tenant = tenants[plugin]
    assert tenant.foreseen.longer - tenant.without_activities.longer


@pytest.mark.parametrize("plugin", CHANGED)
async def test_some_are_reclaimed_and_assigned_again(
    plugin: str, tenants: dict[str, Tenant]
) -> None:
    events = tenants[plugin].foreseen.events
    again = {
        later.customer
        for earlier in events
        if earlier.change == RECLAIMED
        for later in events
        if later.change == ASSIGNED
        and (later.customer, later.holder != earlier.former_holder, later.at >= earlier.at)
        == (earlier.customer, True, True)
    }
    assert again


@pytest.mark.parametrize("plugin", CHANGED)
async def test_the_counts_are_those_of_the_list(plugin: str, tenants: dict[str, Tenant]) -> None:
    foreseen = tenants[plugin].foreseen
    summary = foreseen.summary
    assert summary is not None
    counted = {
        change: sum(event.change == change for event in foreseen.events)
        for change in (WARNED, RECLAIMED, ASSIGNED)
    }
    assert (summary.warned, summary.reclaimed, summary.assigned) == tuple(counted.values())
    assert not summary.undecided
    assert not summary.frozen
    for parts in (summary.days, summary.holders, summary.clocks):
        assert sum(part.reclaimed for part in parts) == summary.reclaimed
        assert sum(part.warned for part in parts) == summary.warned


@pytest.mark.parametrize("plugin", CHANGED)
async def test_each_service_says_what_it_would_decide_otherwise_now(
    plugin: str, tenants: dict[str, Tenant]
) -> None:
    tenant = tenants[plugin]
    for answers in tenant.differences.values():
        last = answers[-1]
        assert last.evaluated == last.total == len(tenant.driver.sample.customers)
        assert not last.undecided
        assert not last.undecided_before
    told = {
        (ident(one.customer), one.after.policy, one.before.outcome, one.after.outcome)
        for one in tenant.differences["archive"]
        if one.customer and one.after.policy in {"lifecycle", "tiering"}
    }
    foreseen = {
        (one.customer, policy, one.before[place], one.after[place])
        for one in tenant.foreseen.by_document
        for place, policy in enumerate(("tiering", "lifecycle"))
        if one.before[place] != one.after[place]
    }
    assert told == foreseen
    clocks = [one for one in tenant.differences["pool"] if one.after.policy == "reclaim"]
    assert clocks
    assert all(one.after.revision == one.before.revision + 1 for one in clocks)


def _first(events: list[Event], customer: str) -> int:
    """When a customer is reclaimed first; late for one who is not."""
    found = (one.at for one in events if (one.customer, one.change) == (customer, RECLAIMED))
    return min(found, default=2**62)


@pytest.fixture
def tenant(tenants: dict[str, Tenant]) -> Tenant:
    """One of them, at the end of its days."""
    return tenants["fmcg_distributor"]


async def test_a_question_that_cannot_be_answered_is_refused_saying_why(tenant: Tenant) -> None:
    pool = tenant.driver.services.pool
    parent, now = tenant.driver.parent, await tenant.driver.now()
    customer = tenant.driver.sample.customers[0].id
    late, unknown = (
        activity_pb2.Activity(
            name=f"{parent}/customers/{name}/activities/a1",
            occur_time=timestamp(now + days * DAY),
            interest=activity_pb2.Interest(product="p1"),
        )
        for name, days in ((customer, 40), ("nobody", 2))
    )
    for request, reason, words in (
        ({"days": 30, "until": timestamp(now + DAY)}, Reason.INVALID_FIELD, "either"),
        ({}, Reason.INVALID_FIELD, "either"),
        ({"until": timestamp(now)}, Reason.INVALID_FIELD, "ahead"),
        ({"days": 3, "document": "version: 2"}, Reason.INVALID_POLICY_DOCUMENT, "line 1"),
        ({"days": 3, "activities": [late]}, Reason.INVALID_FIELD, "span"),
        ({"days": 3, "activities": [unknown]}, Reason.RESOURCE_NOT_FOUND, "nobody"),
    ):
        asked = pool_service_pb2.SimulateReclaimsRequest(parent=parent, **request)
        with pytest.raises(PeerRefused) as refused:
            async for _ in pool.SimulateReclaims(asked):
                pass
        assert refused.value.reason is reason, request
        assert words in str(refused.value), request


async def test_who_hangs_up_leaves_nothing_behind(tenant: Tenant) -> None:
    pool = tenant.driver.services.pool
    request = pool_service_pb2.SimulateReclaimsRequest(parent=tenant.driver.parent, days=60)
    for _ in range(3):
        stream: Any = pool.SimulateReclaims(request)
        async with aclosing(stream) as answers:
            await anext(answers)
    whole = [message async for message in pool.SimulateReclaims(request)]
    assert whole[-1].HasField("summary")


async def test_fewer_changes_are_answered_than_counted_where_that_is_asked_for(
    tenant: Tenant,
) -> None:
    pool = tenant.driver.services.pool
    request = pool_service_pb2.SimulateReclaimsRequest(
        parent=tenant.driver.parent, days=60, max_changes=5
    )
    messages = [message async for message in pool.SimulateReclaims(request)]
    summary = messages[-1].summary
    assert sum(len(message.changes) for message in messages) == 5
    assert summary.shortened
    assert summary.warned + summary.reclaimed + summary.assigned > 5
    times = [(one.time.seconds, one.time.nanos) for one in messages]
    assert times == sorted(times)
    assert all(message.total for message in messages[:-1])


@pytest.mark.requirement("D3")
async def test_a_reclaimed_one_goes_to_its_sponsors_pool_and_then_to_the_public_one(
    tenants: dict[str, Tenant],
) -> None:
    """The 60 days have both, in that order, a week apart."""
    events = tenants["two_tier_distribution"].foreseen.events
    taken_back = {one.customer: one for one in events if one.change == RECLAIMED}
    gone_on = [one for one in events if one.change == MOVED and one.rule == "sponsor-first"]
    assert {one.pool for one in gone_on} == {"second-level-pool"}
    both = [
        one
        for one in gone_on
        if (before := taken_back.get(one.customer)) is not None
        and before.pool not in {"second-level-pool", "general-pool"}
        and one.at - before.at == 7 * DAY
    ]
    assert both
