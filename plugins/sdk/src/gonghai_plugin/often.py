"""Who buys a category often (常购品类), and so would want to hear of a new product of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gonghai_plugin.facts import Setting


@dataclass(frozen=True, slots=True)
class Often:
    """How many orders with a category, within how many days, are often.

    A window of days ends today and begins at a local midnight. An order counts once for each
    category of its lines, whatever it brought; one that was corrected does not. The fact
    `gonghai_plugin.host_facts.BUYS_OFTEN` has the categories, and customers are listed by them.
    """

    at_least: int | Setting
    """Orders: 1 to 10,000."""
    within_days: int | Setting
    """Days: 1 to 3,650."""
