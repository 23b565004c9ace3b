"""Intents: calls to other services that a step decided on, carried out until they are answered.

A step that answers an event with a call stores the choice it made (include `intents`) together with
its cursor. The worker makes the call with the intent's id as the request id, as often as it takes;
the other service remembers its answer, so the call has its effect once.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

import structlog

from gonghai_chassis.events.tail import QUIET_POLL
from gonghai_chassis.intent_tally import intent_tally_of
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
_DOUBLINGS = 10
_AHEAD = 100
_REMOVED_WITHIN = 30.0
"""Seconds after which one that was answered and still stands is carried out again."""
_MOST_READ = 5000
"""Most intents that are looked at; behind so many that get no answer, others wait too."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A call to be made.

    Attributes:
        seq: its number in the partition, in the order of the decisions. After a fail-over that lost
            the last ones, their numbers are given out again.
        id: the request id to call with, of this call alone.
        kind: which call.
        payload: what the service needs to make it.
        attempt: how often it was tried before by this worker.
    """

    seq: int
    id: str
    kind: str
    payload: bytes
    attempt: int = 0

    @property
    def key(self) -> tuple[int, str]:
        """Which one it is, also where a fail-over gave its number to another."""
        return self.seq, self.id


class IntentWorker:
    """Carries a partition's intents out, oldest first; run it under the partition's lease.

    With a concurrency of one, the order of the decisions is the order of the calls, and an intent
    that is not answered holds up those behind it. With a higher one it holds up nobody else: it is
    tried again after a pause, and takes no place from others while it rests.

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
        self._under_way: set[tuple[int, str]] = set()
        self._answered: dict[tuple[int, str], float] = {}
        self._resting: dict[tuple[int, str], _Rest] = {}
        self._left = False
        self._tally = intent_tally_of(store)
        self._look = asyncio.Event()
        self._log = _log.bind(partition=partition.index, area=partition.area)

    async def run(self) -> None:
        """Carries intents out until it is cancelled."""
        try:
            if self._concurrency == 1:
                await self._in_turn()
            else:
                await self._side_by_side()
        finally:
            self._tally.forget(self._partition.index)

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
        self._resting.clear()
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                while True:
                    self._look.clear()
                    self._left = False
                    seen = self._tail.changes(self._partition)
                    passed = len(self._under_way) + len(self._answered) + len(self._resting)
                    waiting = await self._read(min(_AHEAD + passed, _MOST_READ))
                    there = {intent.key for intent in waiting}
                    self._answered = {k: t for k, t in self._answered.items() if k in there}
                    self._resting = {k: r for k, r in self._resting.items() if k in there}
                    for intent in waiting:
                        self._begin(intent)
                    await self._rest(seen)
            finally:
                self._group = None

    async def _rest(self, seen: int) -> None:
        ends = min((rest.until for rest in self._resting.values()), default=inf)
        longest = max(0.0, min(ends - monotonic(), QUIET_POLL))
        if not self._offered:
            await self._tail.wait(self._partition, seen, min(longest, self._tail.poll))
            return
        try:
            async with asyncio.timeout(longest):
                await self._look.wait()
        except TimeoutError:
            return

    async def _read(self, limit: int) -> list[Intent]:
        reply = await self._store.run(_READ, self._partition, keys={}, args={"limit": limit})
        count: int = reply.fields["count"]
        packed = records.sequence(reply.fields["intents"])
        # Those of an earlier version of this service do not say since when they are owed.
        oldest = records.unpack(records.blob(packed[0])).get("at", reply.real) if packed else 0
        self._tally.stand(self._partition.index, count, max(0, reply.real - oldest))
        return [_intent(one) for one in packed]

    def _begin(self, intent: Intent) -> None:
        if self._group is None or intent.key in self._under_way:
            return
        if self._answered.get(intent.key, 0.0) > monotonic():
            return
        rest = self._resting.get(intent.key, _NO_REST)
        if rest.until > monotonic():
            return
        if len(self._under_way) >= self._concurrency:
            self._left = True
            return
        self._under_way.add(intent.key)
        self._group.create_task(self._one(replace(intent, attempt=rest.attempts)))

    async def _one(self, intent: Intent) -> None:
        try:
            if await self._try(intent):
                # It may still stand in what is read, or until the service's own step removes it. If
                # it stands for long, a fail-over has lost that it was removed.
                self._answered[intent.key] = monotonic() + _REMOVED_WITHIN
                self._resting.pop(intent.key, None)
            else:
                attempts = intent.attempt + 1
                pause = _pause_after(attempts)
                self._resting[intent.key] = _Rest(monotonic() + pause, attempts)
        finally:
            self._under_way.discard(intent.key)
            if self._left or self._resting:
                self._look.set()
                self._tail.notify(self._partition)

    async def _until_answered(self, intent: Intent) -> None:
        while not await self._try(intent):
            intent = replace(intent, attempt=intent.attempt + 1)
            await asyncio.sleep(_pause_after(intent.attempt))

    async def _try(self, intent: Intent) -> bool:
        """Makes the call once; whether it was answered."""
        try:
            if not await self._carry_out(intent):
                args = {"seq": intent.seq, "intent_id": intent.id}
                await self._store.run(_COMPLETE, self._partition, keys={}, args=args)
        except Exception as error:  # noqa: BLE001 - not answered, whatever the reason
            self._tally.failed(intent.kind)
            self._log.warning(
                "intent_unanswered",
                intent=intent.id,
                kind=intent.kind,
                attempt=intent.attempt + 1,
                error=repr(error),
            )
            return False
        return True


@dataclass(frozen=True, slots=True)
class _Rest:
    """Until when (`time.monotonic`) an intent is left alone, after so many attempts."""

    until: float
    attempts: int


_NO_REST = _Rest(0.0, 0)


def _pause_after(attempts: int) -> float:
    return min(_FIRST_DELAY * 2.0 ** min(attempts - 1, _DOUBLINGS), _LONGEST_DELAY)


def _intent(packed: str) -> Intent:
    fields = records.unpack(records.blob(packed))
    return Intent(
        fields["seq"], fields["id"], fields["kind"], records.blob(fields.get("payload", ""))
    )
