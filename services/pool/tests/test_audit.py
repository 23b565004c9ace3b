"""The audit of pool's records: each thing that can disagree is broken, and told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

from gonghai_pool import consistency
from gonghai_pool.consistency import RecordsAudit
from gonghai_pool.store import keys

from .hands import hands
from .sea import PARENT, TENANT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_chassis.store import Partition, StoreSettings


def index(p: Partition, name: str) -> str:
    return keys.index(p, TENANT)[name]


Break = Callable[[Any, Any], Awaitable[object]]

BREAKS: dict[str, tuple[Break, str]] = {
    "a pool that lacks a customer": (
        lambda c, p: c.zrem(f"{index(p, 'in_pool')}:east:time", "c2"),
        "acme: pool east, by time: c2 is at None",
    ),
    "a pool that has somebody's customer": (
        lambda c, p: c.zadd(f"{index(p, 'in_pool')}:east:rank", {"c1": 5}),
        "acme: pool east, by rank: c1 is at 5, and None by its record",
    ),
    "a pool that offers a customer unawares": (
        lambda c, p: c.zrem(f"{index(p, 'in_pool')}:east:offered", "c3"),
        "acme: pool east, offered out of it: c3 is at None",
    ),
    "a pool to which somebody goes unawares": (
        lambda c, p: c.delete(f"{index(p, 'in_pool')}:west:coming"),
        "acme: pool west, to go on to it: c2 is at None",
    ),
    "a holding that is not listed": (
        lambda c, p: c.zrem(f"{index(p, 'holdings')}:rep:wang", "c1"),
        "acme: holdings of rep:wang: c1 is at None",
    ),
    "a quota that counts too much": (
        lambda c, p: c.hincrby(f"{index(p, 'quotas')}:rep:wang", "holdings", 3),
        "acme: holdings of rep:wang is 4 in the quota, and 1 by the records",
    ),
    "a record that is gone": (
        lambda c, p: c.delete(keys.custody(p, TENANT, "c1")),
        "acme/c1: listed, and has no record",
    ),
    "a history with a gap": (
        lambda c, p: c.rpop(keys.history(p, TENANT, "c1")),
        "acme/c1: version 2, and the history has [1]",
    ),
    "a clock that nobody looks at": (
        lambda c, p: c.delete(p.due_key(keys.CLOCK)),
        "due clock: acme/c1 is at None",
    ),
    "a customer who waits though in a pool": (
        lambda c, p: c.zadd(index(p, "waiting"), {"c2": 0}),
        "acme: waiting: c2 is at 0, and None by its record",
    ),
    "a stream with a gap": (
        lambda c, p: c.hincrby(p.keys.meta, "seq", 1),
        "stream: ends at",
    ),
}


@pytest.mark.parametrize("what", BREAKS)
async def test_what_was_broken_is_told(what: str, store_settings: StoreSettings) -> None:
    async with hands(store_settings) as world:
        await world.team("sales")
        await world.rep("wang")
        await world.pool("east")
        await world.pool("west")
        await world.customer("c1")
        await world.customer("c2", admission_then=f"{PARENT}/pools/west", admission_after_days=9)
        await world.customer("c3")
        await world.claim("c1", "wang")
        await world.offer("c3", "wang")
        audit, p = RecordsAudit(world.store), world.store.partition(TENANT)
        whole = await audit(p)
        assert (list(whole.findings), whole.records) == ([], 3)
        act, words = BREAKS[what]
        client: Any = world.store.client(p)
        await act(client, p)
        found = (await audit(p)).findings
        assert [finding for finding in found if finding.startswith(words)], found


async def test_it_holds_some_customers_at_a_time_and_compares_what_all_of_them_say(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, asked = consistency._Pass._read, []

    async def noted(self: consistency._Pass, tenant: str, names: Sequence[str]) -> Any:  # noqa: ANN401
        asked.append(len(names))
        return await read(self, tenant, names)

    monkeypatch.setattr(consistency, "_AT_ONCE", 2)
    monkeypatch.setattr(consistency._Pass, "_read", noted)
    async with hands(store_settings) as world:
        await world.team("sales")
        await world.rep("wang")
        await world.pool("east")
        for number in range(5):
            await world.customer(f"c{number}")
            await world.claim(f"c{number}", "wang")
        p = world.store.partition(TENANT)
        whole = await RecordsAudit(world.store)(p)
        assert (list(whole.findings), whole.records) == ([], 5)
        assert asked == [2, 2, 1]
        client: Any = world.store.client(p)
        await client.zrem(f"{index(p, 'holdings')}:rep:wang", "c0", "c4")
        found = (await RecordsAudit(world.store)(p)).findings
        words = "acme: holdings of rep:wang: "
        assert [each.removeprefix(words)[:13] for each in found] == [
            "c0 is at None",
            "c4 is at None",
        ]
