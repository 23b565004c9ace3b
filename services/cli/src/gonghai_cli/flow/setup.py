"""Steps of the flow: policy, organisation, pools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.duration_pb2 import Duration

from gonghai.assignment.v1 import rep_pb2
from gonghai.policy.v1 import policy_service_pb2
from gonghai.pool.v1 import pool_pb2
from gonghai_cli.flow.repeat import repeated
from gonghai_cli.resources import put, put_limits

if TYPE_CHECKING:
    from gonghai_cli.flow.driver import Driver
    from gonghai_cli.flow.sample import Pool, Rep

_SENIORITIES: Final = (
    (80, rep_pb2.SENIORITY_KEY_ACCOUNT),
    (55, rep_pb2.SENIORITY_SENIOR),
    (35, rep_pb2.SENIORITY_REGULAR),
    (0, rep_pb2.SENIORITY_JUNIOR),
)


async def apply_policy(driver: Driver) -> None:
    """Put the sample's policy document in force."""
    request = policy_service_pb2.ApplyPolicyRequest(
        parent=driver.parent,
        document=driver.sample.policy_yaml,
        comment="the sample's policy",
        request_id=driver.request_id("policy"),
    )
    await repeated(lambda: driver.services.policies.ApplyPolicy(request))


async def set_up_organisation(driver: Driver) -> None:
    """Make regions, teams and reps."""
    sample, services, tenant = driver.sample, driver.services, driver.sample.tenant
    total = len(sample.regions) + len(sample.teams) + len(sample.reps)
    driver.telling.begin("organisation", total)
    for region in sample.regions:
        message = rep_pb2.Region(display_name=region.name)
        if region.parent:
            message.parent_region = f"{driver.parent}/regions/{region.parent}"
        await put(services, tenant, "regions", region.id, message)
        driver.telling.advance()
    for team in sample.teams:
        await put(services, tenant, "teams", team.id, rep_pb2.Team(display_name=team.name))
        driver.telling.advance()
    for rep in sample.reps:
        await put(services, tenant, "reps", rep.id, _rep(driver, rep))
        driver.telling.advance()
    # A team names its manager, a rep his team: the teams learn of their managers afterwards.
    for team in sample.teams:
        manager = f"{driver.parent}/reps/{team.manager}"
        whole = rep_pb2.Team(display_name=team.name, managers=[manager])
        await put(services, tenant, "teams", team.id, whole)
    await driver.quiet()


async def open_pools(driver: Driver) -> None:
    """Make the pools; whoever waited for one is admitted."""
    pools = driver.sample.pools
    driver.telling.begin("pools", len(pools))
    services, tenant = driver.services, driver.sample.tenant
    limits = pool_pb2.Limits(
        holding_limit=max(pool.holding_limit for pool in pools),
        claim_limits=pool_pb2.ClaimLimits(per_day=max(pool.per_day for pool in pools)),
    )
    await put_limits(services, tenant, limits)
    for pool in pools:
        await put(services, tenant, "pools", pool.id, _pool(driver, pool))
        # Who is assigned first decides what a rep has left for others: so a pool at a time.
        await driver.quiet()
        driver.telling.advance()


def _rep(driver: Driver, rep: Rep) -> rep_pb2.Rep:
    return rep_pb2.Rep(
        display_name=rep.name,
        team=f"{driver.parent}/teams/{rep.team}",
        regions=[driver.region_path(region) for region in rep.regions],
        skills=rep.skills,
        product_lines=rep.product_lines,
        languages=rep.languages,
        seniority=next(value for points, value in _SENIORITIES if rep.seniority >= points),
        performance=rep.performance * 10,
        capacity=rep.capacity // 100,
        roles=["sales"],
        state=rep_pb2.REP_STATE_ACTIVE,
    )


def _pool(driver: Driver, pool: Pool) -> pool_pb2.Pool:
    return pool_pb2.Pool(
        display_name=pool.name,
        members=[pool_pb2.PoolMember(team=f"{driver.parent}/teams/{team}") for team in pool.teams],
        managers=[pool_pb2.PoolMember(rep=f"{driver.parent}/reps/{rep}") for rep in pool.managers],
        hidden_fields=pool.hidden_fields,
        claim_limits=pool_pb2.ClaimLimits(
            per_day=pool.per_day,
            per_week=pool.per_week,
            cool_down_days=pool.cool_down_days,
            embargo=Duration(seconds=pool.embargo_hours * 3600),
        ),
        # The last one is the general one, and takes whom no other does.
        fallback=pool is driver.sample.pools[-1],
    )
