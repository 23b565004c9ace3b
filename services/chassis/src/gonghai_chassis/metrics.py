"""What Prometheus reads of a service.

| name | type | labels | says |
|---|---|---|---|
| gonghai_calls_started_total | counter | method | calls that came in |
| gonghai_calls_handled_total | counter | method, code, reason | calls that ended, and how |
| gonghai_call_seconds | histogram | method | seconds from the request to the answer |
| gonghai_calls_in_progress | gauge | – | calls being answered, open streams included |
| gonghai_ready | gauge | – | 1 while the service says SERVING |

`method` is the full method without the leading slash. Services add their own to the same registry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import start_http_server

if TYPE_CHECKING:
    from types import TracebackType

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The registry of one service, and the door's own metrics in it."""

    def __init__(self) -> None:
        """Start a registry of its own, so that services in one process do not mix."""
        self.registry = CollectorRegistry()
        self.started = Counter(
            "gonghai_calls_started", "Calls that came in", ["method"], registry=self.registry
        )
        self.handled = Counter(
            "gonghai_calls_handled",
            "Calls that ended",
            ["method", "code", "reason"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "gonghai_call_seconds",
            "Seconds from the request to the answer",
            ["method"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.in_progress = Gauge(
            "gonghai_calls_in_progress", "Calls being answered", registry=self.registry
        )
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
