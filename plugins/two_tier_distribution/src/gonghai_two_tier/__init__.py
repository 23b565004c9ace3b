"""The policy of distribution in two tiers (二级分销)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gonghai_plugin import Often, Plugin, Text, Upline, hookimpl, setting
from gonghai_two_tier import collisions, commissions, custody, extensions, succession, worth
from gonghai_two_tier.attributes import ATTRIBUTES, SPONSOR
from gonghai_two_tier.facts import FACTS
from gonghai_two_tier.settings import TwoTierSettings
from gonghai_two_tier.workflows import WORKFLOWS

if TYPE_CHECKING:
    from gonghai_plugin import Registry

TWO_TIER: Final = Plugin(
    name="two_tier_distribution",
    version="0.1.0",
    sdk="1.4",
    title=Text("Two-tier distribution", "二级分销"),
    settings=TwoTierSettings,
    attributes=ATTRIBUTES,
    facts=FACTS,
    policies=(
        worth.LIFECYCLE,
        worth.TIERING,
        worth.FOLLOW_UP,
        worth.RISK,
        custody.ADMISSION,
        custody.CLAIM,
        custody.RECLAIM,
        custody.QUALIFICATION,
        custody.MATCHING,
        commissions.INCENTIVES,
        collisions.COLLISIONS,
        succession.SUCCESSION,
        extensions.EXTENSION,
    ),
    upline=Upline(SPONSOR),
    workflows=WORKFLOWS,
    buys_often=Often(at_least=setting("often.orders"), within_days=setting("often.days")),
)
"""What the plugin declares."""


class _Hooks:
    @hookimpl
    def register(self, registry: Registry) -> None:
        """Hand the declarations over."""
        registry.add(TWO_TIER)


plugin: Final = _Hooks()
"""What the entry point names."""
