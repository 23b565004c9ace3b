"""Regions: the tenant's map as a tree, each with facts that rules may use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

FactValue = bool | int | str | tuple[str, ...]
"""A fact of a region; a set is a sorted tuple."""


@dataclass(frozen=True, slots=True)
class Region:
    """A region.

    Attributes:
        tenant: whose it is.
        id: its id.
        display_name: what people call it.
        parent: id of the region above it; None at the top.
        path: ids from the top down, joined by slashes: `east/shanghai`.
        facts: what rules may use, by name.
        version: grows by one with each change.
        created: when it was made (µs).
        updated: when it last changed (µs).
    """

    tenant: str
    id: str
    display_name: str
    parent: str | None
    path: str
    facts: Mapping[str, FactValue] = field(default_factory=dict)
    version: int = 1
    created: int = 0
    updated: int = 0


def with_ancestors(path: str) -> frozenset[str]:
    """The paths of a region and of all regions above it; none for the empty path."""
    parts = path.split("/") if path else []
    return frozenset("/".join(parts[:end]) for end in range(1, len(parts) + 1))
