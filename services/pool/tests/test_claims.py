"""Claims (领取): who may, who may not and why, exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest
from google.rpc import error_details_pb2

from gonghai.pool.v1 import custody_pb2
from gonghai.pool.v1 import pool_service_pb2 as pb
from gonghai_chassis.testing.refusals import refused

from .sea import PARENT, customer_name, rep_name, sea

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings


@pytest.mark.requirement("B3")
async def test_a_rep_claims_a_customer_out_of_his_pool(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        admitted = await world.customer("c1", tier="A", tier_rank=80)
        assert admitted.state == custody_pb2.CUSTODY_STATE_IN_POOL
        assert admitted.pool == f"{PARENT}/pools/east"

        claimed = await world.claim("c1")

        assert claimed.state == custody_pb2.CUSTODY_STATE_HELD
        assert claimed.holder.rep == rep_name("wang")
        assert claimed.customer == customer_name("c1")
        assert claimed.version == 2
        assert claimed.clocks[0].clock == "no_follow_up"
        assert claimed.consistency_token
        assert await world.custody("c1") == _without_token(claimed)
        quota = await world.quota("wang")
        assert (quota.holdings, quota.weight_milli, quota.claimed_today) == (1, 1000, 1)


async def test_somebody_elses_customer_is_refused_by_its_state(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        await world.customer("c1")
        await world.claim("c1", "wang")

        error = await refused(world.claim("c1", "zhao"))

        assert error.code is grpc.StatusCode.FAILED_PRECONDITION
        assert error.reason == "CUSTOMER_NOT_IN_POOL"
        assert error.metadata["state"] == "HELD"
        assert "owner" not in error.metadata
        (failure,) = error.details(error_details_pb2.PreconditionFailure)
        assert [violation.type for violation in failure.violations] == ["CUSTOMER_NOT_IN_POOL"]


async def test_a_batch_names_each_customer_once(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        for customer in ("c1", "c2"):
            await world.customer(customer)
        names = [customer_name(one) for one in ("c1", "c2", "c1")]
        holder = custody_pb2.Holder(rep=rep_name("wang"))
        for call, field in (
            (
                world.rep_stub("wang").BatchClaimCustomers(
                    pb.BatchClaimCustomersRequest(parent=PARENT, customers=names)
                ),
                "customers[2]",
            ),
            (
                world.stub.BatchAssignCustomers(
                    pb.BatchAssignCustomersRequest(
                        parent=PARENT,
                        requests=[
                            pb.AssignCustomerRequest(customer=name, holder=holder) for name in names
                        ],
                    )
                ),
                "requests[2].customer",
            ),
        ):
            error = await refused(call)
            assert error.code is grpc.StatusCode.INVALID_ARGUMENT
            (bad,) = error.details(error_details_pb2.BadRequest)
            assert [one.field for one in bad.field_violations] == [field]
        assert (await world.custody("c1")).state == custody_pb2.CUSTODY_STATE_IN_POOL


def _without_token(custody: custody_pb2.Custody) -> custody_pb2.Custody:
    copy = custody_pb2.Custody()
    copy.CopyFrom(custody)
    copy.consistency_token = ""
    return copy
