"""The store's two clocks as a process sees them: estimates between answers, never wall time."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gonghai_chassis.store.partitions import Partition

MICROSECONDS = 1_000_000


@dataclass(slots=True)
class _Seen:
    """The last answer of a partition: both clocks, and when it came by this process' own count."""

    real: int = 0
    now: int = 0
    at: float = 0.0


class StoreClock:
    """What the answers of each partition said about its clocks.

    The real clock goes on by itself between answers, so `real` adds what has passed since. Domain
    time may stand still, so `now` is as of the last answer when it did not move along.
    """

    def __init__(self, partitions: int) -> None:
        self._seen = [_Seen() for _ in range(partitions)]

    def seen(self, partition: Partition, real: int, now: int) -> None:
        """Takes in an answer that has just come."""
        seen = self._seen[partition.index]
        seen.at = monotonic()
        seen.real = real
        seen.now = now

    def real(self, partition: Partition) -> int:
        """The store's real time (µs): not ahead of it by more than clocks drift between answers."""
        seen = self._seen[partition.index]
        return seen.real + int((monotonic() - seen.at) * MICROSECONDS)

    def now(self, partition: Partition) -> int:
        """Domain time (µs) as of the last answer; for display, decisions read it themselves."""
        return self._seen[partition.index].now

    def deadline(self, partition: Partition, deadline: float) -> int:
        """A deadline (seconds of `time.monotonic`) as the store's real time (µs)."""
        seen = self._seen[partition.index]
        return seen.real + int((deadline - seen.at) * MICROSECONDS)
