"""Who sponsors whom: two levels and no loops.

A plain function for whoever brings a whole tree of distributors, such as an import, and wants to
know what is wrong with it before the archive refuses one after the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class SponsorError(ValueError):
    """A distributor can't stand where it was put; ``distributor`` names it."""

    def __init__(self, distributor: str, message: str) -> None:
        super().__init__(f"distributor {distributor!r}: {message}")
        self.distributor = distributor


def check(sponsors: Mapping[str, str | None]) -> None:
    """Make sure that there are two levels and no more.

    ``sponsors`` names the sponsor of each distributor, None for one of the first level. Raises
    SponsorError, by the smallest id, for one that sponsors itself (be it over others), whose
    sponsor is not known, or whose sponsor has one.
    """
    for distributor in sorted(sponsors):
        sponsor = sponsors[distributor]
        if sponsor is None:
            continue
        if sponsor not in sponsors:
            raise SponsorError(distributor, f"its sponsor {sponsor!r} is not known")
        if _reaches_itself(distributor, sponsors):
            raise SponsorError(distributor, "it would be its own sponsor")
        if sponsors[sponsor] is not None:
            raise SponsorError(distributor, f"its sponsor {sponsor!r} is of the second level")


def _reaches_itself(distributor: str, sponsors: Mapping[str, str | None]) -> bool:
    seen: set[str] = set()
    at: str | None = distributor
    while at is not None and at not in seen:
        seen.add(at)
        at = sponsors.get(at)
    return at == distributor
