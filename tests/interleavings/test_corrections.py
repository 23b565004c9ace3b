"""What was corrected in the archive stays so in pool, also when pool reads all of it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gonghai.archive.v1 import activity_pb2, archive_service_pb2, customer_pb2
from gonghai.upkeep.v1 import upkeep_service_pb2
from gonghai.upkeep.v1.upkeep_service_pb2_grpc import UpkeepServiceStub
from gonghai_chassis.instants import instant_of, timestamp
from gonghai_chassis.store.partitions import partition_index
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.plugin import PARTITIONS
from tests.interleavings.stage import HOUR, TENANT, Stage, at, customer_name, rep_name, stage
from tests.interleavings.test_reclaim_waits import DUE, POLICY

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings


async def record(world: Stage, activity: str, when: int, corrects: str = "") -> None:
    await world.archives.RecordActivity(
        archive_service_pb2.RecordActivityRequest(
            parent=customer_name("c1"),
            activity_id=activity,
            activity=activity_pb2.Activity(
                corrects=corrects,
                rep=rep_name("wang"),
                occur_time=timestamp(when),
                follow_up=activity_pb2.FollowUp(
                    channel=customer_pb2.CONTACT_CHANNEL_PHONE,
                    outcome=activity_pb2.FOLLOW_UP_OUTCOME_INTERESTED,
                ),
            ),
        )
    )


async def due(world: Stage) -> int:
    return instant_of((await world.custody()).due_time)


@pytest.mark.requirement("B6")
@pytest.mark.parametrize("really", [at(2060, 3, 5), at(2060, 3, 2)], ids=["since", "before"])
async def test_a_rebuild_does_not_bring_back_what_was_corrected(
    store_settings: StoreSettings, really: int
) -> None:
    async with stage(store_settings) as world:
        await world.staffed(POLICY)
        await world.held()
        await world.at(at(2060, 3, 9) + HOUR)
        await record(world, "wrong", world.now)

        async def counts() -> bool:
            return await due(world) > DUE

        await eventually(counts)
        await record(world, "right", really, "wrong")
        true = at(2060, 3, 16) if really == at(2060, 3, 5) else DUE

        async def corrected() -> bool:
            return await due(world) == true

        await eventually(corrected)
        upkeep: Any = world.pool.stub(UpkeepServiceStub, principal="service:doctor")
        partition = partition_index(TENANT, PARTITIONS)
        rebuild = upkeep_service_pb2.RebuildProjectionRequest(source="archive", partition=partition)
        async for _ in upkeep.RebuildProjection(rebuild, timeout=30):
            pass
        assert await due(world) == true
        compare = upkeep_service_pb2.CompareProjectionRequest(source="archive", partition=partition)
        async for said in upkeep.CompareProjection(compare, timeout=30):
            assert not said.HasField("difference"), said
