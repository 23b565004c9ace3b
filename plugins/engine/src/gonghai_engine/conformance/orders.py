"""What a process that examines is asked to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LATENCY_RATIO: Final = 20
"""A decision may cost so many times as much CPU as one of the baseline's five rules."""


@dataclass(frozen=True, slots=True)
class Order:
    """One plugin to be looked at.

    Attributes:
        plugin: the name of its entry point.
        golden: the file of its golden decisions; "" for none.
        latency_ratio: how many times as long as the baseline's a decision may take.
        repeat: only decide again, for the digest.
        turned: ask in another order.
        excused: checks that warn where they would fail, each one of `EXCUSABLE`.
    """

    plugin: str
    golden: str
    latency_ratio: float
    repeat: bool = False
    turned: bool = False
    excused: tuple[str, ...] = ()
