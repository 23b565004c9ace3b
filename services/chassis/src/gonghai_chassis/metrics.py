"""What Prometheus reads of a service.

| name | type | labels | says |
|---|---|---|---|
| gonghai_calls_started_total | counter | method | calls that came in |
| gonghai_calls_handled_total | counter | method, code, reason | calls that ended, and how |
| gonghai_call_seconds | histogram | method | seconds from the request to the answer |
| gonghai_calls_in_progress | gauge | method | calls being answered, open streams included |
| gonghai_ready | gauge | – | 1 while the service says SERVING |

`method` is the full method without the leading slash. Services add their own to the same registry.

The door's own are counted in plain numbers and handed over when they are read: the client
library's counters, with a lock each, would be a fifth of what the door costs.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING, Final, Self

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.exposition import start_http_server
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from prometheus_client.metrics_core import Metric

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LIMITS: Final = (*(str(limit) for limit in SECONDS), "+Inf")


class Tally:
    """The calls of one method: written by the event loop, read by the thread that Prometheus asks.

    Attributes:
        started: Calls that came in.
        ended: How many ended how: by code and reason.
        buckets: How many took how long: one number a bucket, the last for all longer ones.
        seconds: How long all took together.
    """

    __slots__ = ("buckets", "ended", "seconds", "started")

    def __init__(self) -> None:
        """Start at nought."""
        self.started = 0
        self.ended: dict[tuple[str, str], int] = {}
        self.buckets = [0] * len(_LIMITS)
        self.seconds = 0.0

    def end(self, code: str, reason: str, seconds: float) -> None:
        """Count a call that ended."""
        key = (code, reason)
        self.ended[key] = self.ended.get(key, 0) + 1
        self.buckets[bisect_left(SECONDS, seconds)] += 1
        self.seconds += seconds


class Calls(Collector):
    """The calls of all methods, as Prometheus wants them."""

    def __init__(self) -> None:
        """Start without any method."""
        self._tallies: dict[str, Tally] = {}

    def of(self, method: str) -> Tally:
        """Return the tally of a method."""
        return self._tallies.setdefault(method, Tally())

    def collect(self) -> Iterable[Metric]:
        """Hand the numbers over."""
        started = CounterMetricFamily(
            "gonghai_calls_started", "Calls that came in", labels=["method"]
        )
        handled = CounterMetricFamily(
            "gonghai_calls_handled", "Calls that ended", labels=["method", "code", "reason"]
        )
        seconds = HistogramMetricFamily(
            "gonghai_call_seconds", "Seconds from the request to the answer", labels=["method"]
        )
        progress = GaugeMetricFamily(
            "gonghai_calls_in_progress", "Calls being answered", labels=["method"]
        )
        for method, tally in list(self._tallies.items()):
            ended = list(tally.ended.items())
            buckets = list(zip(_LIMITS, accumulate(tally.buckets), strict=True))
            started.add_metric([method], tally.started)
            progress.add_metric([method], tally.started - sum(count for _, count in ended))
            seconds.add_metric([method], buckets=buckets, sum_value=tally.seconds)
            for (code, reason), count in ended:
                handled.add_metric([method, code, reason], count)
        return [started, handled, seconds, progress]


class Metrics:
    """The registry of one service, and the door's own metrics in it.

    Attributes:
        registry: Where to register further ones.
        calls: The door's.
        ready: 1 while the service says SERVING.
    """

    def __init__(self) -> None:
        """Start a registry of its own, so that services in one process do not mix."""
        self.registry = CollectorRegistry()
        self.calls = Calls()
        self.registry.register(self.calls)
        self.ready = Gauge("gonghai_ready", "1 while SERVING", registry=self.registry)


class MetricsEndpoint:
    """The HTTP port that Prometheus reads."""

    def __init__(self, metrics: Metrics, host: str, port: int) -> None:
        """Listen at once; port 0 picks a free one."""
        self._server, self._thread = start_http_server(port, addr=host, registry=metrics.registry)
        self.port: int = self._server.server_port

    def __enter__(self) -> Self:
        """Serve."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the port."""
        self.close()

    def close(self) -> None:
        """Close the port and end its thread."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
