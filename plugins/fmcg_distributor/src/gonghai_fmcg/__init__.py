"""The policy of fast-moving consumer goods distribution (快消)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gonghai_fmcg import collisions, custody, extensions, worth
from gonghai_fmcg.attributes import ATTRIBUTES
from gonghai_fmcg.facts import FACTS
from gonghai_fmcg.settings import FmcgSettings
from gonghai_fmcg.workflows import WORKFLOWS
from gonghai_plugin import Often, Plugin, Text, hookimpl, setting

if TYPE_CHECKING:
    from gonghai_plugin import Registry

FMCG: Final = Plugin(
    name="fmcg_distributor",
    version="0.1.0",
    sdk="1.4",
    title=Text("FMCG distribution", "快消经销"),
    settings=FmcgSettings,
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
        collisions.COLLISIONS,
        extensions.EXTENSION,
    ),
    workflows=WORKFLOWS,
    buys_often=Often(at_least=setting("often.orders"), within_days=setting("often.days")),
)
"""What the plugin declares."""


class _Hooks:
    @hookimpl
    def register(self, registry: Registry) -> None:
        """Hand the declarations over."""
        registry.add(FMCG)


plugin: Final = _Hooks()
"""What the entry point names."""
