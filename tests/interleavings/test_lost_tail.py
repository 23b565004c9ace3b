"""A service loses the tail of its store in a fail-over and writes on: every follower notices.

The loss is made on the real store: an earlier copy of the service's own keys takes their place, as
a replica has them that became the master too early. Then the stream is written past where it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from gonghai.archive.v1 import archive_service_pb2, customer_pb2
from gonghai.assignment.v1 import assignment_service_pb2, rep_pb2
from gonghai.pool.v1 import custody_pb2, pool_service_pb2
from gonghai.type.v1 import watch_pb2
from gonghai_chassis.events import EventStream, read_progress
from gonghai_chassis.store import Partition, Store
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.refusals import refused
from tests.interleavings.stage import PARENT, TENANT, Stage, customer_name, stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gonghai_chassis.store import StoreSettings

POLICY = "version: 1\ndefault: {plugin: standard}\n"
FOLLOWERS = {
    "archive": ("pool", "assignment"),
    "pool": ("archive", "assignment"),
    "assignment": ("archive", "pool"),
}


class Area:
    """The keys of one service in the tenant's partition."""

    def __init__(self, store: Store) -> None:
        """Take the service's own store."""
        self.store = store
        self.p: Partition = store.partition(TENANT)
        self._kept: dict[bytes, bytes] = {}

    async def _keys(self) -> set[bytes]:
        pattern = f"{self.p.prefix}*"
        return {key async for key in self.store.client(self.p).scan_iter(pattern, count=1000)}

    async def keep(self) -> None:
        """Copy everything, but what belongs to leases."""
        client = self.store.client(self.p)
        for key in await self._keys():
            dumped = await client.dump(key)
            if dumped is not None:
                self._kept[key] = dumped

    async def lose(self) -> None:
        """Everything is as it was when it was copied."""
        client = self.store.client(self.p)
        lease = self.p.keys.lease.encode()
        for key in await self._keys() - self._kept.keys() - {lease}:
            await client.delete(key)
        for key, dumped in self._kept.items():
            if key != lease:
                await client.restore(key, 0, dumped, replace=True)


async def followed(store: StoreSettings, source: str) -> bool:
    """Whether all who follow a service are at the head of its stream, by its own nonces."""
    own = await Store.open(store, area=source)
    try:
        head = await EventStream(own).head(own.partition(TENANT))
    finally:
        await own.close()
    for area in FOLLOWERS[source]:
        follower = await Store.open(store, area=area)
        try:
            progress = await read_progress(follower, follower.partition(TENANT), source)
        finally:
            await follower.close()
        if progress.rebuilding or progress.cursor != head:
            return False
    return True


async def move(world: Stage, customer: str, region: str) -> None:
    """Another version of a customer, who moves to a region."""
    await world.archives.UpdateCustomer(
        archive_service_pb2.UpdateCustomerRequest(
            customer=customer_pb2.Customer(name=customer_name(customer), region=region),
            update_mask=FieldMask(paths=["region"]),
        )
    )


async def watched(responses: AsyncIterator[Any]) -> watch_pb2.Cursor:
    """The place where a watcher is once it has seen all there is."""
    cursor = watch_pb2.Cursor()
    async for response in responses:
        if response.checkpoint.HasField("changes_through"):
            cursor = response.checkpoint.cursor
            break
    return cursor


async def test_all_who_follow_the_archive_rebuild(
    store_settings: StoreSettings,
) -> None:
    async with stage(store_settings) as world:
        await world.staffed(POLICY)
        await world.held("c1")
        await move(world, "c1", "center")
        await eventually(lambda: followed(store_settings, "archive"))
        store = await Store.open(store_settings, area="archive")
        area = Area(store)
        await area.keep()
        for region in ("west", "north", "south"):
            await move(world, "c1", region)
        await world.customer("c2")
        scope = watch_pb2.WatchScope(tenant=PARENT)
        stream = world.archives.Watch(archive_service_pb2.WatchRequest(scope=scope))
        seen = await watched(stream)
        await eventually(lambda: followed(store_settings, "archive"))

        await area.lose()
        for customer in ("c3", "c4", "c5", "c6", "c7"):
            await world.archives.CreateCustomer(
                archive_service_pb2.CreateCustomerRequest(
                    parent=PARENT,
                    customer_id=customer,
                    customer=customer_pb2.Customer(display_name=customer, region="east"),
                )
            )
        assert seen.position < (await EventStream(store).head(area.p)).position
        await eventually(lambda: followed(store_settings, "archive"))
        # Whoever watches from outside is told so, at once and when he comes back.
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            async for _ in stream:
                pass
        assert ended.value.code() is grpc.StatusCode.OUT_OF_RANGE
        late = world.archives.Watch(archive_service_pb2.WatchRequest(scope=scope, cursor=seen))
        assert (await refused(anext(aiter(late)))).reason == "CURSOR_TOO_OLD"
        for customer in ("c3", "c6"):
            await world.until(customer, custody_pb2.CUSTODY_STATE_IN_POOL)
        # The custody that pool gave is its own, and stays.
        assert (await world.custody("c1")).state == custody_pb2.CUSTODY_STATE_HELD
        # The lost version comes again, with another content, and is believed.
        before = (await world.custody("c1")).archive_version
        await move(world, "c1", "east")

        async def newer() -> bool:
            return (await world.custody("c1")).archive_version > before

        await eventually(newer)
        await store.close()


