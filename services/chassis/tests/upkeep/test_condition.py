"""How a service does: who works where, what waits, and what is set wrong in the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gonghai_chassis.dev_clock import DevClock
from gonghai_chassis.leases import Leases
from gonghai_chassis.testing.counting import Counters
from gonghai_chassis.upkeep.condition import AreaCondition

if TYPE_CHECKING:
    from gonghai_chassis.testing.plugin import OpenStore

HOUR = 3_600_000_000


async def test_it_tells_who_works_and_what_waits(open_store: OpenStore) -> None:
    store = await open_store("pool")
    clock = DevClock(store, {})
    start = (await clock.set(None, frozen=True)).now
    p = store.partition("acme")
    await Counters(store).count("acme", "a", due_at=start + HOUR, intent="i")
    await store.client(p).zadd(p.due_key("queue"), {"acme/b": 7})
    await store.client(p).hset(
        p.cursor_key("archive"),
        mapping={"incarnation": "life", "position": "4", "nonce": "n", "rebuilding": "g"},
    )
    await clock.set(start + 3 * HOUR, frozen=True)
    (lease,) = await Leases(store).acquire(1)
    area = AreaCondition(store, ("count",), ("archive",), queue_kinds=("queue",))
    found = {each.index: each for each in await area.partitions()}
    one = found[p.index]
    assert (one.due, one.oldest_due_age, one.intents) == (2, 2 * HOUR, 1)
    assert one.head.position == 1
    progress = one.followed["archive"]
    assert (progress.cursor.position, progress.rebuilding) == (4, "g")
    holders = {index: each.holder for index, each in found.items() if each.holder}
    assert holders == {lease.partition.index: lease.holder}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("maxmemory-policy", "allkeys-lru", "maxmemory-policy is allkeys-lru"),
        ("appendonly", "no", "appendonly is no"),
    ],
)
async def test_it_warns_of_settings_that_break_promises(
    open_store: OpenStore, name: str, value: str, words: str
) -> None:
    store = await open_store("pool")
    client: Any = store.client()
    before = (await client.config_get(name))[name]
    await client.config_set(name, value)
    try:
        warnings = await AreaCondition(store, (), ()).warnings()
    finally:
        await client.config_set(name, before)
    assert [warning for warning in warnings if warning.startswith(words)]


async def test_in_dev_mode_it_does_not_ask_for_persistence(open_store: OpenStore) -> None:
    assert await AreaCondition(await open_store("pool"), (), (), settled=False).warnings() == []


async def test_a_store_that_tells_nothing_of_its_settings_is_no_failure(
    open_store: OpenStore, store_server: str
) -> None:
    store = await open_store("pool")
    client: Any = store.client()
    await client.acl_setuser(
        "narrow",
        enabled=True,
        nopass=True,
        keys=["*"],
        channels=["*"],
        categories=["+@all"],
        commands=["-config"],
    )
    try:
        narrow = await open_store(
            "archive",
            store.settings.model_copy(
                update={"url": store_server.replace("://", "://narrow:x@", 1)}
            ),
        )
        (warning,) = await AreaCondition(narrow, (), ()).warnings()
    finally:
        await client.acl_deluser("narrow")
    assert warning.startswith("The store does not tell its settings")
