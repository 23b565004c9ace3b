"""The bounds of limits: the contract refuses what is beyond, and older records are cut to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from gonghai.pool.v1 import pool_pb2
from gonghai_chassis.testing.refusals import refused
from gonghai_engine import ClaimLimits as PolicyLimits
from gonghai_pool.pools import (
    ClaimLimits,
    HoldingLimit,
    Limits,
    Member,
    MemberKind,
    Pool,
    of_policy,
)
from gonghai_pool.store.setup_records import pack_limits, pack_pool, unpack_limits, unpack_pool

from .sea import DAY, sea

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings

HUGE = 2**31 - 1
TEN_YEARS = 3650 * DAY
WILD = ClaimLimits(HUGE, HUGE, HUGE, 1000 * TEN_YEARS, HUGE, 1000 * TEN_YEARS)
CUT = ClaimLimits(1_000_000, 1_000_000, 1_000_000, TEN_YEARS, 3650, TEN_YEARS)


@pytest.mark.requirement("B2")
async def test_the_contract_bounds_every_limit(store_settings: StoreSettings) -> None:
    long = Duration(seconds=315_360_001)
    beyond: list[dict[str, Any]] = [
        {"claim_limits": pool_pb2.ClaimLimits(cool_down_days=3651)},
        {"claim_limits": pool_pb2.ClaimLimits(embargo=long)},
        {"claim_limits": pool_pb2.ClaimLimits(min_interval=long)},
        {"claim_limits": pool_pb2.ClaimLimits(per_day=1_000_001)},
        {"claim_limits": pool_pb2.ClaimLimits(per_week=1_000_001)},
        {"claim_limits": pool_pb2.ClaimLimits(total=1_000_001)},
        {"holding_limit": 1_000_001},
        {"tier_weights_milli": {"A": 1_000_001}},
    ]
    async with sea(store_settings) as world:
        for fields in beyond:
            error = await refused(world.limits(**fields))
            assert error.code is grpc.StatusCode.INVALID_ARGUMENT, fields
        widest = pool_pb2.ClaimLimits(
            cool_down_days=3650, embargo=Duration(seconds=315_360_000), total=1_000_000
        )
        stored = await world.limits(
            claim_limits=widest, holding_limit=1_000_000, tier_weights_milli={"A": 1_000_000}
        )
        assert stored.claim_limits == widest


def test_records_from_before_the_bounds_are_cut_to_them() -> None:
    member = Member(MemberKind.REP, "wang")
    limits = Limits(1, WILD, HUGE, (HoldingLimit(member, HUGE),), {"A": HUGE, "B": 500})
    cut = Limits(1, CUT, 1_000_000, (HoldingLimit(member, 1_000_000),), {"A": 1_000_000, "B": 500})
    assert unpack_limits(pack_limits(limits)) == cut
    assert unpack_pool(pack_pool(Pool("east", 1, "East", claim_limits=WILD))).claim_limits == CUT


def test_what_a_plugin_says_is_cut_too_and_its_zero_still_lets_nobody_claim() -> None:
    wild = PolicyLimits(per_day=0, total=HUGE, cool_down_days=HUGE, embargo_hours=HUGE)
    assert of_policy(wild) == ClaimLimits(
        per_day=-1, total=1_000_000, cool_down_days=3650, embargo=TEN_YEARS
    )
