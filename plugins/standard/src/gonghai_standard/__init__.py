"""A plain RFM policy for tenants whose industry has no plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gonghai_plugin import Plugin, Text, hookimpl
from gonghai_standard import rules
from gonghai_standard.settings import StandardSettings

if TYPE_CHECKING:
    from gonghai_plugin import Registry

STANDARD: Final = Plugin(
    name="standard",
    version="0.1.0",
    sdk="1.0",
    title=Text("Standard (RFM)", "标准（RFM）"),
    settings=StandardSettings,
    attributes=(),
    facts=(rules.LIFETIME_VALUE,),
    policies=(
        rules.LIFECYCLE,
        rules.TIERING,
        rules.FOLLOW_UP,
        rules.RISK,
        rules.ADMISSION,
        rules.CLAIM,
        rules.RECLAIM,
        rules.QUALIFICATION,
        rules.MATCHING,
    ),
)
"""What the plugin declares."""


class _Hooks:
    @hookimpl
    def register(self, registry: Registry) -> None:
        """Hand the declarations over."""
        registry.add(STANDARD)


plugin: Final = _Hooks()
"""What the entry point names."""