async def test_all_who_follow_pool_rebuild(store_settings: StoreSettings) -> None:
    async with stage(store_settings) as world:
        await world.staffed(POLICY)
        await world.held("c1")
        await world.customer("c2")
        await eventually(lambda: followed(store_settings, "pool"))
        store = await Store.open(store_settings, area="pool")
        area = Area(store)
        await area.keep()
        # All of this is lost: c2 is claimed, c1 changes hands.
        await world.claim("c2", "zhao")
        await world.pools.ReleaseCustomer(
            pool_service_pb2.ReleaseCustomerRequest(
                customer=customer_name("c1"), reason="no interest"
            )
        )
        await world.claim("c1", "zhao")
        scope = watch_pb2.WatchScope(tenant=PARENT)
        stream = world.pools.Watch(pool_service_pb2.WatchRequest(scope=scope))
        await watched(stream)
        await eventually(lambda: followed(store_settings, "pool"))
        assert (await owner(world, "c1"), await owner(world, "c2")) == ("zhao", "zhao")

        await area.lose()
        for customer in ("c3", "c4", "c5"):
            await world.customer(customer)
        await eventually(lambda: followed(store_settings, "pool"))
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            async for _ in stream:
                pass
        assert ended.value.code() is grpc.StatusCode.OUT_OF_RANGE
        # The archive shows what pool has, although what it had heard of was newer.
        assert (await owner(world, "c1"), await owner(world, "c2")) == ("wang", "")
        # And the version that was lost comes again, with another content.
        await world.claim("c2", "wang")

        async def wangs() -> bool:
            return await owner(world, "c2") == "wang"

        await eventually(wangs)
        await eventually(lambda: followed(store_settings, "pool"))
        assert [rep.load_milli for rep in await reps(world)] == [2000, 0]
        await store.close()


async def test_all_who_follow_assignment_rebuild(store_settings: StoreSettings) -> None:
    async with stage(store_settings) as world:
        await world.staffed(POLICY)
        await world.held("c1")
        await eventually(lambda: followed(store_settings, "assignment"))
        store = await Store.open(store_settings, area="assignment")
        area = Area(store)
        await area.keep()
        await world.rep("qian")
        await world.assignments.UpdateRep(
            assignment_service_pb2.UpdateRepRequest(
                rep=rep_pb2.Rep(name=f"{PARENT}/reps/zhao", state=rep_pb2.REP_STATE_LEFT),
                update_mask=FieldMask(paths=["state"]),
            )
        )
        await eventually(lambda: followed(store_settings, "assignment"))
        await world.customer("c2")
        assert not await claimable(world, "zhao")
        assert await claimable(world, "qian")

        await area.lose()
        for rep in ("sun", "zhou", "wu"):
            await world.rep(rep)
        await eventually(lambda: followed(store_settings, "assignment"))
        # He never left.
        assert await claimable(world, "zhao")
        # And qian is made again, as somebody who may not claim.
        await world.rep("qian", state=rep_pb2.REP_STATE_LEFT)
        await eventually(lambda: followed(store_settings, "assignment"))
        assert not await claimable(world, "qian")
        await store.close()


async def owner(world: Stage, customer: str) -> str:
    """Whose a customer is as the archive has heard it."""
    got = await world.archives.GetCustomer(
        archive_service_pb2.GetCustomerRequest(name=customer_name(customer))
    )
    return str(got.custody.owner).rpartition("/")[2]


async def reps(world: Stage) -> list[rep_pb2.Rep]:
    """Wang and zhao as assignment knows them."""
    return [
        await world.assignments.GetRep(
            assignment_service_pb2.GetRepRequest(name=f"{PARENT}/reps/{rep}")
        )
        for rep in ("wang", "zhao")
    ]


async def claimable(world: Stage, rep: str) -> bool:
    """Whether pool would let a rep claim c2."""
    explained = await world.pools.ExplainCustody(
        pool_service_pb2.ExplainCustodyRequest(
            customer=customer_name("c2"), rep=f"{PARENT}/reps/{rep}"
        )
    )
    return bool(explained.claimable)
