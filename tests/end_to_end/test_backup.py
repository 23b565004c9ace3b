"""A backup of services at work, restored elsewhere: one whole, with which the work goes on."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import grpc
import pytest
from typer.testing import CliRunner

from gonghai.dev.v1 import clock_pb2
from gonghai.pool.v1 import pool_service_pb2
from gonghai.type.v1 import watch_pb2
from gonghai_chassis.instants import instant_of, timestamp
from gonghai_chassis.store import StoreSettings
from gonghai_chassis.store.partitions import partition_index
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.plugin import PARTITIONS as CLUSTER_PARTITIONS
from gonghai_chassis.testing.plugin import flush
from gonghai_cli.main import app
from gonghai_cli.services import Services
from gonghai_cli.stack import SERVICES, STORE
from tests.end_to_end.stage import PARTITIONS, disagreements, stack_on
from tests.end_to_end.trio import trio
from tests.faults.callers import Callers, Doors
from tests.faults.checks import check
from tests.faults.pulse import Pulse
from tests.faults.record import Attempt, History, Recorder
from tests.faults.tenant import Tenant
from tests.faults.witness import Reader

if TYPE_CHECKING:
    from pathlib import Path

    from gonghai_cli.stack import Addresses

pytestmark = pytest.mark.asyncio(loop_scope="session")

_ENOUGH: Final = 160
_MORE: Final = 80
_DAY: Final = 86_400_000_000


class Site:
    """Three services that listen somewhere, for callers and for who looks."""

    def __init__(self, addresses: Addresses) -> None:
        """Open the channels."""
        self.doors = Doors(addresses.by_name)
        self.services = Services(addresses)

    async def rest(self) -> None:
        """Wait until the services have nothing left to do."""
        await self.services.clock.AwaitQuiet(clock_pb2.AwaitQuietRequest(), timeout=60)

    async def forward(self, days: int) -> None:
        """Let it be some days later, and all be done that falls due on the way."""
        clock = await self.services.clock.GetClock(clock_pb2.GetClockRequest())
        later = timestamp(instant_of(clock.now) + days * _DAY)
        await self.services.clock.SetClock(clock_pb2.SetClockRequest(now=later))
        await self.rest()

    async def head(self, tenant: Tenant) -> watch_pb2.Cursor:
        """Return the cursor of who has heard everything from pool."""
        scope = watch_pb2.WatchScope(tenant=tenant.name)
        before = -1
        async for answer in self.doors.pool.Watch(pool_service_pb2.WatchRequest(scope=scope)):
            cursor = answer.checkpoint.cursor
            if cursor.position == before:
                return cursor
            before = cursor.position
        raise AssertionError("the stream ended")

    async def close(self) -> None:
        """Close the channels."""
        await self.doors.close()
        await self.services.close()

    async def hears(self, tenant: Tenant, cursor: watch_pb2.Cursor) -> grpc.StatusCode:
        """Return how a watch from a cursor begins."""
        scope = watch_pb2.WatchScope(tenant=tenant.name)
        call = self.doors.pool.Watch(pool_service_pb2.WatchRequest(scope=scope, cursor=cursor))
        try:
            async for _ in call:
                return grpc.StatusCode.OK
        except grpc.aio.AioRpcError as error:
            return error.code()
        finally:
            call.cancel()
        raise AssertionError("the stream ended")


async def gonghai(*arguments: str) -> str:
    """Run a command; it succeeds."""
    result = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    assert result.exit_code == 0, result.output
    return result.output


async def backed_up_under_load(
    site: Site, tenant: Tenant, record: Path, backup: Path, store: str
) -> tuple[float, float, watch_pb2.Cursor]:
    """Let callers work, and back the store up in the middle of it.

    Returns:
        When the backup began and when it ended, and where a watcher was when all was over.
    """
    await tenant.set_up(site.services)
    await site.rest()
    with Recorder(record) as recorder:
        async with Pulse(recorder):
            callers = Callers([site.doors], recorder, tenant, seed=7)
            load = asyncio.create_task(callers.run())
            await eventually(lambda: recorder.attempts > _ENOUGH, within=60)
            began = time.monotonic()
            await gonghai("backup", "create", str(backup), "--store", store)
            ended = time.monotonic()
            reached = recorder.attempts
            await eventually(lambda: recorder.attempts > reached + _MORE, within=60)
            callers.over.set()
            await load
    return began, ended, await site.head(tenant)


async def looked_at(site: Site, tenant: Tenant, record: Path) -> History:
    """Read everything that is there of a tenant, through the contracts."""
    with Recorder(record) as recorder:
        await Reader(site.services, site.doors, recorder, tenant).run(whole=True)
    return History.read(record)


def as_backed_up(history: History, began: float, ended: float) -> History:
    """Return what a restored store must answer for.

    What was answered before the backup began is there. What was under way while it was made is
    there or not. What began later is not.
    """
    kept: list[Attempt] = []
    for attempt in history.attempts:
        if attempt.end < began:
            kept.append(attempt)
        elif attempt.start < ended and attempt.request_id:
            kept.append(replace(attempt, code="LOST", reason="", answer={}))
    return replace(history, attempts=tuple(kept))


async def is_one_whole(site: Site, tenant: Tenant, before: History, record: Path) -> History:
    """Hold what is there against what was answered, and one service against the others."""
    await site.rest()
    state = await looked_at(site, tenant, record)
    history = replace(before, heard=state.heard, states=state.states)
    assert check(history, [tenant.id]) == []
    return history


def changes(history: History, change: str) -> int:
    return sum(
        entry["change"] == change
        for state in history.states
        if state.kind == "history"
        for entry in state.content
    )


async def test_everything_acknowledged_before_is_there_and_the_work_goes_on(
    tmp_path: Path,
) -> None:
    tenant = Tenant("acme")
    backup = tmp_path / "backup"
    async with stack_on(tmp_path / "first") as stack:
        site = Site(stack.addresses)
        began, ended, heard = await backed_up_under_load(
            site, tenant, tmp_path / "load.jsonl", backup, stack.store_url
        )
        await site.close()
        for name in (STORE, *SERVICES):
            await stack.kill(name)
    load = History.read(tmp_path / "load.jsonl")
    assert sum(attempt.ok and attempt.start > ended for attempt in load.attempts) > 10
    before = as_backed_up(load, began, ended)
    assert sum(attempt.ok for attempt in before.attempts) > _ENOUGH / 4

    await gonghai("backup", "verify", str(backup))
    output = await gonghai("backup", "restore", str(backup), "--data", str(tmp_path / "second"))
    assert f"--partitions {PARTITIONS}" in output
    async with stack_on(tmp_path / "second") as stack:
        site = Site(stack.addresses)
        assert await site.hears(tenant, heard) is grpc.StatusCode.OUT_OF_RANGE
        history = await is_one_whole(site, tenant, before, tmp_path / "after.jsonl")
        assert await disagreements(stack) == []
        assert changes(history, "RECLAIMED") == 0

        # The installation was away for weeks: what fell due meanwhile is warned of, not taken.
        await site.forward(30)
        history = await is_one_whole(site, tenant, before, tmp_path / "due.jsonl")
        assert changes(history, "WARNED") > 0
        assert changes(history, "RECLAIMED") == 0
        await site.forward(10)
        history = await is_one_whole(site, tenant, before, tmp_path / "reclaimed.jsonl")
        assert changes(history, "RECLAIMED") > 0

        # New customers, claims and follow-ups of others in the same partition.
        other = next(
            Tenant(name)
            for name in map(str, range(100))
            if partition_index(name, PARTITIONS) == partition_index(tenant.id, PARTITIONS)
        )
        await other.set_up(site.services)
        with Recorder(tmp_path / "more.jsonl") as recorder:
            async with Pulse(recorder):
                callers = Callers([site.doors], recorder, other, seed=8)
                load_again = asyncio.create_task(callers.run())
                await eventually(lambda: recorder.attempts > _ENOUGH, within=60)
                callers.over.set()
                await load_again
        more = History.read(tmp_path / "more.jsonl")
        await is_one_whole(site, other, more, tmp_path / "others.jsonl")
        assert await disagreements(stack) == []
        # Its stream is longer than it ever was, and still another one than he heard.
        assert (await site.head(other)).position > heard.position
        assert await site.hears(tenant, heard) is grpc.StatusCode.OUT_OF_RANGE
        await site.close()


async def test_a_cluster_is_backed_up_and_restored_in_its_place(
    store_cluster: str, tmp_path: Path
) -> None:
    flush(store_cluster)
    settings = StoreSettings(url=store_cluster, partitions=CLUSTER_PARTITIONS)
    tenant = Tenant("acme")
    backup = tmp_path / "backup"
    async with trio(settings, lease_ttl=0.5, log_successes=False) as three:
        site = Site(three.addresses)
        began, ended, _ = await backed_up_under_load(
            site, tenant, tmp_path / "load.jsonl", backup, store_cluster
        )
        await site.close()
    before = as_backed_up(History.read(tmp_path / "load.jsonl"), began, ended)
    flush(store_cluster)
    await gonghai("backup", "restore", str(backup), "--store", store_cluster)
    async with trio(settings, lease_ttl=0.5, log_successes=False) as three:
        site = Site(three.addresses)
        await is_one_whole(site, tenant, before, tmp_path / "after.jsonl")
        await site.close()
