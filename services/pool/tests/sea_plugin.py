"""A plugin whose every rule a test can steer by tags of the customer and by settings."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from gonghai_engine import Engine
from gonghai_plugin import host_facts
from gonghai_plugin.facts import setting
from gonghai_plugin.outcomes import Clock, ClockUnit, Limits, Plan, Qualify, Refuse
from gonghai_plugin.plugin import Plugin, Settings
from gonghai_plugin.policies import Claim, Qualification, Reclaim
from gonghai_plugin.rules import Rule, all_hits, first_hit, otherwise
from gonghai_plugin.texts import Text


class SeaSettings(Settings):
    """How long clocks run."""

    follow_up_days: int = Field(10, ge=1, description="Days without a follow-up")
    warn_days: int = Field(3, ge=0, description="Days of notice")
    grace_days: int = Field(0, ge=0, description="Days of grace")
    extension_days: int = Field(8, ge=0, description="Days that may be granted altogether")


def _clock(length: object, unit: ClockUnit = ClockUnit.DAYS) -> Clock:
    return Clock(
        "no_follow_up",
        length,  # type: ignore[arg-type]
        Text("no follow-up for too long", "太久未跟进"),
        unit,
        resets_on=("follow_up", "visit"),
    )


SEA: Final = Plugin(
    name="standard",
    version="1.0.0",
    sdk="1.0",
    title=Text("Sea", "海"),
    settings=SeaSettings,
    attributes=(),
    facts=(),
    policies=(
        Claim(
            all_hits(
                Rule(
                    "closed",
                    host_facts.TAGS.has("closed"),
                    Refuse(until_days=5),
                    Text("closed at the moment", "暂时关闭"),
                ),
                Rule(
                    "vip",
                    host_facts.TAGS.has("vip"),
                    Refuse(),
                    Text("for seniors only", "仅限资深销售"),
                ),
                otherwise=Text("nothing speaks against it", "可以领取"),
            ),
            first_hit(
                Rule(
                    "heavy",
                    host_facts.TAGS.has("heavy"),
                    Limits(holding_weight=250, deals_exempt=True),
                    Text("counts two and a half", "占两个半"),
                ),
                Rule(
                    "slow",
                    host_facts.TAGS.has("slow"),
                    Limits(cool_down_days=30, embargo_hours=48),
                    Text("waits longer", "等待更久"),
                ),
                otherwise(Limits(), Text("counts one", "占一个")),
            ),
        ),
        Reclaim(
            first_hit(
                Rule(
                    "hours",
                    host_facts.TAGS.has("hourly"),
                    Plan((_clock(24, ClockUnit.HOURS),), warn_before_days=0),
                    Text("by the hour", "按小时"),
                ),
                Rule(
                    "forever",
                    host_facts.TAGS.has("forever"),
                    Plan(()),
                    Text("never taken back", "不回收"),
                ),
                otherwise(
                    Plan(
                        (_clock(setting("follow_up_days")),),
                        warn_before_days=setting("warn_days"),
                        grace_days=setting("grace_days"),
                        max_extension_days=setting("extension_days"),
                    ),
                    Text("by follow-ups", "按跟进"),
                ),
            ),
            all_hits(otherwise=Text("no stop", "不停表")),
        ),
        Qualification(
            first_hit(
                Rule(
                    "missed",
                    host_facts.ACTIVITY_OUTCOME.equals("not_reached"),
                    Qualify(counts=False),
                    Text("nobody was reached", "未接通"),
                ),
                otherwise(Qualify(counts=True), Text("it counts", "有效")),
            )
        ),
    ),
)


def sea_engine() -> Engine:
    """Return an engine with this plugin alone."""
    return Engine({"standard": SEA})
