"""Counts and times the calls."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import Counter

    from gonghai_chassis.chain.call import Call, Method, Proceed
    from gonghai_chassis.metrics import Metrics


class MetricsStage:
    """Keeps the metrics of the door; see `gonghai_chassis.metrics` for their names."""

    name = "metrics"

    def __init__(self, metrics: Metrics) -> None:
        """Take the service's metrics."""
        self._metrics = metrics

    def around(self, method: Method, proceed: Proceed) -> Proceed:
        """Resolve the labels of the method once."""
        metrics = self._metrics
        path = method.path.lstrip("/")
        started = metrics.started.labels(path)
        observe = metrics.seconds.labels(path).observe
        in_progress = metrics.in_progress
        handled: dict[tuple[object, str], Counter] = {}

        async def run(call: Call) -> object:
            started.inc()
            in_progress.inc()
            begun = time.perf_counter()
            try:
                return await proceed(call)
            finally:
                observe(time.perf_counter() - begun)
                in_progress.dec()
                key = (call.code, call.reason)
                counter = handled.get(key)
                if counter is None:
                    counter = metrics.handled.labels(path, call.code.name, call.reason)
                    handled[key] = counter
                counter.inc()

        return run
