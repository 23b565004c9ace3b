"""What a customer is worth: stage, tier, follow-up and signs of a loss."""

from __future__ import annotations

from typing import Final

from gonghai_aquatic import facts
from gonghai_plugin import (
    Rule,
    Text,
    all_,
    all_hits,
    any_,
    first_hit,
    not_,
    otherwise,
    setting,
)
from gonghai_plugin import host_facts as host
from gonghai_plugin.outcomes import Cadence, Grade, Signal, Stage, Tier
from gonghai_plugin.policies import FollowUp, Lifecycle, Risk, Tiering

PROSPECT: Final = Stage("prospect", Text("Prospect", "潜在"))
NEW: Final = Stage("new", Text("New", "新客"))
ACTIVE: Final = Stage("active", Text("Active", "活跃"))
LOYAL: Final = Stage("loyal", Text("Loyal", "忠诚"))
DORMANT: Final = Stage("dormant", Text("Dormant", "沉睡"))
CHURNED: Final = Stage("churned", Text("Churned", "流失"))

HIGH: Final = Grade("high", Text("High", "高"))
MEDIUM: Final = Grade("medium", Text("Medium", "中"))
LOW: Final = Grade("low", Text("Low", "低"))

STRATEGIC: Final = Tier("strategic", 95, Text("Strategic", "战略"))
CORE: Final = Tier("core", 80, Text("Core", "核心"))
GROWTH: Final = Tier("growth", 70, Text("Growth", "成长"))
STEADY: Final = Tier("steady", 60, Text("Steady", "稳定"))
REGULAR: Final = Tier("regular", 45, Text("Regular", "常规"))
SEED: Final = Tier("seed", 35, Text("Seed", "培育"))
MINOR: Final = Tier("minor", 15, Text("Minor", "普通"))

LIFECYCLE: Final = Lifecycle(
    first_hit(
        Rule(
            "never-ordered",
            host.DAYS_SINCE_LAST_ORDER.is_missing(),
            PROSPECT,
            Text("has not ordered yet", "尚未进货"),
        ),
        Rule(
            "silent-for-long",
            host.DAYS_SINCE_LAST_ORDER.at_least(facts.CHURNED_AFTER),
            CHURNED,
            Text(
                "no order for {days_since_last_order} days; {churned_after_days} mean a loss",
                "已{days_since_last_order}天未进货，满{churned_after_days}天视为流失",
            ),
        ),
        Rule(
            "silent",
            host.DAYS_SINCE_LAST_ORDER.at_least(facts.DORMANT_AFTER),
            DORMANT,
            Text(
                "no order for {days_since_last_order} days; its kind of business is dormant "
                "after {dormant_after_days}",
                "已{days_since_last_order}天未进货，该业态满{dormant_after_days}天为沉睡",
            ),
        ),
        Rule(
            "first-weeks",
            host.DAYS_SINCE_FIRST_ORDER.less_than(setting("new_days")),
            NEW,
            Text(
                "first ordered {days_since_first_order} days ago",
                "首次进货距今{days_since_first_order}天",
            ),
        ),
        Rule(
            "orders-often",
            host.ORDERS_365D.at_least(setting("loyal_orders")),
            LOYAL,
            Text("{orders_365d} orders in a year", "近一年进货{orders_365d}次"),
        ),
        otherwise(
            ACTIVE,
            Text("ordered {days_since_last_order} days ago", "{days_since_last_order}天前进货"),
            "orders",
        ),
    )
)


def _cell(value: str, potential: str, tier: Tier, en: str, zh: str) -> Rule[Tier]:
    """Return the rule of one cell of the grid."""
    return Rule(
        f"{value}-value-{potential}-potential",
        all_(host.VALUE_GRADE.equals(value), host.POTENTIAL_GRADE.equals(potential)),
        tier,
        Text(
            f"value {{value_points}} of 12, potential {{potential_points}} of 9: {en}",
            f"价值{{value_points}}/12分，潜力{{potential_points}}/9分：{zh}",
        ),
    )


