"""Callers in a process of their own: `python -m tests.benchmarks.callers` does one task.

The task comes as JSON on standard input, the answer goes as JSON to standard output, and what is
measured lies between: connections are made and warm before it begins.
"""

from __future__ import annotations

import asyncio
import json
import sys
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

import grpc
import uvloop
from google.protobuf.empty_pb2 import Empty

from gonghai.archive.v1 import archive_service_pb2, customer_pb2
from gonghai.archive.v1.archive_service_pb2_grpc import ArchiveServiceStub
from gonghai.pool.v1 import custody_pb2, pool_service_pb2
from gonghai.pool.v1.pool_service_pb2_grpc import PoolServiceStub
from gonghai.type.v1 import fact_pb2, watch_pb2
from tests.benchmarks.bare import METHOD

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Task = dict[str, Any]
Answer = dict[str, Any]

_WARM_UP = 200


async def empties(task: Task) -> Answer:
    """Call the bare server, `callers` at a time, `calls` times in all."""
    async with grpc.aio.insecure_channel(task["address"]) as channel:
        call = _empty(channel)
        for _ in range(_WARM_UP):
            await call(Empty())
        return await _storm([lambda: call(Empty())] * task["calls"], task["callers"])


async def claims(task: Task) -> Answer:
    """Claim customers: each caller is a rep of his own.

    `customers` are shared out to the callers, or, where `all_after_all`, everybody wants each.
    """
    tenant, count = task["tenant"], task["callers"]
    async with grpc.aio.insecure_channel(task["address"]) as channel:
        stub = PoolServiceStub(channel)
        for _ in range(_WARM_UP):
            await stub.GetPool(pool_service_pb2.GetPoolRequest(name=f"{tenant}/pools/general"))

        def claim(customer: str, caller: int) -> Callable[[], Awaitable[object]]:
            request = pool_service_pb2.ClaimCustomerRequest(
                customer=f"{tenant}/customers/{customer}",
                rep=f"{tenant}/reps/r{(caller + task['shift']) % count}",
                request_id=f"{task['shift']}-{customer}-{caller}",
            )
            return lambda: stub.ClaimCustomer(request)

        if task["all_after_all"]:
            wanted = [
                claim(customer, caller) for customer in task["customers"] for caller in range(count)
            ]
        else:
            wanted = [claim(each, place % count) for place, each in enumerate(task["customers"])]
        return await _storm(wanted, count)


async def releases(task: Task) -> Answer:
    """Give customers back, so that they can be claimed again."""
    async with grpc.aio.insecure_channel(task["address"]) as channel:
        stub = PoolServiceStub(channel)

        def release(customer: str) -> Callable[[], Awaitable[object]]:
            request = pool_service_pb2.ReleaseCustomerRequest(
                customer=f"{task['tenant']}/customers/{customer}", reason="measured"
            )
            return lambda: stub.ReleaseCustomer(request)

        return await _storm([release(each) for each in task["customers"]], task["callers"])


async def creates(task: Task) -> Answer:
    """Make customers as fast as `callers` can."""
    async with grpc.aio.insecure_channel(task["address"]) as channel:
        stub = ArchiveServiceStub(channel)
        wanted = [_create(stub, task["tenant"], each, "") for each in task["customers"]]
        return await _storm(wanted, task["callers"])


async def steady_empties(task: Task) -> Answer:
    """Call the bare server at a steady rate: latencies in milliseconds."""
    async with grpc.aio.insecure_channel(task["address"]) as channel:
        call = _empty(channel)
        for _ in range(_WARM_UP):
            await call(Empty())
        latencies: list[float] = []

        async def one(_place: int) -> None:
            began = perf_counter()
            await call(Empty())
            latencies.append((perf_counter() - began) * 1000)

        await _steadily(one, task["calls"], task["rate"])
        return {"latencies_ms": latencies}


