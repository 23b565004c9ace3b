"""Leases, the workers under them, and the sweepers of due work."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from gonghai_chassis.dev_clock import DevClock
from gonghai_chassis.events import Tail
from gonghai_chassis.leases import Lease, Leases
from gonghai_chassis.store.failures import LeaseLost
from gonghai_chassis.sweeper import Due, Sweeper
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.counting import DO_DUE, DUE_KIND, Counters
from gonghai_chassis.workers import PartitionTask, PartitionWorkers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from gonghai_chassis.store import Store
    from gonghai_chassis.testing.plugin import OpenStore

TTL = 0.9


@dataclass
class Replica:
    """One replica, and the partitions whose task is running in it."""

    store: Store
    working: set[int] = field(default_factory=set)
    started: int = 0
    fail: int = 0
    workers: PartitionWorkers = field(init=False)

    def __post_init__(self) -> None:  # noqa: D105
        self.workers = PartitionWorkers(self.store, self.make_tasks, ttl=TTL)

    def make_tasks(self, lease: Lease) -> list[PartitionTask]:
        async def work() -> None:
            self.started += 1
            if self.fail:
                self.fail -= 1
                raise RuntimeError("made to fail")
            self.working.add(lease.partition.index)
            try:
                await asyncio.Event().wait()
            finally:
                self.working.discard(lease.partition.index)

        return [PartitionTask("work", work)]

    async def die(self) -> None:
        """Ends without giving anything back."""
        keeper = self.workers._keeper
        assert keeper is not None
        keeper.cancel()
        await self.workers._end(list(self.workers._running))
        self.workers._leases.held.clear()


@pytest.fixture
async def replicas(open_store: OpenStore) -> AsyncIterator[list[Replica]]:
    made = [Replica(await open_store("pool")) for _ in range(3)]
    yield made
    for replica in made:
        await replica.workers.stop()


def spread(replicas: list[Replica]) -> list[int]:
    return sorted(len(replica.working) for replica in replicas)


async def test_one_replica_takes_all_partitions_at_once(replicas: list[Replica]) -> None:
    await replicas[0].workers.start()
    assert set(replicas[0].workers.leases) == {0, 1, 2, 3}
    await eventually(lambda: replicas[0].working == {0, 1, 2, 3})


async def test_replicas_share_evenly_and_no_partition_is_worked_on_twice(
    replicas: list[Replica],
) -> None:
    for replica in replicas:
        await replica.workers.start()

    def even() -> bool:
        together = [index for replica in replicas for index in replica.working]
        assert len(together) == len(set(together))
        return spread(replicas) in ([0, 2, 2], [1, 1, 2])

    await eventually(even)


async def test_a_dead_replicas_partitions_are_taken_over(replicas: list[Replica]) -> None:
    first, second, _ = replicas
    await first.workers.start()
    await second.workers.start()
    await eventually(lambda: spread([first, second]) == [2, 2])
    await first.die()
    await eventually(lambda: second.working == {0, 1, 2, 3}, within=TTL * 4)


async def test_a_replica_that_stops_hands_over_at_once(replicas: list[Replica]) -> None:
    first, second, _ = replicas
    await first.workers.start()
    await first.workers.stop()
    await second.workers.start()
    assert set(second.workers.leases) == {0, 1, 2, 3}
    assert first.working == set()


async def test_a_task_that_fails_is_started_again(replicas: list[Replica]) -> None:
    replica = replicas[0]
    replica.fail = 2
    await replica.workers.start()
    await eventually(lambda: replica.working == {0, 1, 2, 3})
    assert replica.started == 6


async def test_tasks_end_when_the_lease_was_taken_by_another(replicas: list[Replica]) -> None:
    replica = replicas[0]
    await replica.workers.start()
    await eventually(lambda: replica.working == {0, 1, 2, 3})
    p = replica.store.partitions[1]
    await replica.store.client().hset(
        p.keys.lease, mapping={"holder": "other", "token": "9", "until": "9" * 16}
    )
    await eventually(lambda: replica.working == {0, 2, 3})


async def test_only_one_gets_a_lease(open_store: OpenStore) -> None:
    rivals = [Leases(await open_store("pool"), ttl=5) for _ in range(3)]
    taken = await asyncio.gather(*(rival.acquire(4) for rival in rivals))
    assert sorted(lease.partition.index for some in taken for lease in some) == [0, 1, 2, 3]


async def test_a_paused_holder_is_fenced_off_after_another_took_over(
    open_store: OpenStore,
) -> None:
    store = await open_store("pool")
    p = store.partition("acme")
    await Counters(store).count("acme", "a", due_at=1)
    paused, other = Leases(store, ttl=0.01), Leases(store, ttl=30)
    (old,) = [lease for lease in await paused.acquire(4) if lease.partition == p]
    (new,) = await eventually(lambda: _acquire(other, p.index))
    assert new.token == old.token + 1
    with pytest.raises(LeaseLost):
        await do_due(store, old, "a")
    await do_due(store, new, "a")
    done = await store.client().lrange(p.key("done"), 0, -1)
    assert done == [b"a"]
    assert [lease.partition for lease in await paused.renew() if lease == old] == [p]


async def test_the_same_number_from_another_holder_is_fenced_off(open_store: OpenStore) -> None:
    store = await open_store("pool")
    p = store.partition("acme")
    await Leases(store, ttl=30).acquire(4)
    token = int(await store.client().hget(p.keys.lease, "token") or 0)
    with pytest.raises(LeaseLost):
        await do_due(store, Lease(p, "forged", token), "a")


async def test_due_work_is_done_in_order_as_the_clock_moves(open_store: OpenStore) -> None:
    store = await open_store("pool")
    tail = await Tail.open(store)
    clock = DevClock(store, {})
    start = (await clock.set(None, frozen=True)).now
    p = store.partition("acme")
    (lease,) = [one for one in await Leases(store, ttl=30).acquire(4) if one.partition == p]
    done: list[tuple[str, int]] = []

    async def handle(dues: Sequence[Due], now: int) -> None:
        for due in dues:
            done.append((due.member, now - start))
            await do_due(store, lease, due.member)

    for member, at in (("c", 30), ("a", 10), ("b", 20), ("b2", 20)):
        await Counters(store).count("acme", member, due_at=start + at)
    sweeper = Sweeper(store, tail, p, due_kind=DUE_KIND, handle=handle, limit=2)
    task = asyncio.create_task(sweeper.run())
    await clock.set(start + 10, frozen=True)
    await eventually(lambda: done == [("a", 10)])
    await clock.set(start + 40, frozen=True)
    await eventually(lambda: done == [("a", 10), ("b", 40), ("b2", 40), ("c", 40)])
    task.cancel()
    await tail.close()


async def test_work_that_must_wait_is_offered_again_and_does_not_hold_up_the_rest(
    open_store: OpenStore,
) -> None:
    store = await open_store("pool")
    tail = await Tail.open(store)
    p = store.partition("acme")
    (lease,) = [one for one in await Leases(store, ttl=30).acquire(4) if one.partition == p]
    offered: list[str] = []
    held_back = {f"m{i:02d}" for i in range(0, 20, 3)}

    async def handle(dues: Sequence[Due], _: int) -> None:
        for due in dues:
            offered.append(due.member)
            if due.member not in held_back:
                await do_due(store, lease, due.member)

    for i in range(20):
        await Counters(store).count("acme", f"m{i:02d}", due_at=1)
    sweeper = Sweeper(store, tail, p, due_kind=DUE_KIND, handle=handle, limit=3)
    task = asyncio.create_task(sweeper.run())
    await eventually(lambda: len(set(offered)) == 20)
    held_back.clear()
    sweeper.notify()
    await eventually(lambda: _none_due(store))
    done = await store.client().lrange(p.key("done"), 0, -1)
    assert len(done) == len(set(done)) == 20
    task.cancel()
    await tail.close()


async def do_due(store: Store, lease: Lease, member: str) -> None:
    p = lease.partition
    await store.run(
        DO_DUE,
        p,
        keys={**lease.keys(), "due": p.due_key(DUE_KIND), "done": p.key("done")},
        args={**lease.args(), "member": member, "again": None},
    )


async def _acquire(leases: Leases, index: int) -> list[Lease]:
    return [lease for lease in await leases.acquire(4) if lease.partition.index == index]


async def _none_due(store: Store) -> bool:
    due = store.partition("acme").due_key(DUE_KIND)
    return bool(await store.client().zcard(due) == 0)
