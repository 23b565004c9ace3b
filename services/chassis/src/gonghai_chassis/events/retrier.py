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
    from gonghai_chassis.events.projection import Projection
    from gonghai_chassis.events.quarantine import Quarantine, Quarantined

_log = structlog.get_logger(__name__)

EVERY = 300.0
"""Seconds between retries of all that is quarantined."""
_LOOK_EVERY = 5.0
"""Seconds between looks whether another replica was asked for a retry."""
_IN_VAIN = 8
"""Subjects in a row that something keeps from being retried, after which the others wait, too."""


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
        self._left: dict[str, None] = {}
        self._woken = asyncio.Event()
        self._tally = tally_of(quarantine.store)
        self._log = _log.bind(
            source=quarantine.source,
            partition=quarantine.partition.index,
            area=quarantine.partition.area,
        )

    async def run(self) -> None:
        """Retries until it is cancelled."""
        quarantine = self._quarantine
        forget = quarantine.store.on_write(quarantine.asked_key, self._woken.set)
        next_all = monotonic()
        try:
            while True:
                self._woken.clear()
                try:
                    await self._retry_asked()
                    if monotonic() >= next_all:
                        async for member in quarantine.members():
                            self._left.setdefault(member)
                        next_all = monotonic() + EVERY
                    await self._retry_left()
                except Exception as error:  # noqa: BLE001 - the events are there still
                    self._log.warning("retry_broken", error=repr(error))
                try:
                    async with asyncio.timeout(_LOOK_EVERY):
                        await self._woken.wait()
                except TimeoutError:
                    continue
        finally:
            forget()
            self._tally.forget(quarantine.source, quarantine.partition.index)

    async def _retry_left(self) -> None:
        """Retries those that are left; what cannot be retried now comes after all others.

        Ends early when somebody asks, and where nothing gets on: store or peers are away.
        """
        in_vain = 0
        for member in tuple(self._left):
            del self._left[member]
            if await self._try(member) is None:
                self._left[member] = None
                in_vain += 1
            else:
                in_vain = 0
            if in_vain >= _IN_VAIN or self._woken.is_set():
                return

    async def _retry_asked(self) -> None:
        standing = await self._quarantine.standing()
        for member, token in standing.asked.items():
            retried = await self._try(member)
            if retried is not None:
                await self._quarantine.answer(member, token, retried.processed)
        if standing.asked:
            standing = await self._quarantine.standing()
        source, index = self._quarantine.source, self._quarantine.partition.index
        self._tally.stand(source, index, standing.subjects)

    async def _try(self, member: str) -> Retried | None:
        """Retries a subject's events; None when something is in the way that passes by itself."""
        try:
            return await self.retry(member)
        except Exception as error:  # noqa: BLE001 - the events are there still
            self._log.warning("retry_broken", member=member, error=repr(error))
            return None

    async def retry(self, member: str) -> Retried:
        """Processes a subject's events in their order until one fails or none is left.

        Raises:
            StaleStep: the projection is being rebuilt, which will free the queue.
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
                head, _ = await self._quarantine.head(member)
                if head is not None and head.place == entry.place:
                    raise
                # Another retry took it.
                continue
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
