"""How many subjects are in quarantine, and how many events came in: for Prometheus.

| name | type | labels | says |
|---|---|---|---|
| gonghai_quarantined_subjects | gauge | service, source | subjects with events in quarantine |
| gonghai_events_quarantined_total | counter | service, source | events that failed by themselves |

A replica counts the partitions whose lease it holds: their sum over the replicas is the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.metrics_core import Metric

    from gonghai_chassis.store.store import Store

_LABELS = ["service", "source"]


class QuarantineTally(Collector):
    """What the subscribers of one store count; written by the event loop, read by a thread."""

    def __init__(self, area: str) -> None:
        self._area = area
        self._subjects: dict[tuple[str, int], int] = {}
        self._events: dict[str, int] = {}

    def stand(self, source: str, partition: int, subjects: int) -> None:
        """So many subjects are in quarantine there."""
        self._subjects[source, partition] = subjects
        self._events.setdefault(source, 0)

    def forget(self, source: str, partition: int) -> None:
        """Another replica counts that partition now."""
        self._subjects.pop((source, partition), None)

    def count(self, source: str) -> None:
        """An event was quarantined."""
        self._events[source] = self._events.get(source, 0) + 1

    def collect(self) -> Iterable[Metric]:
        """Hands the numbers over."""
        subjects = GaugeMetricFamily(
            "gonghai_quarantined_subjects", "Subjects with events in quarantine", labels=_LABELS
        )
        events = CounterMetricFamily(
            "gonghai_events_quarantined", "Events that could not be processed", labels=_LABELS
        )
        sums = dict.fromkeys(self._events.copy(), 0)
        for (source, _), count in self._subjects.copy().items():
            sums[source] = sums.get(source, 0) + count
        for source, count in sums.items():
            subjects.add_metric([self._area, source], count)
        for source, count in self._events.copy().items():
            events.add_metric([self._area, source], count)
        return [subjects, events]


_tallies: WeakKeyDictionary[Store, QuarantineTally] = WeakKeyDictionary()


def tally_of(store: Store) -> QuarantineTally:
    """The tally of all subscribers over a store."""
    tally = _tallies.get(store)
    if tally is None:
        tally = _tallies[store] = QuarantineTally(store.area)
    return tally
