"""The virtual clock through its servicer, with another service asked over its `GetWork`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from gonghai.dev.v1 import clock_pb2
from gonghai_chassis.dev_clock import AreaWork
from gonghai_chassis.dev_servicer import ClockServicer, PeerWork
from gonghai_chassis.errors import Reason, WrongState
from gonghai_chassis.instants import instant_of, timestamp
from gonghai_chassis.testing.counting import DUE_KIND, Counters

if TYPE_CHECKING:
    from gonghai_chassis.testing.plugin import OpenStore

DAY = 86_400_000_000


@dataclass
class Stub:
    """A stub whose call arrives without a network."""

    servicer: ClockServicer

    async def GetWork(self, request: clock_pb2.GetWorkRequest) -> clock_pb2.GetWorkResponse:  # noqa: N802
        return await self.servicer.GetWork(request, None)


async def two(open_store: OpenStore) -> tuple[ClockServicer, AreaWork, AreaWork, Any]:
    pool = AreaWork(await open_store("pool"), (DUE_KIND,), ())
    assignment = AreaWork(await open_store("assignment"), ("route",), ("pool",))
    other = Stub(ClockServicer(assignment, {}))
    servicer = ClockServicer(pool, {"assignment": other})  # type: ignore[dict-item]
    await servicer.start()
    await other.servicer.start()
    return servicer, pool, assignment, other


async def test_work_comes_over_the_wire_as_it_was(open_store: OpenStore) -> None:
    _, pool, assignment, other = await two(open_store)
    await Counters(pool.store).count("acme", "a", due_at=5, intent="i")
    await Counters(assignment.store).count("acme", "a")
    p = assignment.store.partition("acme")
    await assignment.store.client().hset(
        p.cursor_key("pool"),
        mapping={"incarnation": "i", "position": "3", "nonce": "n", "through": "77"},
    )
    work = await assignment.work()
    assert work.consumed["pool"][p.index].changes_through == 77
    assert await PeerWork(other).work() == work
    own = await pool.work()
    assert (own.next_due, own.due, own.intents) == (5, 1, 1)
    assert await PeerWork(Stub(ClockServicer(pool, {}))).work() == own  # type: ignore[arg-type]


async def test_the_clock_is_read_set_and_advanced(open_store: OpenStore) -> None:
    servicer, pool, *_ = await two(open_store)
    frozen = await servicer.SetClock(clock_pb2.SetClockRequest(frozen=True), None)
    start = instant_of(frozen.now)
    assert frozen.frozen
    assert await servicer.GetClock(clock_pb2.GetClockRequest(), None) == frozen
    until = timestamp(start + DAY)
    request = clock_pb2.AdvanceClockRequest(until=until)
    stops = [stop async for stop in servicer.AdvanceClock(request, None)]
    assert stops == [clock_pb2.AdvanceClockResponse(now=until, due=0)]
    quiet = await servicer.AwaitQuiet(clock_pb2.AwaitQuietRequest(), None)
    assert quiet.now == until
    p = pool.store.partition("acme")
    assert (await pool.store.read(p, [p.keys.meta])).now == start + DAY


async def test_the_clock_cannot_be_turned_back(open_store: OpenStore) -> None:
    servicer, *_ = await two(open_store)
    request = clock_pb2.SetClockRequest(now=timestamp(1), frozen=True)
    with pytest.raises(WrongState) as refused:
        await servicer.SetClock(request, None)
    assert refused.value.reason == Reason.CLOCK_NOT_MOVABLE
    back = servicer.AdvanceClock(clock_pb2.AdvanceClockRequest(until=timestamp(1)), None)
    with pytest.raises(WrongState):
        await anext(back)
