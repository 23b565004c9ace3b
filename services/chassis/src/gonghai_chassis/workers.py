"""Workers: the tasks that run for each partition whose lease this replica holds."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

import structlog

from gonghai_chassis.leases import TTL, Lease, Leases
from gonghai_chassis.store.failures import LeaseLost, StoreFailure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from gonghai_chassis.store.store import Store

_log = structlog.get_logger(__name__)

_FIRST_DELAY = 0.05
_LONGEST_DELAY = 5.0
_TURNS_PER_TTL = 3


@dataclass(frozen=True, slots=True)
class PartitionTask:
    """Something that runs as long as a partition's lease is held.

    Attributes:
        name: for the logs.
        run: does the work until it is cancelled; when it raises it is started again after a pause.
    """

    name: str
    run: Callable[[], Awaitable[None]]


class PartitionWorkers:
    """Holds this replica's share of the leases and runs the tasks of each.

    Args:
        store: whose partitions are shared out.
        make_tasks: the tasks of a partition that was just taken.
        ttl: seconds that a lease lasts without being renewed; a dead replica's work goes on
            elsewhere within about one and a third of it.
    """

    def __init__(
        self,
        store: Store,
        make_tasks: Callable[[Lease], list[PartitionTask]],
        *,
        ttl: float = TTL,
    ) -> None:
        self._leases = Leases(store, ttl=ttl)
        self._make_tasks = make_tasks
        self._pause = ttl / _TURNS_PER_TTL
        self._running: dict[Lease, list[asyncio.Task[None]]] = {}
        self._keeper: asyncio.Task[None] | None = None
        self._warden: asyncio.Task[None] | None = None
        self._log = _log.bind(area=store.area, holder=self._leases.holder)

    @property
    def leases(self) -> dict[int, Lease]:
        """The leases held now, by partition."""
        return dict(self._leases.held)

    async def start(self) -> None:
        """Starts to take leases; returns once it has tried for the first time."""
        await self._turn()
        self._keeper = asyncio.create_task(self._keep(), name="leases")
        self._warden = asyncio.create_task(self._end_what_runs_out(), name="lease-ends")

    async def stop(self) -> None:
        """Cancels all tasks, waits for them, and gives the leases back."""
        keepers = [task for task in (self._keeper, self._warden) if task is not None]
        for task in keepers:
            task.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        self._keeper = self._warden = None
        held = list(self._running)
        await self._end(held)
        await self._leases.leave()
        await self._leases.release(held)

    async def _keep(self) -> None:
        began = monotonic()
        while True:
            # A turn in which a part of the store does not answer takes long; what the others have
            # is renewed in time all the same.
            await asyncio.sleep(began + self._pause - monotonic())
            began = monotonic()
            await self._turn()

    async def _end_what_runs_out(self) -> None:
        """Ends work in time where the store does not answer, however long a turn waits for it."""
        while True:
            end = self._leases.first_end
            await asyncio.sleep(self._pause if end is None else max(0.0, end - monotonic()))
            await self._lose(self._leases.expired())

    async def _turn(self) -> None:
        try:
            await self._keep_share()
        except StoreFailure as error:
            self._log.warning("leases_not_kept", error=str(error))
        except Exception as error:  # noqa: BLE001 - the keeper must not die of it
            self._log.exception("leases_broken", error=repr(error))

    async def _keep_share(self) -> None:
        renewing = asyncio.create_task(self._renew())
        try:
            target = await self._leases.register()
        finally:
            await renewing
        surplus = len(self._leases.held) - target
        if surplus > 0:
            given = list(self._leases.held.values())[-surplus:]
            await self._end(given)
            await self._leases.release(given)
        elif surplus < 0:
            for lease in await self._leases.acquire(-surplus):
                self._begin(lease)

    async def _renew(self) -> None:
        await self._lose(await self._leases.renew())

    async def _lose(self, lost: Iterable[Lease]) -> None:
        lost = list(lost)
        for lease in lost:
            self._log.warning("lease_lost", partition=lease.partition.index)
        await self._end(lost)

    def _begin(self, lease: Lease) -> None:
        self._log.info("lease_taken", partition=lease.partition.index, token=lease.token)
        self._running[lease] = [
            asyncio.create_task(self._run(lease, task), name=f"{task.name}-{lease.partition.tag}")
            for task in self._make_tasks(lease)
        ]

    async def _end(self, leases: Iterable[Lease]) -> None:
        tasks = [task for lease in leases for task in self._running.pop(lease, ())]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _run(self, lease: Lease, task: PartitionTask) -> None:
        log = self._log.bind(task=task.name, partition=lease.partition.index)
        delay = _FIRST_DELAY
        while True:
            started = asyncio.get_running_loop().time()
            try:
                await task.run()
            except (LeaseLost, StoreFailure) as error:
                log.warning("task_broken", error=str(error))
            except Exception:
                log.exception("task_failed")
            else:
                log.warning("task_returned")
            if asyncio.get_running_loop().time() - started > _LONGEST_DELAY:
                delay = _FIRST_DELAY
            await asyncio.sleep(delay)
            delay = min(delay * 2, _LONGEST_DELAY)
