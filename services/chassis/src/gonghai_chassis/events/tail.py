"""Wake-ups: who waits for a partition to change learns of it at once, and by polling at worst."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

    from gonghai_chassis.store.partitions import Partition
    from gonghai_chassis.store.store import Store

_log = structlog.get_logger(__name__)

POLL = 0.25
"""Seconds between looks while hints cannot be heard."""

QUIET_POLL = 1.0
"""Seconds between looks while they can: a hint may be lost all the same."""

_LISTEN = 1.0
_RECONNECT = 0.2
CLOCK_CHANNEL = "gh:wake:clock"


def wake_channel(area: str) -> str:
    """Channel on which scripts say which partition of an area changed."""
    return f"gh:wake:{area}"


class _Signal:
    __slots__ = ("changes", "clock_changes", "listeners", "waiters")

    def __init__(self) -> None:
        self.changes = 0
        self.clock_changes = 0
        self.waiters: set[asyncio.Future[None]] = set()
        self.listeners: list[Callable[[], None]] = []


class Tail:
    """One subscription a process, and a count of changes for each partition."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._signals = [_Signal() for _ in store.partitions]
        self._listening: asyncio.Task[None] | None = None
        self._forget = store.on_change(self.notify)
        self._hears = asyncio.Event()

    @classmethod
    async def open(cls, store: Store) -> Self:
        """Starts listening; does not wait until the subscription stands."""
        tail = cls(store)
        tail._listening = asyncio.create_task(tail._listen(), name=f"tail-{store.area}")
        return tail

    async def close(self) -> None:
        """Ends listening."""
        self._forget()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
            self._listening = None

    @property
    def poll(self) -> float:
        """Seconds after which to look even without a hint."""
        return QUIET_POLL if self._hears.is_set() else POLL

    async def hears(self) -> None:
        """Waits until hints are heard."""
        await self._hears.wait()

    def on_hint(self, partition: Partition, listener: Callable[[], None]) -> Callable[[], None]:
        """Calls the listener when another process changed the partition, or its clock was set.

        Returns:
            What to call to end it.
        """
        listeners = self._signals[partition.index].listeners
        listeners.append(listener)
        return lambda: listeners.remove(listener)

    def changes(self, partition: Partition) -> int:
        """How many changes of a partition were heard of; take it before looking, then `wait`."""
        return self._signals[partition.index].changes

    def clock_changes(self, partition: Partition) -> int:
        """How often the partition's clock was set, as far as was heard; `changes` counts it too."""
        return self._signals[partition.index].clock_changes

    def notify(self, partition: Partition) -> None:
        """Wakes who waits for the partition."""
        self._wake(self._signals[partition.index])

    async def wait(self, partition: Partition, seen: int, longest: float | None = None) -> None:
        """Waits until more changes than `seen` were heard of, at most `longest` or `poll`."""
        signal = self._signals[partition.index]
        if signal.changes != seen:
            return
        waiter = asyncio.get_running_loop().create_future()
        signal.waiters.add(waiter)
        try:
            await asyncio.wait((waiter,), timeout=self.poll if longest is None else longest)
        finally:
            signal.waiters.discard(waiter)

    @classmethod
    def _hint(cls, signal: _Signal) -> None:
        cls._wake(signal)
        for listener in tuple(signal.listeners):
            listener()

    @staticmethod
    def _wake(signal: _Signal) -> None:
        signal.changes += 1
        for waiter in signal.waiters:
            if not waiter.done():
                waiter.set_result(None)
        signal.waiters.clear()

    async def _listen(self) -> None:
        while True:
            try:
                await self._subscription()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it was, polling goes on
                _log.info("wake_ups_lost", area=self._store.area, error=str(error))
            self._hears.clear()
            await asyncio.sleep(_RECONNECT)

    async def _subscription(self) -> None:
        own = wake_channel(self._store.area)
        async with self._store.client().pubsub(ignore_subscribe_messages=True) as subscription:
            async with asyncio.timeout(self._store.settings.socket_timeout):
                await subscription.subscribe(own, CLOCK_CHANNEL)
            self._hears.set()
            # What happened while nobody listened.
            for signal in self._signals:
                self._hint(signal)
            while True:
                message = await subscription.get_message(timeout=_LISTEN)
                if message is None:
                    continue
                told, _, nonce = message["data"].partition(b" ")
                index = int(told)
                # Who waits was woken already when a step of this process was answered.
                if index >= len(self._signals) or self._store.took(nonce.decode()):
                    continue
                signal = self._signals[index]
                if message["channel"] == CLOCK_CHANNEL.encode():
                    signal.clock_changes += 1
                self._hint(signal)