TIERING: Final = Tiering(
    first_hit(
        _cell("high", "high", STRATEGIC, "build it up together", "战略合作，共同开发"),
        _cell("high", "medium", CORE, "hold it and widen it", "稳固份额，扩充品种"),
        _cell("high", "low", STEADY, "keep it supplied", "维持供应，控制投入"),
        _cell("medium", "high", GROWTH, "invest in its growth", "重点投入，促其成长"),
        _cell("medium", "medium", REGULAR, "serve it by routine", "常规维护"),
        _cell("medium", "low", REGULAR, "serve it by routine", "常规维护"),
        _cell("low", "high", SEED, "win its first large order", "培育，争取首个大单"),
        _cell("low", "medium", MINOR, "look in now and then", "定期联系"),
        otherwise(
            MINOR,
            Text(
                "value {value_points} of 12, potential {potential_points} of 9: little to gain",
                "价值{value_points}/12分，潜力{potential_points}/9分：低成本维护",
            ),
            "low-value-low-potential",
        ),
    ),
    value=first_hit(
        Rule(
            "high",
            facts.VALUE_POINTS.at_least(setting("value.high_points")),
            HIGH,
            Text("{value_points} points of value", "价值{value_points}分"),
        ),
        Rule(
            "medium",
            facts.VALUE_POINTS.at_least(setting("value.medium_points")),
            MEDIUM,
            Text("{value_points} points of value", "价值{value_points}分"),
        ),
        otherwise(LOW, Text("{value_points} points of value", "价值{value_points}分"), "low"),
    ),
    potential=first_hit(
        Rule(
            "high",
            facts.POTENTIAL_POINTS.at_least(setting("potential.high_points")),
            HIGH,
            Text("{potential_points} points of potential", "潜力{potential_points}分"),
        ),
        Rule(
            "medium",
            facts.POTENTIAL_POINTS.at_least(setting("potential.medium_points")),
            MEDIUM,
            Text("{potential_points} points of potential", "潜力{potential_points}分"),
        ),
        otherwise(
            LOW,
            Text("{potential_points} points of potential", "潜力{potential_points}分"),
            "low",
        ),
    ),
    lifetime_value=facts.LIFETIME_VALUE,
)

FOLLOW_UP: Final = FollowUp(
    first_hit(
        Rule(
            "churned",
            host.STAGE.equals("churned"),
            Cadence(60, ("wechat", "phone")),
            Text("churned: a try every two months", "已流失：每两个月尝试一次"),
        ),
        Rule(
            "new",
            host.STAGE.equals("new"),
            Cadence(7, ("phone", "visit")),
            Text("new: asked every week how the goods arrived", "新客：每周回访一次，了解到货品质"),
        ),
        Rule(
            "on-site",
            host.TIER.is_one_of(("strategic", "core", "growth")),
            Cadence(facts.CADENCE, ("visit", "phone")),
            Text(
                "tier {tier}: on site every {cadence_days} days",
                "{tier}级：每{cadence_days}天上门一次",
            ),
        ),
        otherwise(
            Cadence(facts.CADENCE, ("phone", "wechat")),
            Text(
                "tier {tier}: a call every {cadence_days} days",
                "{tier}级：每{cadence_days}天电话一次",
            ),
            "by-phone",
        ),
    )
)

RISK: Final = Risk(
    all_hits(
        Rule(
            "valuable-and-silent",
            all_(
                host.TIER.is_one_of(("strategic", "core", "steady")),
                any_(
                    host.STAGE.equals("churned"),
                    # Who lives on the catch sleeps through each closed season.
                    all_(host.STAGE.equals("dormant"), not_(facts.LIVES_ON_CATCH)),
                ),
            ),
            Signal(3),
            Text(
                "tier {tier}, and no order for {days_since_last_order} days",
                "{tier}级客户已{days_since_last_order}天未进货",
            ),
        ),
        Rule(
            "orders-slowing",
            any_(
                host.DAYS_SINCE_LAST_ORDER.more_than(facts.SLOW_AFTER),
                all_(
                    host.ORDER_INTERVAL_TREND_PERCENT.at_least(setting("risk.trend_percent")),
                    # The gap of a closed season is in the last intervals of who lives on the catch.
                    not_(facts.LIVES_ON_CATCH),
                ),
            ),
            Signal(2),
            Text(
                "no order for {days_since_last_order} days, its own interval is "
                "{mean_order_interval_days}",
                "已{days_since_last_order}天未进货，自身平均间隔{mean_order_interval_days}天",
            ),
        ),
        Rule(
            "feedback-drying-up",
            all_(
                host.FEEDBACK_PREVIOUS_90D.at_least(setting("risk.feedback_before")),
                facts.FEEDBACK_LEFT.at_most(setting("risk.feedback_left_percent")),
            ),
            Signal(1),
            Text(
                "feedback {feedback_90d} times in 90 days, {feedback_previous_90d} times before",
                "近90天反馈{feedback_90d}次，上期{feedback_previous_90d}次",
            ),
        ),
        Rule(
            "complaints-rising",
            all_(
                host.COMPLAINTS_90D.at_least(setting("risk.complaints")),
                host.COMPLAINTS_90D.more_than(host.COMPLAINTS_PREVIOUS_90D),
            ),
            Signal(3),
            Text(
                "{complaints_90d} complaints in 90 days, {complaints_previous_90d} before",
                "近90天投诉{complaints_90d}次，上期{complaints_previous_90d}次",
            ),
        ),
        Rule(
            "spoiled-goods",
            host.RETURNS_90D.at_least(setting("risk.returns")),
            Signal(2),
            Text("{returns_90d} returns in 90 days", "近90天退货{returns_90d}次"),
        ),
        Rule(
            "low-satisfaction",
            host.CSAT_90D.less_than(setting("risk.satisfaction")),
            Signal(2),
            Text("satisfaction {csat_90d} of 5", "满意度{csat_90d}分（满分5分）"),
        ),
        otherwise=Text("no sign of a loss", "无流失迹象"),
    )
)
