"""What a service is put together from: its `assemble` function fills this in.

An `assemble` function opens the store, makes the commands, and says what to serve, which workers to
run and what must be well for the service to be ready. The server does the rest, in the right order.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import structlog

from gonghai_chassis.clients import Channels
from gonghai_chassis.closing import Closing
from gonghai_chassis.events.tally import tally_of
from gonghai_chassis.intent_tally import intent_tally_of
from gonghai_chassis.metrics import Metrics
from gonghai_chassis.seals import PAGES, Seal
from gonghai_chassis.settings import Settings
from gonghai_chassis.store import Store
from gonghai_chassis.store.failures import SlotUnderWay, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import grpc

    from gonghai_chassis.health import Probe

_ANSWERS_WITHIN: Final = 1.5
"""Seconds that the store has to answer whether it is well: less than readiness waits for it."""

S = TypeVar("S", bound=Settings)
Servicer = TypeVar("Servicer")
Stub = TypeVar("Stub")


@dataclass(frozen=True, slots=True)
class Worker:
    """Something that runs beside the calls: started before serving, stopped after draining."""

    name: str
    start: Callable[[], Awaitable[object]]
    stop: Callable[[], Awaitable[object]]


class Assembly(Generic[S]):
    """One service being put together.

    Attributes:
        name: The service: `archive`, `pool`, `assignment`.
        settings: Its settings.
        metrics: Its metrics; add further ones to `metrics.registry`.
        log: Its logger.
        pages: What its page tokens are sealed with: by the store's secret, once that is open.
    """

    def __init__(self, name: str, settings: S) -> None:
        """Start with nothing."""
        self.name = name
        self.settings = settings
        self.metrics = Metrics()
        self.log = structlog.get_logger(f"gonghai.{name}")
        self.pages = Seal.alone(PAGES)
        self.closing = Closing()
        self.probes: dict[str, Probe] = {}
        self.workers: list[Worker] = []
        self.mounts: list[Callable[[grpc.aio.Server], None]] = []
        self.channels = Channels(settings, name)
        self.closing.add("channels to peers", self.channels.close)

    async def open_store(self, patience: float = 30.0) -> Store:
        """Open the store for this service; it is closed last, and readiness follows it.

        Args:
            patience: Seconds to wait for a store that is still starting.

        Raises:
            StoreUnavailable: it could not be reached in that time.
        """
        store = await self._reach_store(patience)
        self.pages = Seal(store.secret, PAGES)
        self.closing.add("store", store.close)
        self.metrics.registry.register(tally_of(store))
        self.metrics.registry.register(intent_tally_of(store))
        partitions = itertools.cycle(store.partitions)

        async def reachable() -> None:
            # Another partition each time: in a Cluster they lie on different masters.
            partition = next(partitions)
            try:
                await store.read(
                    partition,
                    [partition.key("ready")],
                    deadline=time.monotonic() + _ANSWERS_WITHIN,
                )
            except SlotUnderWay:
                # The store is well, and so is the service: all other partitions are served.
                return

        self.probe("store", reachable)
        return store

    async def _reach_store(self, patience: float) -> Store:
        end = time.monotonic() + patience
        pause = 0.1
        while True:
            try:
                return await Store.open(self.settings.store, area=self.name)
            except StoreUnavailable as error:
                if time.monotonic() + pause > end:
                    raise
                self.log.warning("waiting for the store", why=str(error))
                await asyncio.sleep(pause)
                pause = min(2.0, pause * 2)

    def peer(self, service: str, stub: Callable[[Any], Stub]) -> Stub:
        """Return a stub of another service, over one channel each, closed before the store."""
        return stub(self.channels.to(service))

    def serve(self, add: Callable[[Servicer, grpc.aio.Server], None], servicer: Servicer) -> None:
        """Serve a servicer: `add` is the generated `add_…Servicer_to_server`."""
        self.mounts.append(lambda server: add(servicer, server))

    def serve_in_dev(
        self, add: Callable[[Servicer, grpc.aio.Server], None], servicer: Servicer
    ) -> None:
        """Serve a servicer in dev mode only."""
        if self.settings.dev:
            self.serve(add, servicer)

    def worker(
        self,
        name: str,
        start: Callable[[], Awaitable[object]],
        stop: Callable[[], Awaitable[object]],
    ) -> None:
        """Run something beside the calls: started before serving, stopped after draining."""
        self.workers.append(Worker(name, start, stop))

    def probe(self, name: str, probe: Probe) -> None:
        """Add something that must be well for the service to be ready: it raises when it is not."""
        self.probes[name] = probe

    def on_close(self, name: str, close: Callable[[], Awaitable[object]]) -> None:
        """Close something when the service stops: after the workers, last opened first."""
        self.closing.add(name, close)
