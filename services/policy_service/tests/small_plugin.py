"""A plugin with two policies, enough to see what PolicyService makes of one."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from gonghai_engine import Engine
from gonghai_plugin import host_facts
from gonghai_plugin.facts import setting
from gonghai_plugin.outcomes import Stage, Tier
from gonghai_plugin.plugin import Plugin, Settings
from gonghai_plugin.policies import Lifecycle, Tiering
from gonghai_plugin.rules import Rule, first_hit, otherwise
from gonghai_plugin.texts import Text


class SmallSettings(Settings):
    """Two thresholds."""

    key_amount: int = Field(1_000_000, ge=0, description="Minor units a year of a key one")
    dormant_days: int = Field(60, ge=1, description="Days without an order")


SMALL: Final = Plugin(
    name="standard",
    version="1.2.3",
    sdk="1.0",
    title=Text("Small", "小"),
    settings=SmallSettings,
    attributes=(),
    facts=(),
    policies=(
        Lifecycle(
            first_hit(
                Rule(
                    "dormant",
                    host_facts.DAYS_SINCE_LAST_ORDER.more_than(setting("dormant_days")),
                    Stage("dormant", Text("dormant", "休眠")),
                    Text(
                        "no order for {days_since_last_order} days",
                        "已{days_since_last_order}天未下单",
                    ),
                ),
                otherwise(Stage("active", Text("active", "活跃")), Text("it orders", "有下单")),
            )
        ),
        Tiering(
            first_hit(
                Rule(
                    "key",
                    host_facts.AMOUNT_365D.at_least(setting("key_amount")),
                    Tier("key", 90, Text("key", "重点")),
                    Text("bought for {amount_365d} in a year", "年采购额{amount_365d}"),
                ),
                otherwise(Tier("C", 10, Text("C", "C级")), Text("little so far", "采购较少")),
            )
        ),
    ),
)


def small_engine() -> Engine:
    """Return an engine with this plugin alone."""
    return Engine({"standard": SMALL})
