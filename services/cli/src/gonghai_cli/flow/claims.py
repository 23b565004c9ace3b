"""Steps of the flow: reps claim customers, and are refused where they may not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gonghai.pool.v1 import custody_pb2, pool_service_pb2
from gonghai_chassis.errors import PeerRefused, Reason
from gonghai_chassis.instants import instant_of
from gonghai_cli.account.reading import ident, list_pool_customers, list_pools, list_reps
from gonghai_cli.flow.repeat import repeated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_cli.flow.driver import Driver

DAY: Final = 86_400_000_000
LIMITS: Final = frozenset({Reason.CLAIM_LIMIT, Reason.HOLDING_LIMIT})
REFUSALS: Final = LIMITS | {
    Reason.CUSTOMER_NOT_IN_POOL,
    Reason.NOT_POOL_MEMBER,
    Reason.COOL_DOWN,
    Reason.EMBARGO,
    Reason.CLAIM_RULE,
}
"""Why a claim may be refused in the ordinary course of things."""


class NotRefused(Exception):  # noqa: N818 - named after what happened
    """A claim went through that the rules should have stopped."""


async def claim(driver: Driver, rep: str, customer: str, step: str) -> Reason | None:
    """Claim a customer for a rep (ids); returns why that was refused, None when it was not."""
    request = pool_service_pb2.ClaimCustomerRequest(
        customer=f"{driver.parent}/customers/{customer}",
        rep=f"{driver.parent}/reps/{rep}",
        request_id=driver.request_id(f"claim-{step}-{rep}-{customer}"),
    )
    try:
        await repeated(lambda: driver.services.pool.ClaimCustomer(request))
    except PeerRefused as refusal:
        if refusal.reason not in REFUSALS:
            raise
        return refusal.reason
    return None


async def claim_each(driver: Driver, rep: str, customers: Sequence[str], step: str) -> None:
    """Let a rep try his luck; another one may have been quicker, or a rule may stop him."""
    for customer in customers:
        await claim(driver, rep, customer, step)


async def claim_back(driver: Driver, count: int, step: str) -> int:
    """Let former owners try to take back what they lost last, within the pool's cool-down.

    Returns:
        How many were refused.

    Raises:
        NotRefused: one of them got it.
    """
    now = await driver.now()
    lost = [
        custody
        for pool in await list_pools(driver.services, driver.sample.tenant)
        for custody in await list_pool_customers(driver.services, pool.name)
        if custody.former_owner
        and now - instant_of(custody.former_owner_time) < pool.claim_limits.cool_down_days * DAY
    ]
    lost.sort(key=lambda custody: (-instant_of(custody.former_owner_time), custody.customer))
    for custody in lost[:count]:
        rep, customer = ident(custody.former_owner), ident(custody.customer)
        if await claim(driver, rep, customer, step) is None:
            raise NotRefused(f"{rep} took {customer} back at once")
    return min(count, len(lost))


async def claim_too_many(driver: Driver) -> str:
    """Let a rep claim until his limits stop him.

    Returns:
        The rep's id; "" when no rep has enough to choose from.
    """
    dealt = await _dealt(driver)
    for rep, customers in sorted(dealt.items(), key=lambda item: (-len(item[1]), item[0])):
        for custody in customers:
            if await claim(driver, rep, ident(custody.customer), "many") in LIMITS:
                return rep
    return ""


async def _dealt(driver: Driver) -> dict[str, list[custody_pb2.Custody]]:
    """Offer each rep the customers of his pools that nobody has held yet."""
    services, sample = driver.services, driver.sample
    teams = {rep.name: rep.team for rep in await list_reps(services, sample.tenant)}
    dealt: dict[str, list[custody_pb2.Custody]] = {ident(name): [] for name in teams}
    for pool in await list_pools(services, sample.tenant):
        admitted = {member.team for member in pool.members}
        customers = await list_pool_customers(services, pool.name)
        for rep, team in teams.items():
            if team in admitted:
                dealt[ident(rep)] += [each for each in customers if not each.former_owner]
    return dealt
