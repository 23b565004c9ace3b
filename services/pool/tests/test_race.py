"""Many callers after the same customers: one owner each, and everything agrees afterwards."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import TYPE_CHECKING

import grpc
import pytest
from google.rpc import error_details_pb2

from gonghai.pool.v1 import pool_service_pb2 as pb
from gonghai_chassis.clients import status_in
from gonghai_pool.consistency import audit

from .sea import customer_name, rep_name, sea

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings

CALLERS = 64
CUSTOMERS = 1000
TRIES = 250


@pytest.mark.requirement("B4", "B2")
@pytest.mark.timeout(300)
async def test_peer_01_of_many_who_claim_one_customer_one_gets_it(
    store_settings: StoreSettings,
) -> None:
    """64 callers race for the same 1,000 customers.

    Each runs through a quarter of them, drawn and ordered by a seed of his own, so that 16 are
    after a customer on the average. All 64,000 tries take 100 s on two busy cores: too long here.
    """
    async with sea(store_settings) as world:
        reps = [f"rep-{number:02}" for number in range(CALLERS)]
        await world.staffed(*reps)
        customers = [f"c-{number:04}" for number in range(CUSTOMERS)]
        for customer in customers:
            world.tell_customer(customer)
        await world.quiet()
        won: dict[str, list[str]] = {customer: [] for customer in customers}
        lost: Counter[tuple[grpc.StatusCode, str]] = Counter()

        async def chase(rep: str) -> None:
            stub = world.rep_stub(rep)
            for customer in random.Random(rep).sample(customers, TRIES):
                request = pb.ClaimCustomerRequest(customer=customer_name(customer))
                try:
                    custody = await stub.ClaimCustomer(request)
                except grpc.aio.AioRpcError as error:
                    lost[error.code(), _reason(error)] += 1
                else:
                    assert custody.holder.rep == rep_name(rep)
                    won[customer].append(rep)

        await asyncio.gather(*(chase(rep) for rep in reps))

        assert [len(winners) for winners in won.values()] == [1] * CUSTOMERS
        assert lost.keys() == {(grpc.StatusCode.FAILED_PRECONDITION, "CUSTOMER_NOT_IN_POOL")}
        assert sum(lost.values()) == CALLERS * TRIES - CUSTOMERS
        for customer in customers:
            custody = await world.custody(customer)
            assert custody.holder.rep == rep_name(won[customer][0])
            assert custody.version == 2
        assert await audit(world.parts.store) == []


def _reason(error: grpc.aio.AioRpcError) -> str:
    info = error_details_pb2.ErrorInfo()
    for detail in status_in(error).details:
        if detail.Unpack(info):
            return info.reason
    return ""
