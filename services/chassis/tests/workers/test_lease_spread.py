"""How replicas share partitions: evenly, without gaps, and never two at work on one."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from gonghai_chassis.leases import Leases
from gonghai_chassis.store import Store, StoreSettings
from gonghai_chassis.store.failures import StoreUnavailable
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.links import linked
from gonghai_chassis.testing.plugin import flush
from gonghai_chassis.workers import PartitionTask, PartitionWorkers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gonghai_chassis.leases import Lease
    from gonghai_chassis.store import Partition, Reply
    from gonghai_chassis.testing.plugin import OpenStore

PARTITIONS = 64
TTL = 1.2


@dataclass
class Replica:
    """One replica, with when it began and ended to work on each partition."""

    store: Store
    working: dict[int, float] = field(default_factory=dict)
    ended: dict[int, float] = field(default_factory=dict)
    workers: PartitionWorkers = field(init=False)

    def __post_init__(self) -> None:
        """Makes the workers; they do not run yet."""
        self.workers = PartitionWorkers(self.store, self._tasks, ttl=TTL)

    def _tasks(self, lease: Lease) -> list[PartitionTask]:
        index = lease.partition.index

        async def work() -> None:
            self.working[index] = monotonic()
            try:
                await asyncio.Event().wait()
            finally:
                del self.working[index]
                self.ended[index] = monotonic()

        return [PartitionTask("work", work)]

    async def die(self) -> None:
        """Ends like a killed process: nothing is given back."""
        for keeper in (self.workers._keeper, self.workers._warden):
            assert keeper is not None
            keeper.cancel()
        await self.workers._end(list(self.workers._running))
        self.workers._leases.held.clear()


@asynccontextmanager
async def replica(settings: StoreSettings) -> AsyncIterator[Replica]:
    store = await Store.open(settings, area="pool")
    one = Replica(store)
    try:
        yield one
    finally:
        await one.workers.stop()
        await store.close()


@pytest.fixture
def many(store_settings: StoreSettings) -> StoreSettings:
    return store_settings.model_copy(update={"partitions": PARTITIONS})


def shares(*replicas: Replica) -> list[int]:
    """How many partitions each works on; each partition is worked on by one at most."""
    together = Counter(index for one in replicas for index in one.working)
    assert max(together.values(), default=1) == 1
    return sorted(len(one.working) for one in replicas)


async def test_shares_differ_by_one_at_most_whoever_comes_and_goes(many: StoreSettings) -> None:
    async with replica(many) as one, replica(many) as two, replica(many) as three:
        for each in (one, two):
            await each.workers.start()
        await eventually(lambda: shares(one, two) == [32, 32])
        # One that joins gets its share.
        await three.workers.start()
        await eventually(lambda: shares(one, two, three) == [21, 21, 22])
        # One that dies is missed for little more than the life of its leases.
        died = monotonic()
        await one.die()
        await eventually(lambda: shares(two, three) == [32, 32])
        assert monotonic() - died < TTL * 2.5


async def test_a_replica_cut_off_has_stopped_before_another_can_begin(
    many: StoreSettings,
) -> None:
    async with linked(many.url.removeprefix("redis://").removesuffix("/0")) as link:
        through = many.model_copy(update={"url": f"redis://{link.address}/0"})
        async with replica(through) as cut_off, replica(many) as other:
            await cut_off.workers.start()
            await eventually(lambda: shares(cut_off) == [PARTITIONS])
            link.freeze()
            await other.workers.start()
            await eventually(lambda: shares(other) == [PARTITIONS])
            assert not cut_off.working
            for index, began in other.working.items():
                assert cut_off.ended[index] < began
            link.mend()
            await eventually(lambda: shares(cut_off, other) == [32, 32])


async def test_while_a_part_of_a_cluster_is_down_the_rest_is_kept_and_taken_over(
    store_cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush(store_cluster)
    settings = StoreSettings(url=store_cluster, partitions=PARTITIONS)
    async with replica(settings) as one, replica(settings) as two, replica(settings) as three:
        connection = one.store.connection
        lost = connection.trips(one.store.partitions[0])
        healthy = {p.index for p in one.store.partitions if connection.trips(p) is not lost}
        for each in (one, two, three):
            await each.workers.start()
        await eventually(lambda: shares(one, two, three) == [21, 21, 22])
        turns = Counter[int]()
        for each in (one, two, three):
            monkeypatch.setattr(each.store, "run", without(each.store, healthy, turns))
        await three.die()
        await eventually(lambda: one.working.keys() | two.working.keys() == healthy)

        async def kept() -> bool:
            """Whether nothing that answers is let go in five turns because of what does not."""
            before = [dict(each.working) for each in (one, two)]
            turns.clear()
            await eventually(lambda: len(turns) == 2 and min(turns.values()) >= 5)
            return before == [each.working for each in (one, two)]

        # A machine that stands still for a lease's life loses it, rightly; the next turns count.
        await eventually(kept)
        monkeypatch.undo()
        await eventually(lambda: shares(one, two) == [32, 32])


def without(store: Store, healthy: set[int], turns: Counter[int]) -> Any:  # noqa: ANN401
    """The store's `run`, where all other partitions give no answer; counts the turns of leases."""
    run = store.run

    async def some(
        script: Any,  # noqa: ANN401
        partition: Partition,
        *,
        deadline: float | None = None,
        **rest: Any,  # noqa: ANN401
    ) -> Reply:
        if partition.index in healthy:
            return await run(script, partition, deadline=deadline, **rest)
        if script.name.endswith("register_replica"):
            turns[id(store)] += 1
        assert deadline is not None
        with suppress(TimeoutError):
            async with asyncio.timeout(deadline - monotonic()):
                await asyncio.Event().wait()
        raise StoreUnavailable("made to fail")

    return some


async def test_a_lease_that_ran_out_while_it_was_renewed_is_given_back(
    open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await open_store("pool")
    leases = Leases(store, ttl=30)
    (lease, *_) = await leases.acquire(1)
    take = leases._take

    async def slow(one: Lease) -> int | None:
        token = await take(one)
        # The answer comes after this process has counted to the end of the lease.
        leases._until[one.partition.index] = 0
        assert leases.expired() == [one]
        return token

    monkeypatch.setattr(leases, "_take", slow)
    assert await leases.renew() == []
    assert leases.held == {}
    assert await Leases(store, ttl=30)._is_free(lease.partition)


async def test_what_is_renewed_counts_though_another_partition_does_not_answer_yet(
    open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await open_store("pool")
    leases = Leases(store, ttl=30)
    stuck, *others = await leases.acquire(len(store.partitions))
    answered, settled = [], asyncio.Event()
    run = store.run

    async def some(script: Any, partition: Partition, **rest: Any) -> Reply:  # noqa: ANN401
        if partition == stuck.partition:
            await settled.wait()
        reply = await run(script, partition, **rest)
        answered.append(partition)
        return reply

    monkeypatch.setattr(store, "run", some)
    # As if they had been taken long ago.
    for lease in leases.held.values():
        leases._until[lease.partition.index] -= 30
    renewing = asyncio.create_task(leases.renew())
    await eventually(lambda: len(answered) == len(others))
    assert leases.expired() == [stuck]
    assert sorted(leases.held) == sorted(lease.partition.index for lease in others)
    settled.set()
    assert await renewing == []
