"""Customers are decided on anew when their windows slide, or when a decision failed before."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_archive.commands.evaluate import AssessCustomers
    from gonghai_chassis.sweeper import Due


class DueAssessments:
    """Handles what is due, in the order in which it fell due, then by tenant and customer."""

    def __init__(self, assess: AssessCustomers) -> None:
        """Decide by this command."""
        self._assess = assess

    async def __call__(self, due: Sequence[Due], now: int) -> None:
        """Decide on the customers that are due; each step moves or clears its own entry."""
        del now  # the store's own time decides, read together with the customers
        for tenant, entries in groupby(due, key=_tenant):
            await self._assess(tenant, [entry.member.partition("/")[2] for entry in entries])


def _tenant(due: Due) -> str:
    return due.member.partition("/")[0]
