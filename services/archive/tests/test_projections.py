"""What the archive keeps of pool and assignment: in order, once, and rebuilt when it must be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gonghai.assignment.v1 import rep_pb2
from gonghai.pool.v1 import custody_pb2, events_pb2, pool_pb2
from gonghai_archive.projections.assignment import AssignmentProjection
from gonghai_archive.projections.pool import PoolProjection
from gonghai_archive.projections.resources import Resources
from gonghai_archive.store.customers import CustomerStore, Selection
from gonghai_archive.store.neighbours import Reader
from gonghai_chassis.events import Cursor, Event, SnapshotItem, Step, read_progress
from gonghai_chassis.events.rebuilds import begin_rebuild
from gonghai_chassis.store.failures import StaleStep
from gonghai_policy_service import PolicyBook

from .archive import PARENT, archive, name
from .trade_plugin import trade_engine

if TYPE_CHECKING:
    from gonghai_chassis.store import Partition, Store, StoreSettings
    from gonghai_chassis.testing.plugin import OpenStore


def custody(
    ident: str, version: int, state: str, *, owner: str = "", pool: str = ""
) -> events_pb2.CustodyChanged:
    return events_pb2.CustodyChanged(
        custody=custody_pb2.Custody(
            customer=name(ident),
            state=custody_pb2.CustodyState.Value(f"CUSTODY_STATE_{state}"),
            version=version,
            holder=custody_pb2.Holder(rep=f"{PARENT}/reps/{owner}") if owner else None,
            pool=f"{PARENT}/pools/{pool}" if pool else "",
        )
    )


class Followed:
    """The projections on a store, fed by hand."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.p: Partition = store.partition("acme")
        book = PolicyBook(store, trade_engine())
        self.customers = CustomerStore(store, book)
        self.reader = Reader(store, book)
        resources = Resources(store)
        self.pool = PoolProjection(store, self.customers, resources)
        self.assignment = AssignmentProjection(resources)

    def step(self, position: int, source: str = "pool") -> Step:
        before = Cursor("life", position - 1, f"n{position - 1}") if position > 1 else Cursor.START
        return Step(self.p, source, before, Cursor("life", position, f"n{position}"))

    async def hear(
        self, position: int, kind: str, subject: str, version: int, payload: bytes
    ) -> None:
        event = Event(position, kind, "acme", subject, version, 0, 1, payload, f"n{position}")
        source = "pool" if kind in self.pool.kinds else "assignment"
        projection = self.pool if source == "pool" else self.assignment
        assert await projection.apply(self.step(position, source), event)

    async def hear_custody(self, position: int, told: events_pb2.CustodyChanged) -> None:
        version = told.custody.version
        await self.hear(position, "custody_changed", "c1", version, told.SerializeToString())

    async def owned(self, owner: str) -> list[str]:
        return await self._listed(f"owner:{owner}")

    async def in_pool(self, pool: str) -> list[str]:
        return await self._listed(f"pool:{pool}")

    async def _listed(self, term: str) -> list[str]:
        page = await self.customers.select(
            "acme", Selection(within=(term,)), place=None, limit=10, scan=100
        )
        return page.ids

    async def state(self, ident: str) -> tuple[str, int] | None:
        reading = await self.reader.read("acme", [ident], viewer="")
        seen = reading.found[0]
        assert seen is not None
        return (seen.custody.state, seen.custody.version) if seen.custody else None


async def followed(settings: StoreSettings, open_store: OpenStore) -> Followed:
    """Projections of a store in which c1 and c2 were made, and that nobody else follows."""
    async with archive(settings) as a:
        await a.create("c1")
        await a.create("c2")
    store = await open_store("archive")
    p = store.partition("acme")
    await store.client(p).delete(p.cursor_key("pool"), p.cursor_key("assignment"))
    return Followed(store)


