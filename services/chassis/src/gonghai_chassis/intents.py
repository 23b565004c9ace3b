"""Intents: calls to other services that a step decided on, carried out until they are answered.

A step that answers an event with a call stores the choice it made (include `intents`) together with
its cursor. The worker makes the call with the intent's id as the request id, as often as it takes;
the other service remembers its answer, so the call has its effect once.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from gonghai_chassis.store import records
from gonghai_chassis.store.scripts import Script

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gonghai_chassis.events.tail import Tail
    from gonghai_chassis.store.partitions import Partition
    from gonghai_chassis.store.store import Store

_log = structlog.get_logger(__name__)

_READ = Script("gonghai_chassis.store", "read_intents")
_COMPLETE = Script("gonghai_chassis.store", "complete_intent", repeatable=True)

_FIRST_DELAY = 0.05
_LONGEST_DELAY = 5.0
_AHEAD = 100


@dataclass(frozen=True, slots=True)
class Intent:
    """A call to be made.

    Attributes:
        seq: its number in the partition, in the order of the decisions.
        id: the request id to call with.
        kind: which call.
        payload: what the service needs to make it.
        attempt: how often it was tried before by this worker.
    """

    seq: int
    id: str
    kind: str
    payload: bytes
    attempt: int = 0


class IntentWorker:
    """Carries a partition's intents out, oldest first; run it under the partition's lease.

    Args:
        store: where they are.
        tail: what wakes the worker.
        partition: whose intents.
        carry_out: makes the call. It returns when the call was answered, a refusal included, and
            raises when it was not; then it is called again, with growing pauses.
        concurrency: how many calls may be under way. With one, the order of the decisions is the
            order of the calls.
    """

    def __init__(
        self,
        store: Store,
        tail: Tail,
        partition: Partition,
        carry_out: Callable[[Intent], Awaitable[None]],
        *,
        concurrency: int = 1,
    ) -> None:
        self._store = store
        self._tail = tail
        self._partition = partition
        self._carry_out = carry_out
        self._concurrency = concurrency
        self._log = _log.bind(partition=partition.index, area=partition.area)

    async def run(self) -> None:
        """Carries intents out until it is cancelled."""
        while True:
            seen = self._tail.changes(self._partition)
            reply = await self._store.run(_READ, self._partition, keys={}, args={"limit": _AHEAD})
            waiting = [_intent(packed) for packed in records.sequence(reply.fields["intents"])]
            if not waiting:
                await self._tail.wait(self._partition, seen)
                continue
            if self._concurrency == 1:
                for intent in waiting:
                    await self._until_answered(intent)
            else:
                await self._side_by_side(waiting)

    async def _side_by_side(self, waiting: list[Intent]) -> None:
        free = asyncio.Semaphore(self._concurrency)

        async def one(intent: Intent) -> None:
            async with free:
                await self._until_answered(intent)

        async with asyncio.TaskGroup() as group:
            for intent in waiting:
                group.create_task(one(intent))

    async def _until_answered(self, intent: Intent) -> None:
        delay = _FIRST_DELAY
        attempt = 0
        while True:
            try:
                await self._carry_out(
                    Intent(intent.seq, intent.id, intent.kind, intent.payload, attempt)
                )
                await self._store.run(_COMPLETE, self._partition, keys={}, args={"seq": intent.seq})
            except Exception as error:  # noqa: BLE001 - not answered, whatever the reason
                attempt += 1
                self._log.warning(
                    "intent_unanswered",
                    intent=intent.id,
                    kind=intent.kind,
                    attempt=attempt,
                    error=repr(error),
                )
                await asyncio.sleep(delay)
                delay = min(delay * 2, _LONGEST_DELAY)
            else:
                return


def _intent(packed: str) -> Intent:
    fields = records.unpack(records.blob(packed))
    return Intent(
        fields["seq"], fields["id"], fields["kind"], records.blob(fields.get("payload", ""))
    )
