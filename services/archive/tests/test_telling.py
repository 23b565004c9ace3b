"""What the archive tells its peers: the stream, and the snapshot to begin from."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai.archive.v1 import customer_pb2, events_pb2
from gonghai.type.v1 import watch_pb2
from gonghai_chassis.instants import instant_of
from gonghai_chassis.testing.refusals import refused

from .archive import DAY, PARENT, START, Archive, archive, bought, name
from .test_customers import full_profile

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings

MINE = watch_pb2.WatchScope(tenant=PARENT)


async def watched(a: Archive, count: int, **what: Any) -> list[events_pb2.Event]:  # noqa: ANN401
    """The first events of a watch."""
    events: list[events_pb2.Event] = []
    call = a.stub.Watch(pb.WatchRequest(scope=MINE, **what))
    async for response in call:
        events += response.events
        if len(events) >= count:
            break
    call.cancel()
    return events


async def exported(a: Archive) -> tuple[watch_pb2.Cursor, list[events_pb2.Event]]:
    responses = [each async for each in a.stub.ExportSnapshot(pb.ExportSnapshotRequest(scope=MINE))]
    return responses[0].checkpoint.cursor, [e for each in responses for e in each.events]


async def fill(a: Archive) -> None:
    await a.apply_policy("version: 1\ndefault: {plugin: standard}\n")
    await a.stub.CreateCustomer(
        pb.CreateCustomerRequest(
            parent=PARENT,
            customer_id="c1",
            customer=full_profile(),
            owner=f"{PARENT}/reps/wang",
        )
    )
    await a.create("c2")
    await a.stub.BatchRecordActivities(
        pb.BatchRecordActivitiesRequest(
            parent=PARENT,
            activities=[
                bought("c1", "old", 100, START - 700 * DAY),
                bought("c1", "p1", 100, START - 3 * DAY),
                bought("c2", "long-ago", 100, START - 600 * DAY),
            ],
        )
    )


async def test_a_snapshot_tells_what_the_stream_told(store_settings: StoreSettings) -> None:
    async with archive(store_settings) as a:
        await fill(a)
        events = await watched(a, 8)
        cursor, items = await exported(a)
    kinds = [event.WhichOneof("kind") for event in events]
    assert kinds == [
        "policy_applied",
        "customer_changed",
        "customer_changed",
        "activity_recorded",
        "activity_recorded",
        "customer_changed",
        "activity_recorded",
        "customer_changed",
    ]
    latest = {
        e.customer_changed.customer: e.customer_changed
        for e in events
        if e.WhichOneof("kind") == "customer_changed"
    }
    told = {
        e.customer_changed.customer: e.customer_changed
        for e in items
        if e.WhichOneof("kind") == "customer_changed"
    }
    assert told == latest
    # Of each kind the last, however long ago; of the others the recent ones.
    recorded = [e.activity_recorded for e in items if e.WhichOneof("kind") == "activity_recorded"]
    assert [(each.customer, each.activity) for each in recorded] == [
        (name("c1"), "p1"),
        (name("c2"), "long-ago"),
    ]
    in_stream = {
        e.activity_recorded.activity: e.activity_recorded
        for e in events
        if e.WhichOneof("kind") == "activity_recorded"
    }
    assert all(in_stream[each.activity] == each for each in recorded)
    assert items[0].policy_applied.revision == 1
    assert cursor.position == 8


async def test_a_snapshot_names_the_version_that_the_stream_told(
    store_settings: StoreSettings,
) -> None:
    # Found by `make faults`, F5: a pool that rebuilt named the record's version to assignment,
    # which follows the stream and waited for that version for ever.
    async with archive(store_settings) as a:
        await a.create("c1")
        renamed = customer_pb2.Customer(name=name("c1"), display_name="鲜达二店")
        mask = FieldMask(paths=["display_name"])
        after = await a.stub.UpdateCustomer(
            pb.UpdateCustomerRequest(customer=renamed, update_mask=mask)
        )
        events = await watched(a, 1)
        _, items = await exported(a)
    assert after.display_name == "鲜达二店"
    told = [e for e in events if e.WhichOneof("kind") == "customer_changed"]
    again = [e for e in items if e.WhichOneof("kind") == "customer_changed"]
    assert [(e.version, e.customer_changed.version) for e in told] == [(1, 1)]
    assert [(e.version, e.customer_changed.version) for e in again] == [(1, 1)]


async def test_who_begins_from_the_snapshot_misses_nothing(store_settings: StoreSettings) -> None:
    async with archive(store_settings) as a:
        await fill(a)
        cursor, _ = await exported(a)
        later = asyncio.create_task(watched(a, 1, cursor=cursor))
        await a.create("c3")
        (event,) = await later
        some = await watched(a, 2, kinds=["activity_recorded"])
        wrong = await refused(a.stub.Watch(pb.WatchRequest(scope=MINE, kinds=["nonsense"])).read())
    assert event.customer_changed.customer == name("c3")
    assert {each.WhichOneof("kind") for each in some} == {"activity_recorded"}
    assert wrong.reason == "INVALID_FIELD"


@pytest.mark.requirement("A16")
async def test_nothing_personal_is_told(store_settings: StoreSettings) -> None:
    async with archive(store_settings) as a:
        await fill(a)
        events = await watched(a, 8)
        _, items = await exported(a)
    facts = next(e.customer_changed for e in events if e.customer_changed.customer == name("c1"))
    assert facts.initial_owner == f"{PARENT}/reps/wang"
    assert facts.reservation
    assert (facts.region, facts.group, facts.admission_pool) == (
        "east/shanghai",
        "xianda",
        "east",
    )
    assert instant_of(facts.create_time) == START
    # Of the facts those that the others' policies read, and no more.
    assert set(facts.facts) <= {"regions", "days_since_last_order"}
    raw = b"".join(each.SerializeToString() for each in (*events, *items))
    for secret in (
        "上海鲜达",
        "王芳",
        "13812345678",
        "wang@example",
        "世纪大道",
        "91110000",
        "good",
    ):
        assert secret.encode() not in raw
