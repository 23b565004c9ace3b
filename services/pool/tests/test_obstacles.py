"""Everything that stands in the way of a claim: each alone, all together, and when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2

from gonghai.assignment.v1 import rep_pb2
from gonghai.pool.v1 import pool_pb2
from gonghai.pool.v1 import pool_service_pb2 as pb
from gonghai_chassis.statuses import rfc3339
from gonghai_chassis.testing.refusals import Refused, refused
from gonghai_engine import Policy
from gonghai_pool.consistency import audit

from .moody import Moody
from .sea import (
    HOUR,
    MINUTE,
    PARENT,
    START,
    at,
    customer_name,
    pool_name,
    rep_name,
    sea,
)
from .sea_plugin import sea_engine

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings


def violations(error: Refused) -> list[tuple[str, str]]:
    """Type and, where it is told, the end of each violation."""
    (failure,) = error.details(error_details_pb2.PreconditionFailure)
    return [
        (
            one.type,
            one.description.rpartition("(until ")[2].rstrip(")")
            if "(until " in one.description
            else "",
        )
        for one in failure.violations
    ]


def quotas(error: Refused) -> list[str]:
    """Subjects of the limits."""
    return [
        one.subject
        for failure in error.details(error_details_pb2.QuotaFailure)
        for one in failure.violations
    ]


def retry_after(error: Refused) -> int | None:
    """Microseconds after which to try again, if it is told."""
    found = error.details(error_details_pb2.RetryInfo)
    return found[0].retry_delay.ToMicroseconds() if found else None


async def test_peer_06_only_members_claim_and_only_what_is_in_a_pool(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed("wang")
        await world.team("service")
        await world.rep("qian", team=f"{PARENT}/teams/service")
        await world.customer("c1")

        stranger = await refused(world.claim("c1", "qian"))
        assert stranger.reason == "NOT_POOL_MEMBER"
        assert stranger.metadata["pool"] == pool_name("east")
        assert violations(stranger) == [("NOT_POOL_MEMBER", "")]

        await world.claim("c1", "wang")
        held = await refused(world.claim("c1", "qian"))
        assert held.reason == "CUSTOMER_NOT_IN_POOL"

        missing = await refused(world.claim("nobody", "wang"))
        assert missing.code is grpc.StatusCode.NOT_FOUND


async def test_a_pool_without_members_is_open_to_nobody(store_settings: StoreSettings) -> None:
    """An empty list means nobody, never everybody (peer 08)."""
    async with sea(store_settings) as world:
        await world.staffed("wang")
        await world.pool("west", members=[])
        await world.customer("c1", admission_pool=pool_name("west"))

        assert (await refused(world.claim("c1", "wang"))).reason == "NOT_POOL_MEMBER"


async def test_the_pool_that_he_saw_it_in_must_be_the_one(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed("wang")
        await world.pool("west")
        await world.customer("c1")

        error = await refused(world.claim("c1", pool=pool_name("west")))
        assert (error.code, error.reason) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "CUSTOMER_NOT_IN_POOL",
        )
        assert (await world.claim("c1", pool=pool_name("east"))).version == 2


async def test_a_stale_etag_is_aborted(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed("wang")
        before = await world.customer("c1")
        await world.claim("c1")
        await world.release("c1")

        error = await refused(world.claim("c1", etag=before.etag))
        assert (error.code, error.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")


async def test_who_has_left_claims_nothing(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed("wang")
        await world.customer("c1")
        await world.rep("wang", team=f"{PARENT}/teams/sales", state=rep_pb2.REP_STATE_LEFT)

        assert (await refused(world.claim("c1"))).reason == "REP_NOT_ACTIVE"


async def test_a_paused_rep_claims_but_is_given_nothing(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed("wang")
        await world.customer("c1")
        await world.customer("c2")
        await world.rep("wang", team=f"{PARENT}/teams/sales", state=rep_pb2.REP_STATE_PAUSED)

        assert (await refused(world.assign("c1", "wang"))).reason == "REP_NOT_ACTIVE"
        assert (await world.claim("c2", "wang")).holder.rep == rep_name("wang")


async def test_a_former_owner_waits_until_the_end_of_the_last_day(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        await world.limits(claim_limits=pool_pb2.ClaimLimits(cool_down_days=2))
        await world.customer("c1")
        await world.claim("c1", "wang")
        released = await world.release("c1", "wang")
        assert released.former_owner == rep_name("wang")
        ends = at(2060, 3, 6)  # the midnight that ends the second day after the 3rd

        error = await refused(world.claim("c1", "wang"))
        assert error.reason == "COOL_DOWN"
        assert error.metadata["until"] == rfc3339(ends)
        assert violations(error) == [("COOL_DOWN", rfc3339(ends))]

        await world.move_to(ends - 1)
        assert (await refused(world.claim("c1", "wang"))).reason == "COOL_DOWN"
        await world.move_to(ends)
        assert (await world.claim("c1", "wang")).holder.rep == rep_name("wang")


async def test_anybody_else_need_not_wait_for_the_cool_down(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        await world.limits(claim_limits=pool_pb2.ClaimLimits(cool_down_days=2))
        await world.customer("c1")
        await world.claim("c1", "wang")
        await world.release("c1", "wang")

        assert (await world.claim("c1", "zhao")).holder.rep == rep_name("zhao")


async def test_the_longest_cool_down_and_embargo_of_tenant_pool_and_policy_count(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        await world.limits(
            claim_limits=pool_pb2.ClaimLimits(cool_down_days=2, embargo=Duration(seconds=3600))
        )
        await world.customer("c1", tags=["slow"])

        error = await refused(world.claim("c1", "wang"))
        assert violations(error) == [("EMBARGO", rfc3339(START + 48 * HOUR))]
        await world.move_to(START + 48 * HOUR)
        await world.claim("c1", "wang")
        await world.release("c1", "wang")
        ends = at(2060, 4, 5)  # thirty days after the 5th
        error = await refused(world.claim("c1", "wang"))
        assert violations(error) == [
            ("COOL_DOWN", rfc3339(ends)),
            ("EMBARGO", rfc3339(START + 96 * HOUR)),
        ]


async def test_peer_13_the_embargo_begins_on_entry_and_no_edit_restarts_it(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed("wang")
        await world.pool("west")
        await world.limits(claim_limits=pool_pb2.ClaimLimits(embargo=Duration(seconds=36000)))
        entered = await world.customer("c1")
        assert entered.embargo_time.ToMicroseconds() == START + 10 * HOUR

        await world.move_to(START + 9 * HOUR)
        await world.customer("c1", tier="A", tier_rank=90)
        moved = await world.customer("c1", admission_pool=pool_name("west"), tier="A")
        assert moved.pool == pool_name("west")
        error = await refused(world.claim("c1", "wang"))
        assert violations(error) == [("EMBARGO", rfc3339(START + 10 * HOUR))]

        await world.move_to(START + 10 * HOUR)
        await world.claim("c1", "wang")
        back = await world.release("c1", "wang", pool=pool_name("west"))
        assert back.embargo_time.ToMicroseconds() == START + 20 * HOUR
        assert back.former_owner == rep_name("wang")
        assert back.former_owner_time.ToMicroseconds() == START + 10 * HOUR


async def test_a_plugins_rules_are_named_one_by_one(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed("wang")
        await world.customer("c1", tags=["closed", "vip"])

        error = await refused(world.claim("c1", "wang"))

        assert error.reason == "CLAIM_RULE"
        assert error.metadata["rule"] == "closed"
        assert error.metadata["plugin"] == "standard"
        assert violations(error) == [
            ("CLAIM_RULE:closed", rfc3339(at(2060, 3, 8))),
            ("CLAIM_RULE:vip", ""),
        ]


@pytest.mark.requirement("B3", "B10")
async def test_a_refusal_and_the_explanation_name_everything_that_stands_in_the_way(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed("wang", "zhao")
        await world.customer("c0")
        await world.claim("c0", "wang")
        await world.customer("c1", tags=["closed"])
        await world.assign("c1", "wang")
        await world.limits(
            holding_limit=1,
            claim_limits=pool_pb2.ClaimLimits(
                per_day=1,
                per_week=1,
                total=1,
                min_interval=Duration(seconds=600),
                cool_down_days=3,
                embargo=Duration(seconds=7200),
            ),
        )
        await world.release("c1", "wang")
        request = pb.RemovePoolMembersRequest(
            pool=pool_name("east"), members=[pool_pb2.PoolMember(team=f"{PARENT}/teams/sales")]
        )
        await world.stub.RemovePoolMembers(request)

        error = await refused(world.claim("c1", "wang"))

        assert error.code is grpc.StatusCode.FAILED_PRECONDITION
        assert error.reason == "NOT_POOL_MEMBER"
        assert violations(error) == [
            ("NOT_POOL_MEMBER", ""),
            ("COOL_DOWN", rfc3339(at(2060, 3, 7))),
            ("EMBARGO", rfc3339(START + 2 * HOUR)),
            ("CLAIM_RULE:closed", rfc3339(at(2060, 3, 8))),
        ]
        assert quotas(error) == [
            f"{rep_name('wang')}:{limit}"
            for limit in ("interval", "day", "week", "total", "holding")
        ]
        assert retry_after(error) is None

        explained = await world.stub.ExplainCustody(
            pb.ExplainCustodyRequest(customer=customer_name("c1"), rep=rep_name("wang"))
        )
        assert not explained.claimable
        assert [
            (one.reason, one.rule, one.until.ToMicroseconds() if one.HasField("until") else None)
            for one in explained.obstacles
        ] == [
            ("NOT_POOL_MEMBER", "", None),
            ("COOL_DOWN", "", at(2060, 3, 7)),
            ("EMBARGO", "", START + 2 * HOUR),
            ("CLAIM_RULE", "closed", at(2060, 3, 8)),
            ("CLAIM_LIMIT", "interval", START + 10 * MINUTE),
            ("CLAIM_LIMIT", "day", at(2060, 3, 4)),
            ("CLAIM_LIMIT", "week", at(2060, 3, 8)),
            ("CLAIM_LIMIT", "total", None),
            ("HOLDING_LIMIT", "holding", None),
        ]
        assert {condition.rule for condition in explained.claim_conditions} >= {"closed", "vip"}
        assert await audit(world.parts.store) == []


async def test_nothing_but_limits_in_the_way_is_exhausted_and_says_when_to_try_again(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed("wang")
        for customer in ("c1", "c2"):
            await world.customer(customer)
        await world.limits(claim_limits=pool_pb2.ClaimLimits(min_interval=Duration(seconds=600)))
        await world.claim("c1")

        error = await refused(world.claim("c2"))

        assert error.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert error.reason == "CLAIM_LIMIT"
        assert error.metadata["limit"] == "interval"
        assert retry_after(error) == 10 * MINUTE
        assert not error.details(error_details_pb2.PreconditionFailure)
        await world.move_to(START + 10 * MINUTE - 1)
        assert (await refused(world.claim("c2"))).reason == "CLAIM_LIMIT"
        await world.move_to(START + 10 * MINUTE)
        assert (await world.claim("c2")).version == 2


async def test_the_day_of_a_daily_limit_is_the_tenants(store_settings: StoreSettings) -> None:
    """Days are Shanghai's, whatever the server's zone (peer 16)."""
    async with sea(store_settings, now=at(2060, 3, 3, 23, 59)) as world:
        await world.staffed("wang")
        for number in range(4):
            await world.customer(f"c{number}")
        await world.limits(claim_limits=pool_pb2.ClaimLimits(per_day=2))
        await world.claim("c0")
        await world.claim("c1")

        error = await refused(world.claim("c2"))
        assert (error.code, error.metadata["limit"]) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "day")
        assert retry_after(error) == MINUTE

        # Midnight in Shanghai is four in the afternoon in UTC: the same day there.
        await world.move_to(at(2060, 3, 4))
        assert (await world.quota()).claimed_today == 0
        await world.claim("c2")
        await world.claim("c3")
        assert (await world.quota()).claimed_today == 2


async def test_a_week_begins_on_the_tenants_monday(store_settings: StoreSettings) -> None:
    async with sea(store_settings, now=at(2060, 3, 7, 23)) as world:  # a Sunday
        await world.staffed("wang")
        for number in range(2):
            await world.customer(f"c{number}")
        await world.limits(claim_limits=pool_pb2.ClaimLimits(per_week=1))
        await world.claim("c0")
        error = await refused(world.claim("c1"))
        assert (error.metadata["limit"], retry_after(error)) == ("week", HOUR)

        await world.move_to(at(2060, 3, 8))
        await world.claim("c1")
        quota = await world.quota()
        assert (quota.claimed_this_week, quota.claimed_total) == (1, 2)


async def test_peer_12_a_daily_limit_counts_claims_and_not_holdings(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed("wang")
        for number in range(3):
            await world.customer(f"c{number}")
        await world.limits(claim_limits=pool_pb2.ClaimLimits(per_day=2))
        for number in range(2):
            await world.claim(f"c{number}")
            await world.release(f"c{number}")

        assert (await refused(world.claim("c2"))).metadata["limit"] == "day"
        quota = await world.quota()
        assert (quota.holdings, quota.claimed_today) == (0, 2)


async def test_the_narrower_of_the_tenants_and_the_pools_limits_counts(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed("wang")
        await world.pool("west", claim_limits=pool_pb2.ClaimLimits(total=1))
        await world.limits(claim_limits=pool_pb2.ClaimLimits(total=2))
        await world.customer("e1")
        for customer in ("w1", "w2"):
            await world.customer(customer, admission_pool=pool_name("west"))
        await world.claim("w1")
        assert (await refused(world.claim("w2"))).metadata["limit"] == "total"
        assert (await world.claim("e1")).version == 2


async def test_trying_changes_nothing(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed("wang")
        before = await world.customer("c1")

        would_be = await world.claim("c1", validate_only=True)

        assert would_be.holder.rep == rep_name("wang")
        assert await world.custody("c1") == before
        assert (await world.quota()).claimed_total == 0


async def test_a_claim_whose_policy_fails_is_refused_with_that_reason(
    store_settings: StoreSettings,
) -> None:
    engine = sea_engine()
    moody = Moody(engine)
    async with sea(store_settings, engine=engine, decider=moody) as world:
        await world.staffed("wang")
        await world.customer("c1")
        moody.failing = {Policy.CLAIM}

        error = await refused(world.claim("c1"))

        assert (error.code, error.reason) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "POLICY_UNAVAILABLE",
        )
        assert (await world.custody("c1")).version == 1
        moody.failing = set()
        assert (await world.claim("c1")).version == 2
