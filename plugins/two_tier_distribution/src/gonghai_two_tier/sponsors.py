"""Who sponsors whom: two levels, no loops; what a sponsor's second level adds up to.

Plain functions for whoever keeps the attributes ``sponsor`` and ``second_level_…`` up to date: an
import, the ERP's nightly job, the sample. A rule sees one customer at a time and can't see a loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class SponsorError(ValueError):
    """A distributor can't stand where it was put; ``distributor`` names it."""

    def __init__(self, distributor: str, message: str) -> None:
        super().__init__(f"distributor {distributor!r}: {message}")
        self.distributor = distributor


@dataclass(frozen=True, slots=True)
class SecondLevel:
    """What a sponsor's second level adds up to; the amount in minor units, over 365 days."""

    members: int = 0
    active: int = 0
    amount: int = 0


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


def roll_up(
    sponsors: Mapping[str, str | None],
    amounts: Mapping[str, int],
    active: Collection[str],
) -> dict[str, SecondLevel]:
    """Return what the second level of each first-level distributor adds up to.

    ``amounts`` is each one's own in 365 days, ``active`` who ordered in 90. Nobody is counted
    twice, and nobody for itself. Raises SponsorError as `check` does.
    """
    check(sponsors)
    totals = {name: SecondLevel() for name, sponsor in sponsors.items() if sponsor is None}
    for distributor, sponsor in sponsors.items():
        if sponsor is not None:
            so_far = totals[sponsor]
            totals[sponsor] = SecondLevel(
                so_far.members + 1,
                so_far.active + (distributor in active),
                so_far.amount + amounts.get(distributor, 0),
            )
    return totals


def re_parented(
    leaving: str,
    sponsors: Mapping[str, str | None],
    regions: Mapping[str, str],
    amounts: Mapping[str, int],
) -> dict[str, str | None]:
    """Return the new sponsor of each distributor whose sponsor leaves; None: nobody is left.

    By rule: the first-level distributor of its own region with the largest own amount, the smaller
    id where two have the same. Raises SponsorError as `check` does.
    """
    check(sponsors)
    heirs: dict[str, str] = {}
    for name in sorted(sponsors):
        if sponsors[name] is not None or name == leaving or name not in regions:
            continue
        best = heirs.get(regions[name])
        if best is None or amounts.get(name, 0) > amounts.get(best, 0):
            heirs[regions[name]] = name
    return {
        name: heirs.get(regions.get(name, ""))
        for name, sponsor in sorted(sponsors.items())
        if sponsor == leaving
    }


def _reaches_itself(distributor: str, sponsors: Mapping[str, str | None]) -> bool:
    seen: set[str] = set()
    at: str | None = distributor
    while at is not None and at not in seen:
        seen.add(at)
        at = sponsors.get(at)
    return at == distributor
