"""The days of a sample: it lives by the clock of Shanghai, which has no summer time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from random import Random

MINUTE: Final = 60_000_000
DAY: Final = 24 * 60 * MINUTE
"""Microseconds."""

_OFFSET: Final = 8 * 60 * MINUTE


def local_midnight(instant: int) -> int:
    """Return the instant at which the local day of ``instant`` began."""
    return (instant + _OFFSET) // DAY * DAY - _OFFSET


def office_hour(random: Random) -> int:
    """Draw a time of day between nine and six, as microseconds after midnight."""
    return random.randrange(9 * 60, 18 * 60) * MINUTE
