"""How many calls to other services are owed, and for how long: for Prometheus.

| name | type | labels | says |
|---|---|---|---|
| gonghai_intents | gauge | service | calls to other services that are not answered yet |
| gonghai_oldest_intent_seconds | gauge | service | age of the oldest of them; 0 without any |
| gonghai_intent_failures_total | counter | service, kind | attempts that got no answer |

A replica counts the partitions whose lease it holds: the sum over the replicas is the whole, and
the greatest age is the oldest.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from gonghai_chassis.clock import MICROSECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.metrics_core import Metric

    from gonghai_chassis.store.store import Store


class IntentTally(Collector):
    """What the intent workers of one store count; written by the event loop, read by a thread."""

    def __init__(self, area: str) -> None:
        self._area = area
        self._owed: dict[int, tuple[int, float]] = {}
        self._failures: dict[str, int] = {}

    def stand(self, partition: int, count: int, age: int) -> None:
        """So many are owed there, the oldest for so long (µs)."""
        since = monotonic() - age / MICROSECONDS if count else 0.0
        self._owed[partition] = (count, since)

    def forget(self, partition: int) -> None:
        """Another replica counts that partition now."""
        self._owed.pop(partition, None)

    def failed(self, kind: str) -> None:
        """An attempt got no answer."""
        self._failures[kind] = self._failures.get(kind, 0) + 1

    def collect(self) -> Iterable[Metric]:
        """Hands the numbers over."""
        owed = GaugeMetricFamily(
            "gonghai_intents", "Calls to others that are not answered yet", labels=["service"]
        )
        age = GaugeMetricFamily(
            "gonghai_oldest_intent_seconds", "Age of the oldest of them", labels=["service"]
        )
        failures = CounterMetricFamily(
            "gonghai_intent_failures", "Attempts without an answer", labels=["service", "kind"]
        )
        standing = list(self._owed.copy().values())
        owed.add_metric([self._area], sum(count for count, _ in standing))
        now = monotonic()
        age.add_metric([self._area], max((now - since for n, since in standing if n), default=0.0))
        for kind, count in self._failures.copy().items():
            failures.add_metric([self._area, kind], count)
        return [owed, age, failures]


_tallies: WeakKeyDictionary[Store, IntentTally] = WeakKeyDictionary()


def intent_tally_of(store: Store) -> IntentTally:
    """The tally of all intent workers over a store."""
    tally = _tallies.get(store)
    if tally is None:
        tally = _tallies[store] = IntentTally(store.area)
    return tally
