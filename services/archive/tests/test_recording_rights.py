"""Who may record what with a customer, and who may correct it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest

from gonghai.archive.v1 import activity_pb2
from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai.pool.v1 import pool_pb2
from gonghai_chassis.testing.refusals import refused

from .archive import PARENT, Archive, archive, name, purchase
from .test_activities import REACHED
from .test_masking import heard, staff

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings

DENIED = grpc.StatusCode.PERMISSION_DENIED
ORDER = activity_pb2.Activity(purchase=purchase(100))
FOLLOW_UP = activity_pb2.Activity(follow_up=REACHED)


async def records(
    a: Archive,
    who: str,
    ident: str,
    activity: activity_pb2.Activity,
    made: str = "",
    *,
    rep: str = "",
    corrects: str = "",
) -> bool:
    """Whether somebody may record an activity."""
    sent = activity_pb2.Activity(rep=rep, corrects=corrects)
    sent.MergeFrom(activity)
    call = a.as_(who).RecordActivity(
        pb.RecordActivityRequest(parent=name(ident), activity_id=made, activity=sent)
    )
    try:
        await call
    except grpc.aio.AioRpcError as error:
        if error.code() is not DENIED:
            raise
        return False
    return True


@pytest.mark.requirement("A5", "A16")
async def test_reps_record_with_their_customers_and_notes_in_their_pools(
    store_settings: StoreSettings,
) -> None:
    asked = ("rep:wang@acme", "rep:zhao@acme", "rep:qian@acme", "manager:li@acme")
    async with archive(store_settings) as a:
        for ident in ("fresh", "pooled", "held"):
            await a.create(ident)
        await a.create("his", owner=f"{PARENT}/reps/wang")
        await staff(a)
        await a.beside.pool.custody("acme", "pooled", 1, "IN_POOL", pool="sea")
        await a.beside.pool.custody("acme", "held", 1, "HELD", owner="wang", helpers=["qian"])
        await heard(a, "held", 1)
        may = {
            (ident, "order" if each is ORDER else "note"): [
                who.partition(":")[2].partition("@")[0]
                for who in asked
                if await records(a, who, ident, each)
            ]
            for ident in ("fresh", "his", "pooled", "held")
            for each in (ORDER, FOLLOW_UP)
        }
        runs_the_pool = await records(a, "manager:sun@acme", "pooled", ORDER)
        back_end = await records(a, "integrator:erp@acme", "held", ORDER)
    assert may == {
        ("fresh", "order"): [],
        ("fresh", "note"): ["wang", "zhao", "qian", "li"],
        ("his", "order"): ["wang"],
        ("his", "note"): ["wang", "zhao", "qian", "li"],
        ("pooled", "order"): [],
        ("pooled", "note"): ["wang", "zhao", "li"],
        ("held", "order"): ["wang", "qian", "li"],
        ("held", "note"): ["wang", "qian", "li"],
    }
    assert runs_the_pool
    assert back_end


@pytest.mark.requirement("A5", "A16")
async def test_only_who_has_to_do_with_it_corrects_an_activity(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings) as a:
        await a.create("c1")
        await staff(a)
        await a.beside.pool.pool("acme", "lake", 1, members=[pool_pb2.PoolMember(role="sales")])
        await a.beside.pool.custody("acme", "c1", 1, "IN_POOL", pool="lake")
        await heard(a, "c1", 1)
        assert await records(a, "rep:wang@acme", "c1", FOLLOW_UP, "f1")
        assert await records(
            a, "integrator:erp@acme", "c1", FOLLOW_UP, "f2", rep=f"{PARENT}/reps/wang"
        )
        others = [
            await records(a, "rep:qian@acme", "c1", FOLLOW_UP, corrects=ident)
            for ident in ("f1", "f2")
        ]
        batch = await a.as_("rep:qian@acme").BatchRecordActivities(
            pb.BatchRecordActivitiesRequest(
                parent=PARENT,
                activities=[
                    activity_pb2.Activity(
                        name=f"{name('c1')}/activities/b1", follow_up=REACHED, corrects="f1"
                    )
                ],
            )
        )
        own = [
            await records(a, "rep:wang@acme", "c1", FOLLOW_UP, f"{ident}b", corrects=ident)
            for ident in ("f1", "f2")
        ]
        back_end = await records(a, "integrator:erp@acme", "c1", FOLLOW_UP, corrects="f1b")
        await a.beside.pool.custody("acme", "c1", 2, "HELD", owner="zhao")
        await heard(a, "c1", 2)
        holder = await records(a, "rep:zhao@acme", "c1", FOLLOW_UP, "f3", corrects="f2b")
        manager = await records(a, "manager:li@acme", "c1", FOLLOW_UP, corrects="f3")
        unknown = await refused(
            a.as_("rep:zhao@acme").RecordActivity(
                pb.RecordActivityRequest(
                    parent=name("c1"),
                    activity=activity_pb2.Activity(follow_up=REACHED, corrects="f9"),
                )
            )
        )
    assert others == [False, False]
    assert [each.status.code for each in batch.results] == [DENIED.value[0]]
    assert own == [True, True]
    assert back_end
    assert holder
    assert manager
    assert unknown.code is grpc.StatusCode.NOT_FOUND
