"""On which day of a year a sample's story is best begun: before what its trade lives by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from gonghai_plugin.sample.model import SampleData


class Make(Protocol):
    """What makes a sample."""

    def __call__(self, *, seed: int = ..., start: int, customers: int = ...) -> SampleData:
        """Make the sample as it stands at ``start``: the same one for the same arguments."""


@dataclass(frozen=True, slots=True)
class Opening:
    """Makes a sample, and says in which month and on which day it is best begun.

    A demo that is told of no day begins on the next such one. The sample can start on any.
    """

    make: Make
    month: int
    day: int

    def __call__(self, *, start: int, **others: int) -> SampleData:
        """Make the sample as it stands at ``start``."""
        return self.make(start=start, **others)


def opens(*, month: int, day: int) -> Callable[[Make], Opening]:
    """Say on which day of a year the sample that a function makes is best begun."""
    return lambda make: Opening(make, month, day)
