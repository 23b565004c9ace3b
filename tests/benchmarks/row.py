"""What a measurement found, beside what it is compared with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table; `figure` and `baseline` are from the same run and in `unit`.

    Attributes:
        id: of the row, such as `S1`.
        work: what was done.
        compared_with: what the baseline is.
        unit: of figure and baseline.
        figure: what was found.
        baseline: what it is compared with.
        ratio: figure by baseline.
        reach: what the ratio is to be at least or, where `at_most`, at most.
        at_most: whether less is better.
        more: further figures, named with their units.
    """

    id: str
    work: str
    compared_with: str
    unit: str
    figure: float
    baseline: float
    ratio: float
    reach: float
    at_most: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reached(self) -> bool:
        """Whether the ratio is as it shall be."""
        return self.ratio <= self.reach if self.at_most else self.ratio >= self.reach


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that is not below `share` (0 to 1) of all; 0 of none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]
