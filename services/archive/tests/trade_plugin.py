"""A plugin for tests: one attribute of each sort, and rules that turn on a single fact each."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from gonghai_engine import Engine
from gonghai_plugin import host_facts as host
from gonghai_plugin.attributes import Attribute
from gonghai_plugin.facts import INT64, TEXT, setting
from gonghai_plugin.outcomes import Admit, Plan, Stage, Tier
from gonghai_plugin.plugin import Plugin, Settings
from gonghai_plugin.policies import Admission, Lifecycle, Reclaim, Tiering
from gonghai_plugin.rules import Rule, all_hits, first_hit, otherwise
from gonghai_plugin.texts import Text


def _same(text: str) -> Text:
    return Text(text, text)


class TradeSettings(Settings):
    """The thresholds of the rules."""

    key_amount: int = Field(1_000_000, ge=0, description="Minor units a year of a key customer")
    dormant_days: int = Field(60, ge=1, description="Days without an order")
    north_days: int = Field(7, ge=0, description="Days in the pool of the north")


OUTLETS: Final = Attribute("outlets", INT64, _same("outlets"), minimum=0)
CREDIT: Final = Attribute("credit_note", TEXT, _same("credit"), sensitive=True)

TRADE: Final = Plugin(
    name="standard",
    version="1.0.0",
    sdk="1.0",
    title=_same("Trade"),
    settings=TradeSettings,
    attributes=(OUTLETS, CREDIT),
    facts=(),
    policies=(
        Lifecycle(
            first_hit(
                Rule(
                    "never",
                    host.DAYS_SINCE_LAST_ORDER.is_missing(),
                    Stage("prospect", _same("prospect")),
                    _same("no order yet"),
                ),
                Rule(
                    "asleep",
                    host.DAYS_SINCE_LAST_ORDER.at_least(setting("dormant_days")),
                    Stage("dormant", _same("dormant")),
                    _same("no order for {days_since_last_order} days"),
                ),
                otherwise(Stage("active", _same("active")), _same("it orders")),
            )
        ),
        Tiering(
            first_hit(
                Rule(
                    "bad-credit",
                    CREDIT.fact.equals("poor"),
                    Tier("D", 5, _same("D")),
                    _same("credit is {credit_note}"),
                ),
                Rule(
                    "key",
                    host.AMOUNT_365D.at_least(setting("key_amount")),
                    Tier("key", 90, _same("key")),
                    Text("bought for {amount_365d} in a year", "年采购额{amount_365d}"),
                ),
                Rule(
                    "big",
                    OUTLETS.fact.at_least(10),
                    Tier("B", 50, _same("B")),
                    _same("{outlets} outlets"),
                ),
                otherwise(Tier("C", 10, _same("C")), _same("little so far")),
            )
        ),
        Admission(
            first_hit(
                Rule(
                    "east",
                    host.REGIONS.has("east"),
                    Admit("east"),
                    Text("in the east", "在华东"),
                ),
                Rule(
                    "north-first",
                    host.REGIONS.has("north"),
                    Admit("north", then="common", after_days=setting("north_days")),
                    _same("the north comes first"),
                ),
                otherwise(Admit("common"), _same("anywhere")),
            )
        ),
        Reclaim(
            first_hit(
                Rule(
                    "ordered",
                    host.DAYS_SINCE_LAST_ORDER.is_known(),
                    Plan(clocks=()),
                    _same("it ordered"),
                ),
                otherwise(Plan(clocks=()), _same("no clock")),
            ),
            all_hits(otherwise=_same("no stop-clock")),
        ),
    ),
)


def trade_engine() -> Engine:
    """Return an engine with this plugin alone, as the standard one."""
    return Engine({"standard": TRADE})
