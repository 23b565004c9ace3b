"""Waiting for facts: pool's events name those that they rest on, and they come by another stream.

| name | type | labels | says |
|---|---|---|---|
| gonghai_facts_awaited_seconds | gauge | – | how long the oldest wait for facts has lasted |

Such a wait is over in a moment as a rule, and holds up the customers behind it in its partition.
"""

from __future__ import annotations

from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prometheus_client.metrics_core import Metric

_log = structlog.get_logger(__name__)

_LONG = 10.0
"""Seconds after which a wait is told of, and again after each as many."""


async def never_frozen(tenant: str, customer: str) -> bool:  # noqa: ARG001
    """Say that nothing is in quarantine, where there is none."""
    return False


class Waits(Collector):
    """The waits of one replica: written by the event loop, read by the thread of Prometheus."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """Start without any; `clock` tells seconds."""
        self._clock = clock
        self._since: dict[tuple[int, str, str], float] = {}

    @contextmanager
    def noted(self, partition: int, tenant: str, customer: str) -> Iterator[Callable[[], None]]:
        """Note a wait; what it yields is to be called each time that it goes on."""
        key = (partition, tenant, customer)
        told = 0.0

        def still() -> None:
            nonlocal told
            now = self._clock()
            waited = now - self._since.setdefault(key, now)
            if waited - told >= _LONG:
                told = waited
                _log.warning(
                    "facts_awaited",
                    partition=partition,
                    tenant=tenant,
                    customer=customer,
                    seconds=round(waited),
                )

        try:
            yield still
        finally:
            self._since.pop(key, None)

    def collect(self) -> Iterable[Metric]:
        """Hand the numbers over."""
        oldest = min(self._since.copy().values(), default=None)
        seconds = GaugeMetricFamily(
            "gonghai_facts_awaited_seconds", "How long the oldest wait for facts has lasted"
        )
        seconds.add_metric([], 0.0 if oldest is None else self._clock() - oldest)
        return [seconds]
