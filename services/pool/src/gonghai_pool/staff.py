"""Reps and teams, as assignment tells of them: what membership and claims depend on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class RepState(IntEnum):
    """Whether a rep works; numbered as in the contract."""

    ACTIVE = 1
    PAUSED = 2
    """Works, but shall not be given customers."""
    LEFT = 3
    """Claims nothing, is given nothing."""


@dataclass(frozen=True, slots=True)
class Rep:
    """A rep.

    Attributes:
        seniority: points, 0 to 100.
        regions: paths he works in, each with all below it.
        leaves: spans (start, end or 0 while it is open) in which he is away (instants).
    """

    id: str
    version: int
    team: str = ""
    roles: tuple[str, ...] = ()
    state: RepState = RepState.ACTIVE
    seniority: int = 0
    skills: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    leaves: tuple[tuple[int, int], ...] = ()

    def covers(self, region: str) -> bool:
        """Whether a region lies in one of his."""
        return bool(region) and any(
            region == own or region.startswith(own + "/") for own in self.regions
        )


@dataclass(frozen=True, slots=True)
class Team:
    """A team and the reps who manage it."""

    id: str
    version: int
    managers: tuple[str, ...] = ()
