"""The policy of trade in aquatic products (水产)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gonghai_aquatic import custody, extensions, worth
from gonghai_aquatic.attributes import ATTRIBUTES
from gonghai_aquatic.facts import FACTS
from gonghai_aquatic.settings import AquaticSettings
from gonghai_aquatic.workflows import WORKFLOWS
from gonghai_plugin import Often, Plugin, Text, hookimpl, setting

if TYPE_CHECKING:
    from gonghai_plugin import Registry

AQUATIC: Final = Plugin(
    name="aquatic_products",
    version="0.1.0",
    sdk="1.4",
    title=Text("Aquatic products", "水产"),
    settings=AquaticSettings,
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
        registry.add(AQUATIC)


plugin: Final = _Hooks()
"""What the entry point names."""
