"""Counts and times the calls."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gonghai_chassis.chain.call import Call, Method, Proceed
    from gonghai_chassis.metrics import Metrics


class MetricsStage:
    """Keeps the metrics of the door; see `gonghai_chassis.metrics` for their names."""

    name = "metrics"

    def __init__(self, metrics: Metrics) -> None:
        """Take the service's metrics."""
        self._metrics = metrics

    def around(self, method: Method, proceed: Proceed) -> Proceed:
        """Count and time each call of the method."""
        tally = self._metrics.calls.of(method.path.lstrip("/"))

        async def run(call: Call) -> object:
            tally.started += 1
            begun = time.perf_counter()
            try:
                return await proceed(call)
            finally:
                tally.end(call.code.name, call.reason, time.perf_counter() - begun)

        return run
