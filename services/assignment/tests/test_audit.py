"""The audit of assignment's records: each thing that can disagree is broken, and told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

from gonghai_assignment.consistency import RecordsAudit
from gonghai_assignment.customers import CustomerFacts, Outcome, Routing
from gonghai_assignment.store import keys
from gonghai_assignment.store.routing import Versions
from gonghai_chassis.events import Cursor, Step
from gonghai_chassis.store import records

from .test_store import TENANT, World, prepared

if TYPE_CHECKING:
    from gonghai_chassis.testing.plugin import OpenStore

Break = Callable[[Any, Any], Awaitable[object]]

BREAKS: dict[str, tuple[Break, str]] = {
    "a load that counts too much": (
        lambda c, p: c.hincrby(keys.loads(p, TENANT), "confirmed:a", 5),
        "acme: confirmed of rep a is 1005 in the loads, and 1000 by the records",
    ),
    "a load of nobody's": (
        lambda c, p: c.hset(keys.loads(p, TENANT), "coming:b", 2),
        "acme: coming of rep b is 2 in the loads, and 0 by the records",
    ),
    "a custody that is gone": (
        lambda c, p: c.hdel(keys.custody(p, TENANT), "c2"),
        "acme: holdings of rep a is 1 in the loads, and 0 by the records",
    ),
    "a group that counts wrongly": (
        lambda c, p: c.hset(f"{keys.groups(p, TENANT)}:g", "a", 3),
        "acme: rep a holds 3 of group g by the count, and 1 by the records",
    ),
    "one that is parked and held": (
        lambda c, p: c.zadd(keys.parked(p, TENANT), {"c2": 9}),
        "acme/c2: parked, and in no pool",
    ),
    "one that is queued and held": (
        lambda c, p: c.zadd(keys.queue(p), {f"{TENANT}/c2": 9}),
        "acme/c2: waits to be routed, and is in no pool",
    ),
    "a call that nobody makes": (
        lambda c, p: c.delete(p.keys.intents),
        "acme/c1: waits for pool's answer to call 1, which is not to be made",
    ),
    "a call that nobody waits for": (
        lambda c, p: c.zadd(
            p.keys.intents,
            {records.pack({"id": "x", "kind": "assign_customer", "payload": b"", "seq": 9}): 9},
        ),
        "intent 9: no routing waits for it",
    ),
    "a parked one that is not tried again": (
        lambda c, p: c.hset(
            keys.routing(p, TENANT),
            "c3",
            records.pack({"term": 1, "outcome": "parked", "weight": 5}),
        ),
        "acme/c3: was parked, and is not in the index",
    ),
}


async def world_of(open_store: OpenStore) -> World:
    world = await prepared(await open_store("assignment"))
    step = Step(world.partition, "archive", Cursor.START, Cursor("life", 1, "n"))
    await world.projections.take_facts(step, TENANT, "c2", CustomerFacts(version=1, group="g"))
    return world


@pytest.mark.parametrize("what", BREAKS)
async def test_what_was_broken_is_told(what: str, open_store: OpenStore) -> None:
    world = await world_of(open_store)
    audit, p = RecordsAudit(world.store), world.partition
    whole = await audit(p)
    assert (list(whole.findings), whole.records) == ([], 3)
    client: Any = world.store.client(p)
    act, words = BREAKS[what]
    await act(client, p)
    found = (await audit(p)).findings
    assert [finding for finding in found if finding.startswith(words)], found


async def test_who_was_parked_and_is_left_in_the_pool_is_not_parked_any_more(
    open_store: OpenStore,
) -> None:
    world = await world_of(open_store)

    async def decided(routing: Routing | None) -> Routing | None:
        entry = await world.routings.entry(TENANT, "c3")
        roster = await world.staff.roster(TENANT)
        assert entry.custody is not None
        versions = Versions(
            entry.custody.term, entry.facts.version, roster.version, roster.loads_version, 0, None
        )
        assert (await world.routings.route(entry, versions, routing)).status == "ok"
        assert list((await RecordsAudit(world.store)(world.partition)).findings) == []
        return (await world.routings.entry(TENANT, "c3")).routing

    parked = await decided(Routing(world.truth["c3"].term, Outcome.PARKED, reason="nobody"))
    left = await decided(None)
    assert parked is not None
    assert left is not None
    assert (parked.outcome, left.outcome) == (Outcome.PARKED, Outcome.OVERTAKEN)
    assert await world.routings.parked(TENANT, None, 10) == []