async def flow(task: Task) -> Answer:
    """Make customers at a steady rate, and watch until each is seen to be assigned.

    Latencies (ms) run from before the create to the watcher's message; the first `skip` customers
    warm everything up.
    """
    tenant, customers, skip = task["tenant"], task["customers"], task["skip"]
    began: dict[str, float] = {}
    created: dict[str, float] = {}
    seen: dict[str, float] = {}
    pooled: dict[str, float] = {}
    complete = asyncio.Event()
    async with (
        grpc.aio.insecure_channel(task["archive"]) as archive,
        grpc.aio.insecure_channel(task["pool"]) as pool,
    ):
        watching = PoolServiceStub(pool)
        request = pool_service_pb2.WatchRequest(
            scope=watch_pb2.WatchScope(tenant=tenant), kinds=["custody_changed"]
        )
        caught_up = asyncio.Event()

        async def watch() -> None:
            async for response in watching.Watch(request):
                at = perf_counter()
                for event in response.events:
                    custody = event.custody_changed.custody
                    customer = custody.customer.rpartition("/")[2]
                    if custody.state == custody_pb2.CUSTODY_STATE_HELD:
                        seen.setdefault(customer, at)
                    elif custody.state == custody_pb2.CUSTODY_STATE_IN_POOL:
                        pooled.setdefault(customer, at)
                caught_up.set()
                if len(seen) >= len(customers):
                    complete.set()

        watcher = asyncio.create_task(watch())
        await caught_up.wait()
        stub = ArchiveServiceStub(archive)

        async def one(place: int) -> None:
            customer = customers[place]
            create = _create(stub, tenant, customer, "key_account")
            began[customer] = perf_counter()
            await create()
            created[customer] = perf_counter()

        await _steadily(one, len(customers), task["rate"])
        try:
            async with asyncio.timeout(task["patience"]):
                await complete.wait()
        except TimeoutError:
            pass
        watcher.cancel()
    counted = [customer for customer in customers[skip:] if customer in seen]
    return {
        "latencies_ms": [(seen[one] - began[one]) * 1000 for one in counted],
        "created_ms": [(created[one] - began[one]) * 1000 for one in counted],
        "pooled_ms": [(pooled[one] - began[one]) * 1000 for one in counted if one in pooled],
        "missing": len(customers) - len(seen),
    }


def _empty(channel: grpc.aio.Channel) -> Callable[[Empty], Awaitable[Empty]]:
    call: Callable[[Empty], Awaitable[Empty]] = channel.unary_unary(
        METHOD, request_serializer=Empty.SerializeToString, response_deserializer=Empty.FromString
    )
    return call


def _create(
    stub: ArchiveServiceStub, tenant: str, customer: str, role: str
) -> Callable[[], Awaitable[object]]:
    made = customer_pb2.Customer(display_name=f"Bench {customer} 商贸有限公司", region="east")
    if role:
        made.industry = "fmcg"
        made.attributes["channel_role"].CopyFrom(fact_pb2.Value(string_value=role))
    request = archive_service_pb2.CreateCustomerRequest(
        parent=tenant, customer_id=customer, customer=made, request_id=f"make-{customer}"
    )
    return lambda: stub.CreateCustomer(request)


async def _storm(calls: list[Callable[[], Awaitable[object]]], callers: int) -> Answer:
    """Make all calls, each caller one after the other, and count how they end."""
    waiting = iter(calls)
    ends: dict[str, int] = {}
    latencies: list[float] = []

    async def caller() -> None:
        for call in waiting:
            at = perf_counter()
            try:
                await call()
                end = "OK"
            except grpc.aio.AioRpcError as error:
                end = error.code().name
            latencies.append((perf_counter() - at) * 1000)
            ends[end] = ends.get(end, 0) + 1

    began, used = perf_counter(), process_time()
    await asyncio.gather(*(caller() for _ in range(callers)))
    return {
        "seconds": perf_counter() - began,
        "client_cpu": process_time() - used,
        "ends": ends,
        "latencies_ms": latencies,
    }


async def _steadily(one: Callable[[int], Awaitable[None]], count: int, rate: float) -> None:
    """Begin `count` pieces of work at a steady rate a second, whether or not earlier ones ended."""
    began = perf_counter()
    tasks = []
    for place in range(count):
        ahead = began + place / rate - perf_counter()
        if ahead > 0:
            await asyncio.sleep(ahead)
        tasks.append(asyncio.ensure_future(one(place)))
    await asyncio.gather(*tasks)


_TASKS: dict[str, Callable[[Task], Awaitable[Answer]]] = {
    "empties": empties,
    "claims": claims,
    "releases": releases,
    "creates": creates,
    "steady_empties": steady_empties,
    "flow": flow,
}


async def main() -> None:
    """Do the task that stands on standard input."""
    task = json.load(sys.stdin)
    json.dump(await _TASKS[task["task"]](task), sys.stdout)


if __name__ == "__main__":
    uvloop.run(main())
