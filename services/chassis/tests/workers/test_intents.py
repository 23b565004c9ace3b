"""Intents around a change of the lease, and after a fail-over that lost the last ones."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from gonghai_chassis import intents
from gonghai_chassis.events import Tail
from gonghai_chassis.intents import Intent, IntentWorker
from gonghai_chassis.store import records
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.counting import Counters

if TYPE_CHECKING:
    from gonghai_chassis.store import Partition, Store
    from gonghai_chassis.testing.plugin import OpenStore


async def test_two_who_carry_an_intent_out_at_once_have_one_effect_and_leave_nothing(
    open_store: OpenStore,
) -> None:
    stores = [await open_store("pool") for _ in range(2)]
    tails = [await Tail.open(store) for store in stores]
    p = stores[0].partition("acme")
    calling = 0
    asked: list[str] = []
    effects: dict[str, int] = {}
    both = asyncio.Event()

    async def carry_out(intent: Intent) -> None:
        nonlocal calling
        calling += 1
        if calling == 2:
            both.set()
        await both.wait()
        # The peer remembers the request id.
        asked.append(intent.id)
        effects.setdefault(intent.id, len(effects))

    await Counters(stores[0]).count("acme", "a", intent="i1")
    workers = [
        asyncio.create_task(IntentWorker(store, tail, p, carry_out, concurrency=4).run())
        for store, tail in zip(stores, tails, strict=True)
    ]

    async def nothing_left() -> bool:
        return bool(await stores[0].client().zcard(p.keys.intents) == 0)

    await eventually(nothing_left)
    assert asked == ["i1", "i1"]
    assert list(effects) == ["i1"]
    # The number of one that is done is used again after a fail-over only, and then by another id.
    await Counters(stores[0]).count("acme", "a", intent="i2")
    await eventually(lambda: "i2" in effects)
    await eventually(nothing_left)
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    for tail in tails:
        await tail.close()


@pytest.mark.parametrize("concurrency", [1, 8])
async def test_an_answer_to_a_call_that_was_lost_takes_no_other_away_that_has_its_number(
    open_store: OpenStore, concurrency: int
) -> None:
    store = await open_store("pool")
    p = store.partition("acme")
    tail = await Tail.open(store)
    await Counters(store).count("acme", "a")
    replicated = await copied(store, p)
    called: list[str] = []
    answer = {"lost": asyncio.Event(), "later": asyncio.Event()}

    async def carry_out(intent: Intent) -> None:
        called.append(intent.id)
        await answer[intent.id].wait()

    worker = IntentWorker(store, tail, p, carry_out, concurrency=concurrency)
    working = asyncio.create_task(worker.run())
    await Counters(store).count("acme", "a", intent="lost")
    await eventually(lambda: called == ["lost"])
    # A replica takes over that has not heard of it; a new step decides on another call.
    await put_back(store, p, replicated)
    await Counters(store).count("acme", "b", intent="later")
    assert await owed(store, p) == [(1, "later")]
    answer["lost"].set()
    await eventually(lambda: "later" in called)
    assert await owed(store, p) == [(1, "later")]
    answer["later"].set()
    await eventually(lambda: none_owed(store, p))
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await tail.close()


async def test_a_call_is_made_again_where_it_was_lost_that_it_was_answered(
    open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intents, "_REMOVED_WITHIN", 0.2)
    store = await open_store("pool")
    p = store.partition("acme")
    tail = await Tail.open(store)
    called: list[str] = []
    removed = asyncio.Event()

    async def carry_out(intent: Intent) -> bool:
        called.append(intent.id)
        # As a step of the service's own that removes it, which a fail-over loses the first time.
        return not removed.is_set()

    worker = IntentWorker(store, tail, p, carry_out, concurrency=8)
    working = asyncio.create_task(worker.run())
    await Counters(store).count("acme", "a", intent="i")
    await eventually(lambda: called == ["i"])
    removed.set()
    await eventually(lambda: called == ["i", "i"])
    await eventually(lambda: none_owed(store, p))
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await tail.close()


async def copied(store: Store, partition: Partition) -> dict[bytes, bytes]:
    """All keys of the partition, dumped."""
    client: Any = store.client(partition)
    found = {}
    for key in await client.keys(f"gh:{{{partition.tag}}}:*"):
        found[key] = await client.dump(key)
    return found


async def put_back(store: Store, partition: Partition, replicated: dict[bytes, bytes]) -> None:
    """The partition is as it was when it was copied."""
    client: Any = store.client(partition)
    async with client.pipeline() as together:
        for key in await client.keys(f"gh:{{{partition.tag}}}:*"):
            together.delete(key)
        for key, dumped in replicated.items():
            together.restore(key, 0, dumped)
        await together.execute()


async def owed(store: Store, partition: Partition) -> list[tuple[int, str]]:
    """The intents that are kept, by number and id."""
    kept: Any = await store.client(partition).zrange(partition.keys.intents, 0, -1)
    return [(one["seq"], one["id"]) for one in map(records.unpack, kept)]


async def none_owed(store: Store, partition: Partition) -> bool:
    """Whether all were answered."""
    return await owed(store, partition) == []