async def test_lists_by_owner_and_pool_follow_custody(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    f = await followed(store_settings, open_store)
    await f.hear_custody(1, custody("c1", 1, "IN_POOL", pool="sea"))
    assert (await f.in_pool("sea"), await f.owned("wang")) == (["c1"], [])
    await f.hear_custody(2, custody("c1", 2, "HELD", owner="wang", pool="sea"))
    assert (await f.in_pool("sea"), await f.owned("wang")) == ([], ["c1"])
    await f.hear_custody(3, custody("c1", 3, "OUT"))
    assert (await f.in_pool("sea"), await f.owned("wang")) == ([], [])
    progress = await read_progress(f.store, f.p, "pool")
    assert progress.cursor == Cursor("life", 3, "n3")


async def test_an_older_custody_moves_the_cursor_and_nothing_else(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    f = await followed(store_settings, open_store)
    await f.hear_custody(1, custody("c1", 5, "HELD", owner="wang"))
    await f.hear_custody(2, custody("c1", 4, "IN_POOL", pool="sea"))
    assert await f.state("c1") == ("HELD", 5)
    assert (await f.in_pool("sea"), await f.owned("wang")) == ([], ["c1"])
    with pytest.raises(StaleStep):
        await f.hear_custody(2, custody("c1", 6, "OUT"))
    assert await f.state("c1") == ("HELD", 5)


async def test_a_rebuild_believes_the_snapshot_and_drops_what_is_gone(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    f = await followed(store_settings, open_store)
    await f.hear_custody(1, custody("c1", 5, "HELD", owner="wang"))
    await f.hear(
        2,
        "custody_changed",
        "c2",
        1,
        custody("c2", 1, "HELD", owner="wang").SerializeToString(),
    )
    for position, ident in ((3, "sea"), (4, "lake")):
        pool = pool_pb2.Pool(name=f"{PARENT}/pools/{ident}", hidden_fields=["group"])
        await f.hear(position, "pool_changed", ident, 1, pool.SerializeToString())
    old = custody("c1", 3, "IN_POOL", pool="sea").SerializeToString()
    sea = pool_pb2.Pool(name=f"{PARENT}/pools/sea").SerializeToString()
    late = (await begin_rebuild(f.store, f.p, "pool")).generation
    generation = (await begin_rebuild(f.store, f.p, "pool")).generation
    await f.pool.load(f.p, generation, SnapshotItem("custody_changed", "acme", "c1", 3, old))
    await f.pool.load(f.p, generation, SnapshotItem("pool_changed", "acme", "sea", 2, sea))
    # One that began before and was overtaken neither loads nor drops anything.
    with pytest.raises(StaleStep):
        await f.pool.load(f.p, late, SnapshotItem("custody_changed", "acme", "c2", 1, old))
    with pytest.raises(StaleStep):
        await f.pool.finish_rebuild(f.p, late)
    assert await f.state("c2") is not None
    await f.pool.finish_rebuild(f.p, generation)
    await f.store.client(f.p).hdel(f.p.cursor_key("pool"), "rebuilding")
    # Pool lost versions 4 and 5 in a fail-over: what it has now is so.
    assert await f.state("c1") == ("IN_POOL", 3)
    assert await f.state("c2") is None
    assert (await f.in_pool("sea"), await f.owned("wang")) == (["c1"], [])
    await f.hear_custody(5, custody("c1", 4, "HELD", owner="li"))
    assert await f.state("c1") == ("HELD", 4)
    pools = await f.store.client(f.p).hkeys(f.p.key("pools", "acme"))
    assert [str(each) for each in pools] in ([str(b"sea")], ["sea"])


async def test_pools_reps_and_teams_come_and_go(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    f = await followed(store_settings, open_store)
    rep = rep_pb2.Rep(team=f"{PARENT}/teams/east", roles=["sales"])
    team = rep_pb2.Team(managers=[f"{PARENT}/reps/li"])
    await f.hear(1, "rep_changed", "wang", 1, rep.SerializeToString())
    await f.hear(2, "team_changed", "east", 1, team.SerializeToString())
    await f.hear(3, "rep_changed", "wang", 1, rep_pb2.Rep().SerializeToString())
    await f.hear(1, "pool_changed", "sea", 1, pool_pb2.Pool().SerializeToString())
    around = (await f.reader.read("acme", (), viewer="wang")).around
    assert around.reps["wang"].team == "east"
    assert around.teams["east"].managers == {"li"}
    assert await f.store.client(f.p).hlen(f.p.key("pools", "acme")) == 1
    await f.hear(2, "pool_deleted", "sea", 2, b"sea")
    assert await f.store.client(f.p).hlen(f.p.key("pools", "acme")) == 0
