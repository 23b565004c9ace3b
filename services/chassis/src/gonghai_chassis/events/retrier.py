"""Processing quarantined events again: at the start, now and then, and whenever somebody asks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

import structlog

from gonghai_chassis.events.faults import passes_by_itself, problem_of
from gonghai_chassis.events.tally import tally_of
from gonghai_chassis.store.failures import StaleStep

if TYPE_CHECKING:
    from gonghai_chassis.events.quarantine import Quarantine, Quarantined
    from gonghai_chassis.events.subscriber import Projection

_log = structlog.get_logger(__name__)

EVERY = 300.0
"""Seconds between retries of all that is quarantined."""
_LOOK_EVERY = 5.0
"""Seconds between looks whether another replica was asked for a retry."""


@dataclass(frozen=True, slots=True)
class Retried:
    """What a retry of a subject's events did.

    Attributes:
        processed: how many were processed.
        failed: the one that failed; None when none is left.
    """

    processed: int
    failed: Quarantined | None


class Retrier:
    """Retries what is quarantined of one source in one partition; run it under the lease.

    At its start everything is tried: a new replica may bring the version that is mended. It does no
    harm when two run at the same time, or when an event of the subject comes meanwhile.
    """

    def __init__(self, quarantine: Quarantine, projection: Projection) -> None:
        self._quarantine = quarantine
        self._projection = projection
        self._tally = tally_of(quarantine.store)
        self._log = _log.bind(
            source=quarantine.source,
            partition=quarantine.partition.index,
            area=quarantine.partition.area,
        )

    async def run(self) -> None:
        """Retries until it is cancelled."""
        quarantine, woken = self._quarantine, asyncio.Event()
        forget = quarantine.store.on_write(quarantine.asked_key, woken.set)
        next_all = monotonic()
        try:
            while True:
                woken.clear()
                try:
                    if monotonic() >= next_all:
                        await self._retry_all()
                        next_all = monotonic() + EVERY
                    await self._retry_asked()
                except Exception as error:  # noqa: BLE001 - the events are there still
                    self._log.warning("retry_broken", error=repr(error))
                try:
                    async with asyncio.timeout(_LOOK_EVERY):
                        await woken.wait()
                except TimeoutError:
                    continue
        finally:
            forget()
            self._tally.forget(quarantine.source, quarantine.partition.index)

    async def _retry_all(self) -> None:
        async for member in self._quarantine.members():
            await self.retry(member)

    async def _retry_asked(self) -> None:
        standing = await self._quarantine.standing()
        for member, token in standing.asked.items():
            retried = await self.retry(member)
            await self._quarantine.answer(member, token, retried.processed)
        if standing.asked:
            standing = await self._quarantine.standing()
        source, index = self._quarantine.source, self._quarantine.partition.index
        self._tally.stand(source, index, standing.subjects)

    async def retry(self, member: str) -> Retried:
        """Processes a subject's events in their order until one fails or none is left.

        Raises:
            StoreFailure: the store is away, say; what was not processed is there still.
        """
        processed = 0
        while True:
            entry, _ = await self._quarantine.head(member)
            if entry is None:
                return Retried(processed, None)
            try:
                step = self._quarantine.taking(entry)
                if not await self._projection.apply(step, entry.event):
                    await self._quarantine.pass_over(entry)
            except StaleStep:
                # Another retry took it, or a rebuild is under way and will free the queue.
                return Retried(processed, None)
            except Exception as error:
                if passes_by_itself(error):
                    raise
                return Retried(processed, await self._failed(entry, error))
            processed += 1
            self._log.info(
                "quarantined_event_processed",
                tenant=entry.event.tenant,
                subject=entry.event.subject,
                kind=entry.event.kind,
                position=entry.event.position,
            )

    async def _failed(self, entry: Quarantined, error: Exception) -> Quarantined:
        event = entry.event
        problem = problem_of(
            error,
            area=self._quarantine.partition.area,
            source=self._quarantine.source,
            tenant=event.tenant,
            subject=event.subject,
            kind=event.kind,
            position=event.position,
        )
        failed = entry.failed(problem)
        try:
            await self._quarantine.note(failed)
        except StaleStep:
            self._log.info("step_stale")
        return failed
