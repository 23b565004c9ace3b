"""Teams of reps, and who manages them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Team:
    """A team.

    Attributes:
        tenant: whose it is.
        id: its id.
        display_name: what people call it.
        managers: ids of the reps who manage it.
        version: grows by one with each change.
        created: when it was made (µs).
        updated: when it last changed (µs).
    """

    tenant: str
    id: str
    display_name: str
    managers: tuple[str, ...] = ()
    version: int = 1
    created: int = 0
    updated: int = 0
