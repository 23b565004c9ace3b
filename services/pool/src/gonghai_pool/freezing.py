"""Freezing: what quarantined events keep from being done, since what is known may be wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gonghai_plugin import Text

BECAUSE: Final = Text(
    "events are in quarantine: something about the customer, its holder or the tenant's policy"
    " could not be taken in yet",
    "有事件被隔离：客户、其负责人或租户策略的某项变化尚未能处理",
)
"""Why a holding is not taken back, for a person."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """What quarantined events keep from being done with a customer.

    Attributes:
        claim: events about the customer himself are in quarantine: nobody may claim him.
        reclaim: those, or a revision of the policy, or events about who holds him: he is neither
            warned of nor taken back.
    """

    claim: bool
    reclaim: bool
