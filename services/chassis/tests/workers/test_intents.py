"""Intents around a change of the lease, when two replicas may carry out the same one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gonghai_chassis.events import Tail
from gonghai_chassis.intents import Intent, IntentWorker
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.counting import Counters

if TYPE_CHECKING:
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
    # The number of one that is done is not used again, so that a late settling takes no other away.
    await Counters(stores[0]).count("acme", "a", intent="i2")
    await eventually(lambda: "i2" in effects)
    await eventually(nothing_left)
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    for tail in tails:
        await tail.close()
