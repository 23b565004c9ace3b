"""Reading everything that the account is made from, over gRPC."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from gonghai.archive.v1 import activity_pb2, archive_service_pb2, customer_pb2
from gonghai.assignment.v1 import assignment_service_pb2, rep_pb2
from gonghai.dev.v1 import clock_pb2
from gonghai.policy.v1 import policy_service_pb2
from gonghai.pool.v1 import custody_pb2, events_pb2, pool_pb2, pool_service_pb2
from gonghai.type.v1 import watch_pb2
from gonghai_chassis.instants import instant_of
from gonghai_cli.flow.repeat import repeated

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from google.type.money_pb2 import Money

    from gonghai_cli.services import Services

Item = TypeVar("Item")
Answer = TypeVar("Answer")
_PAGE: Final = 500
_TOGETHER: Final = 16
"""How many calls go side by side."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What the services said.

    Attributes:
        now: where the clock stands (µs).
        customers: by id.
        custodies: of every customer that is in a pool or held, by customer id.
        pools: as they are.
        reps: as they are.
        regions: their names, by id.
        quotas: by rep id.
        events: every change of custody, in order.
        reasons: why a custody changed, by customer id and the version that the change made.
    """

    now: int
    customers: dict[str, customer_pb2.Customer]
    custodies: dict[str, custody_pb2.Custody]
    pools: list[pool_pb2.Pool]
    reps: list[rep_pb2.Rep]
    regions: dict[str, str]
    quotas: dict[str, pool_pb2.Quota]
    events: list[events_pb2.Event]
    reasons: dict[tuple[str, int], str]

    def name(self, customer: str) -> str:
        """Return what people call a customer, given its resource name."""
        known = self.customers.get(ident(customer))
        return known.display_name if known is not None else ident(customer)


async def read(services: Services, tenant: str) -> Findings:
    """Read a tenant; each call is repeated while a service is away."""
    clock = await repeated(lambda: services.clock.GetClock(clock_pb2.GetClockRequest()))
    pools = await list_pools(services, tenant)
    reps = await list_reps(services, tenant)
    holdings = await list_holdings(services, tenant)
    pooled = [
        custody for pool in pools for custody in await list_pool_customers(services, pool.name)
    ]
    quotas = {}
    for rep in reps:
        request = pool_service_pb2.GetQuotaRequest(rep=rep.name)
        quotas[ident(rep.name)] = await repeated(lambda: services.pool.GetQuota(request))  # noqa: B023 - awaited at once
    customers = await list_customers(services, tenant)
    reasons = {}
    for customer in customers:
        for entry in await list_history(services, customer.name):
            reasons[ident(customer.name), entry.version] = entry.reason
    return Findings(
        now=instant_of(clock.now),
        customers={ident(customer.name): customer for customer in customers},
        custodies={ident(custody.customer): custody for custody in (*holdings, *pooled)},
        pools=pools,
        reps=reps,
        regions={ident(each.name): each.display_name for each in await _regions(services, tenant)},
        quotas=quotas,
        events=await repeated(lambda: _events(services, tenant)),
        reasons=reasons,
    )


def ident(name: str) -> str:
    """Return the id at the end of a resource name."""
    return name.rpartition("/")[2]


async def list_customers(services: Services, tenant: str) -> list[customer_pb2.Customer]:
    """Return all customers of a tenant."""
    return await _pages(
        services.archive.ListCustomers,
        archive_service_pb2.ListCustomersRequest(parent=f"tenants/{tenant}", page_size=_PAGE),
        lambda page: page.customers,
    )


def buying_often(category: str) -> str:
    """Return the filter of those who buy a category often."""
    quoted = category.replace("\\", "\\\\").replace('"', '\\"')
    return f'buys_often = "{quoted}"'


async def list_buyers(
    services: Services, tenant: str, category: str
) -> list[customer_pb2.Customer]:
    """Return the customers who buy a category often, the most valuable first."""
    return await _pages(
        services.archive.ListCustomers,
        archive_service_pb2.ListCustomersRequest(
            parent=f"tenants/{tenant}",
            page_size=_PAGE,
            filter=buying_often(category),
            order_by="tier desc",
        ),
        lambda page: page.customers,
    )


async def list_reps(services: Services, tenant: str) -> list[rep_pb2.Rep]:
    """Return all reps of a tenant, by id."""
    return await _pages(
        services.assignment.ListReps,
        assignment_service_pb2.ListRepsRequest(parent=f"tenants/{tenant}", page_size=_PAGE),
        lambda page: page.reps,
    )


async def list_pools(services: Services, tenant: str) -> list[pool_pb2.Pool]:
    """Return all pools of a tenant, by id."""
    return await _pages(
        services.pool.ListPools,
        pool_service_pb2.ListPoolsRequest(parent=f"tenants/{tenant}", page_size=_PAGE),
        lambda page: page.pools,
    )


async def list_holdings(services: Services, tenant: str) -> list[custody_pb2.Custody]:
    """Return all holdings of a tenant."""
    return await _pages(
        services.pool.ListHoldings,
        pool_service_pb2.ListHoldingsRequest(parent=f"tenants/{tenant}", page_size=_PAGE),
        lambda page: page.custodies,
    )


async def list_pool_customers(services: Services, pool: str) -> list[custody_pb2.Custody]:
    """Return all customers in a pool, the most valuable first."""
    return await _pages(
        services.pool.ListPoolCustomers,
        pool_service_pb2.ListPoolCustomersRequest(
            parent=pool, page_size=_PAGE, order_by="tier desc"
        ),
        lambda page: page.custodies,
    )


async def list_history(services: Services, customer: str) -> list[custody_pb2.CustodyHistoryEntry]:
    """Return what happened to a customer's custody, newest first."""
    return await _pages(
        services.pool.ListCustodyHistory,
        pool_service_pb2.ListCustodyHistoryRequest(parent=customer, page_size=_PAGE),
        lambda page: page.entries,
    )


