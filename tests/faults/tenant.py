"""The tenant that a row of the table works on: a pool, a team, reps with a small holding limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gonghai.assignment.v1 import rep_pb2
from gonghai.policy.v1 import policy_service_pb2
from gonghai.pool.v1 import pool_pb2
from gonghai_cli.flow.repeat import repeated
from gonghai_cli.resources import put

if TYPE_CHECKING:
    from gonghai_cli.services import Services

TEAM: Final = "sales"
POOL: Final = "general"
REGION: Final = "east"
REPS: Final = 8
FOLLOW_UP: Final = "f-"
"""With what the ids of follow-ups begin."""

HOLDING_LIMIT: Final = 10
WARN_DAYS: Final = 2
DUE_DAYS: Final = 5
GRACE_DAYS: Final = 1


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whom the callers work for.

    Attributes:
        id: of the tenant.
        routed: whether assignment gives each customer that has bought to a rep as soon as it
            enters the pool.
    """

    id: str
    routed: bool = False

    @property
    def name(self) -> str:
        """`tenants/…`."""
        return f"tenants/{self.id}"

    @property
    def reps(self) -> list[str]:
        """The ids of the reps."""
        return [f"rep-{number}" for number in range(REPS)]

    @property
    def policy(self) -> str:
        """The policy document: nothing in the way of a claim but the holding limit."""
        # Of a key customer the standard plugin says that a rep is to have it at once.
        tiers = "tiers: {key_amount: 3, a_amount: 2, b_amount: 1}" if self.routed else "tiers: {}"
        return (
            "version: 1\nzone: Asia/Shanghai\ncalendar: china\ndefault:\n  plugin: standard\n"
            f"  settings: {{pool: {POOL}, claims_per_day: 100000, holding_limit: {HOLDING_LIMIT},"
            f" cool_down_days: 0, first_follow_up_days: {DUE_DAYS}, no_follow_up_days: {DUE_DAYS},"
            f" no_order_days: 0, warn_before_days: {WARN_DAYS}, grace_days: {GRACE_DAYS},"
            f" {tiers}}}\n"
        )

    async def set_up(self, services: Services) -> None:
        """Put policy, team, reps and pool in place; safe to repeat."""
        request = policy_service_pb2.ApplyPolicyRequest(
            parent=self.name, document=self.policy, request_id=f"{self.id}-policy"
        )
        await repeated(lambda: services.policies.ApplyPolicy(request))
        await put(services, self.id, "regions", REGION, rep_pb2.Region(display_name=REGION))
        await put(services, self.id, "teams", TEAM, rep_pb2.Team(display_name=TEAM))
        for rep in self.reps:
            message = rep_pb2.Rep(
                display_name=rep,
                team=f"{self.name}/teams/{TEAM}",
                regions=[REGION],
                seniority=rep_pb2.SENIORITY_SENIOR,
                capacity=HOLDING_LIMIT,
                roles=["sales"],
                state=rep_pb2.REP_STATE_ACTIVE,
            )
            await put(services, self.id, "reps", rep, message)
        pool = pool_pb2.Pool(
            display_name=POOL,
            members=[pool_pb2.PoolMember(team=f"{self.name}/teams/{TEAM}")],
            fallback=True,
        )
        await put(services, self.id, "pools", POOL, pool)
