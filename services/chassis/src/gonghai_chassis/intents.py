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

from gonghai_chassis.events.tail import QUIET_POLL
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

    With a concurrency of one, the order of the decisions is the order of the calls, and an intent
    that is not answered holds up those behind it. With a higher one it holds up nobody else.

    Args:
        store: where they are.
        tail: what wakes the worker.
        partition: whose intents.
        carry_out: makes the call. It returns when the call was answered, a refusal included, and
            raises when it was not; then it is called again, with growing pauses. Where it returns
            True, the intent is removed by a step of the service's own.
        concurrency: how many calls may be under way.
        offered: whether this process offers the intents that it writes, so that the store need
            only be looked at now and then, for those that it did not write.
    """

    def __init__(
        self,
        store: Store,
        tail: Tail,
        partition: Partition,
        carry_out: Callable[[Intent], Awaitable[bool | None]],
        *,
        concurrency: int = 1,
        offered: bool = False,
    ) -> None:
        self._store = store
        self._tail = tail
        self._partition = partition
        self._carry_out = carry_out
        self._concurrency = concurrency
        self._offered = offered
        self._group: asyncio.TaskGroup | None = None
        self._under_way: set[int] = set()
        self._answered: set[int] = set()
        self._left = False
        self._look = asyncio.Event()
        self._log = _log.bind(partition=partition.index, area=partition.area)

    async def run(self) -> None:
        """Carries intents out until it is cancelled."""
        if self._concurrency == 1:
            await self._in_turn()
        else:
            await self._side_by_side()

    def offer(self, intent: Intent) -> None:
        """Carries out an intent that was just written, without reading it first."""
        self._begin(intent)

    async def _in_turn(self) -> None:
        while True:
            seen = self._tail.changes(self._partition)
            waiting = await self._read(_AHEAD)
            for intent in waiting:
                await self._until_answered(intent)
            if not waiting:
                await self._tail.wait(self._partition, seen)

    async def _side_by_side(self) -> None:
        self._under_way.clear()
        self._answered.clear()
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                while True:
                    self._look.clear()
                    self._left = False
                    seen = self._tail.changes(self._partition)
                    waiting = await self._read(_AHEAD + len(self._under_way))
                    self._answered.intersection_update(intent.seq for intent in waiting)
                    for intent in waiting:
                        self._begin(intent)
                    await self._rest(seen)
            finally:
                self._group = None

    async def _rest(self, seen: int) -> None:
        if not self._offered:
            await self._tail.wait(self._partition, seen)
            return
        try:
            async with asyncio.timeout(QUIET_POLL):
                await self._look.wait()
        except TimeoutError:
            return

    async def _read(self, limit: int) -> list[Intent]:
        reply = await self._store.run(_READ, self._partition, keys={}, args={"limit": limit})
        return [_intent(packed) for packed in records.sequence(reply.fields["intents"])]

    def _begin(self, intent: Intent) -> None:
        if self._group is None or intent.seq in self._under_way or intent.seq in self._answered:
            return
        if len(self._under_way) >= self._concurrency:
            self._left = True
            return
        self._under_way.add(intent.seq)
        self._group.create_task(self._one(intent))

    async def _one(self, intent: Intent) -> None:
        try:
            await self._until_answered(intent)
            # It may still stand in what is being read, or until the service's own step removes it.
            self._answered.add(intent.seq)
        finally:
            self._under_way.discard(intent.seq)
            if self._left:
                self._look.set()
                self._tail.notify(self._partition)

    async def _until_answered(self, intent: Intent) -> None:
        delay = _FIRST_DELAY
        attempt = 0
        while True:
            try:
                removed = await self._carry_out(
                    Intent(intent.seq, intent.id, intent.kind, intent.payload, attempt)
                )
                if not removed:
                    await self._store.run(
                        _COMPLETE, self._partition, keys={}, args={"seq": intent.seq}
                    )
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