async def list_policies(services: Services, tenant: str) -> list[policy_service_pb2.Policy]:
    """Return the policies in force for a tenant."""
    return await _pages(
        services.policies.ListPolicies,
        policy_service_pb2.ListPoliciesRequest(parent=f"tenants/{tenant}", page_size=200),
        lambda page: page.policies,
    )


async def stop_clocks(
    services: Services, policies: Sequence[policy_service_pb2.Policy]
) -> dict[str, tuple[str, str]]:
    """Return why each stop-clock of these policies stops clocks, in English and in Chinese."""
    found: dict[str, tuple[str, str]] = {}
    for policy in policies:
        if policy.policy == "reclaim":
            for rule in (await _whole(services, policy)).rules:
                table, _, stop = rule.rule.partition(".")
                if table == "stop_clocks":
                    found[stop] = (rule.reason_en, rule.reason_zh)
    return found


async def declared_attributes(
    services: Services, policies: Sequence[policy_service_pb2.Policy]
) -> list[policy_service_pb2.AttributeDeclaration]:
    """Return the attributes that the plugins behind these policies declare."""
    found: list[policy_service_pb2.AttributeDeclaration] = []
    for policy in policies:
        if policy.policy == "attributes":
            found.extend((await _whole(services, policy)).attributes)
    return found


async def _whole(
    services: Services, policy: policy_service_pb2.Policy
) -> policy_service_pb2.Policy:
    request = policy_service_pb2.GetPolicyRequest(name=policy.name)
    return await repeated(lambda: services.policies.GetPolicy(request))


async def list_collisions(services: Services, tenant: str) -> list[archive_service_pb2.Collision]:
    """Return the collisions of a tenant, by industry, rule and values."""
    return await _pages(
        services.archive.ListCollisions,
        archive_service_pb2.ListCollisionsRequest(parent=f"tenants/{tenant}", page_size=200),
        lambda page: page.collisions,
    )


async def list_activities(
    services: Services, customer: str, kind: str, since: int
) -> list[activity_pb2.Activity]:
    """Return a customer's latest activities of a kind, 500 at the most, back to ``since``."""
    request = archive_service_pb2.ListActivitiesRequest(
        parent=customer, page_size=_PAGE, filter=f'kind = "{kind}"'
    )
    page = await repeated(lambda: services.archive.ListActivities(request))
    return [each for each in page.activities if instant_of(each.occur_time) >= since]


async def side_by_side(
    call: Callable[[Item], Awaitable[Answer]], items: Sequence[Item]
) -> list[Answer]:
    """Make a call for each item, several at a time; the answers are in the order of the items."""
    answers: list[Answer] = []
    for start in range(0, len(items), _TOGETHER):
        together = items[start : start + _TOGETHER]
        answers += await asyncio.gather(*(call(item) for item in together))
    return answers


def minor(money: Money) -> int:
    """Return an amount in minor units."""
    return money.units * 100 + money.nanos // 10_000_000


async def _regions(services: Services, tenant: str) -> list[rep_pb2.Region]:
    return await _pages(
        services.assignment.ListRegions,
        assignment_service_pb2.ListRegionsRequest(parent=f"tenants/{tenant}", page_size=_PAGE),
        lambda page: page.regions,
    )


async def _pages(
    call: Callable[[Any], Awaitable[Any]],
    request: Any,  # noqa: ANN401 - any List request of the contracts
    items: Callable[[Any], Sequence[Any]],
) -> list[Any]:
    found: list[Any] = []
    while True:
        page = await repeated(lambda: call(request))
        found.extend(items(page))
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


async def _events(services: Services, tenant: str) -> list[events_pb2.Event]:
    """Return every change of custody from the stream, up to where it is complete."""
    request = pool_service_pb2.WatchRequest(
        scope=watch_pb2.WatchScope(tenant=f"tenants/{tenant}"), kinds=["custody_changed"]
    )
    found: list[events_pb2.Event] = []
    async for message in services.pool.Watch(request):
        found.extend(message.events)
        # It makes no statement while more is to come.
        if instant_of(message.checkpoint.changes_through):
            break
    return found
