"""Whether a service can serve, asked again and again, and told by `grpc.health.v1`.

`""` (and each service by name) is SERVING while every probe succeeds: the store answers, the
plugins are there. `liveness` is SERVING as long as the process runs at all: a store that is away
must not make an orchestrator kill healthy replicas.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import structlog
from grpc_health.v1 import health_pb2
from grpc_health.v1._async import HealthServicer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prometheus_client import Gauge

LIVENESS: Final = "liveness"
Probe = Callable[[], Awaitable[None]]
"""Returns when what it asks is well, raises when it is not."""

_log = structlog.get_logger("gonghai.health")
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Health:
    """The health of one server."""

    def __init__(
        self,
        probes: Mapping[str, Probe],
        gauge: Gauge,
        *,
        interval: float = 1.0,
        patience: float = 2.0,
    ) -> None:
        """Take the probes by name, the gauge to set, and seconds between and for each round."""
        self.servicer = HealthServicer()
        self._probes = dict(probes)
        self._gauge = gauge
        self._interval = interval
        self._patience = patience
        self._services: tuple[str, ...] = ("",)
        self._ready = False
        self._task: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether the service says SERVING."""
        return self._ready

    async def start(self, services: Iterable[str]) -> None:
        """Probe once, then go on in the background; `services` are told with the whole."""
        self._services = ("", *services)
        await self.servicer.set(LIVENESS, _SERVING)
        await self._look(first=True)
        self._task = asyncio.create_task(self._watch(), name="health")

    async def drain(self) -> None:
        """Say NOT_SERVING from now on."""
        await self._stop_looking()
        self._ready = False
        self._gauge.set(0)
        for service in self._services:
            await self.servicer.set(service, _NOT_SERVING)

    async def stop(self) -> None:
        """End the probing and tell those who watch that nothing is served any more."""
        await self._stop_looking()
        await self.servicer.enter_graceful_shutdown()

    async def _stop_looking(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            await self._look()

    async def _look(self, *, first: bool = False) -> None:
        failing = await self._failing()
        ready = not failing
        if ready != self._ready or first:
            self._ready = ready
            self._gauge.set(int(ready))
            status = _SERVING if ready else _NOT_SERVING
            for service in self._services:
                await self.servicer.set(service, status)
            if ready:
                _log.info("ready")
            else:
                _log.warning("not ready", failing=failing)

    async def _failing(self) -> dict[str, str]:
        """Run all probes at once; return why those failed that did."""
        results = await asyncio.gather(
            *(self._probe(probe) for probe in self._probes.values()), return_exceptions=True
        )
        return {
            name: f"{type(result).__name__}: {result}"
            for name, result in zip(self._probes, results, strict=True)
            if isinstance(result, BaseException)
        }

    async def _probe(self, probe: Probe) -> None:
        async with asyncio.timeout(self._patience):
            await probe()
