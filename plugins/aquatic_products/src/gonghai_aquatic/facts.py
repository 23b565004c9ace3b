"""The industry's own figures, made from attributes and activities."""

from __future__ import annotations

from typing import Final

from gonghai_aquatic import attributes
from gonghai_plugin import (
    INT64,
    Text,
    Unit,
    derived,
    first_known,
    largest,
    pick,
    ratio,
    setting,
    smallest,
    when,
)
from gonghai_plugin import host_facts as host

BUSINESS: Final = attributes.BUSINESS.fact
SEA_AREA: Final = attributes.SEA_AREA.fact
SUPPLY: Final = attributes.SUPPLY.fact
FORMS: Final = attributes.FORM_SET.fact

LIVES_ON_CATCH: Final = SUPPLY.is_one_of(setting("moratorium.supplies"))

_CLOSED_SEASON_DAYS: Final = when(LIVES_ON_CATCH, setting("moratorium.longest_days"), 0)

DORMANT_AFTER: Final = derived(
    "dormant_after_days",
    INT64,
    Text("days without an order until dormant", "多少天未进货视为沉睡"),
    pick(BUSINESS, setting("dormant_days"), otherwise=30),
    Unit.DAYS,
)
CHURNED_AFTER: Final = derived(
    "churned_after_days",
    INT64,
    Text(
        "days without an order until churned; the closed season is added for who lives on the "
        "catch",
        "多少天未进货视为流失（以捕捞为主的另加休渔期）",
    ),
    pick(BUSINESS, setting("churned_days"), otherwise=90) + _CLOSED_SEASON_DAYS,
    Unit.DAYS,
)
SLOW_AFTER: Final = derived(
    "slow_after_days",
    INT64,
    Text(
        "twice the customer's own mean order interval; the closed season is added for who lives "
        "on the catch",
        "自身平均进货间隔的两倍（以捕捞为主的另加休渔期）",
    ),
    # The mean has one decimal place: two tenths of its scaled value are twice the mean.
    host.MEAN_ORDER_INTERVAL_DAYS * 2 // 10 + _CLOSED_SEASON_DAYS,
    Unit.DAYS,
)
VALUE_POINTS: Final = derived(
    "value_points",
    INT64,
    Text("points of value: amount twice, frequency, interval", "价值得分：金额×2＋频次＋间隔"),
    when(
        host.AMOUNT_365D.at_least(setting("value.amount_high")),
        6,
        when(
            host.AMOUNT_365D.at_least(setting("value.amount_medium")),
            4,
            when(host.AMOUNT_365D.more_than(0), 2, 0),
        ),
    )
    + when(
        host.ORDERS_365D.at_least(setting("value.orders_high")),
        3,
        when(
            host.ORDERS_365D.at_least(setting("value.orders_medium")),
            2,
            when(host.ORDERS_365D.more_than(0), 1, 0),
        ),
    )
    + when(
        host.MEAN_ORDER_INTERVAL_DAYS.at_most(setting("value.interval_short")),
        3,
        when(
            host.MEAN_ORDER_INTERVAL_DAYS.at_most(setting("value.interval_medium")),
            2,
            when(host.MEAN_ORDER_INTERVAL_DAYS.is_known(), 1, 0),
        ),
    ),
)
INTENT_POINTS: Final = derived(
    "intent_points",
    INT64,
    Text(
        "points of intent: 3 with an open opportunity, else 2 or 1 by the products asked about",
        "意向得分：有在谈商机3分，否则按询问品种数2或1分",
    ),
    when(
        host.OPEN_OPPORTUNITIES.at_least(1),
        3,
        when(
            host.INTERESTS_90D.at_least(setting("potential.interests")),
            2,
            when(host.INTERESTS_90D.at_least(1), 1, 0),
        ),
    ),
)
POTENTIAL_POINTS: Final = derived(
    "potential_points",
    INT64,
    Text("points of potential: standing, outlook, intent", "潜力得分：地位＋前景＋意向"),
    pick(
        attributes.STANDING.fact,
        setting("potential.standing_points"),
        otherwise=setting("potential.unknown_points"),
    )
    + pick(
        attributes.OUTLOOK.fact,
        setting("potential.outlook_points"),
        otherwise=setting("potential.unknown_points"),
    )
    + INTENT_POINTS,
)
CADENCE: Final = derived(
    "cadence_days",
    INT64,
    Text(
        "days between follow-ups: the tier's, or the customer's own order interval when shorter",
        "跟进间隔：按分级，自身进货间隔更短时取其短（天）",
    ),
    largest(
        3,
        smallest(
            pick(host.TIER, setting("cadence_days"), otherwise=30),
            first_known(host.MEAN_ORDER_INTERVAL_DAYS // 10, 365),
        ),
    ),
    Unit.DAYS,
)
FEEDBACK_LEFT: Final = derived(
    "feedback_left_percent",
    INT64,
    Text("feedback of 90 days as a percentage of the 90 before", "近90天反馈环比（%）"),
    ratio(host.FEEDBACK_90D * 100, host.FEEDBACK_PREVIOUS_90D, scale=0),
    Unit.PERCENT,
)
NO_FOLLOW_UP_AFTER: Final = derived(
    "no_follow_up_after_days",
    INT64,
    Text("days without a follow-up until a reclaim", "多少天未跟进回收"),
    pick(host.TIER, setting("clocks.no_follow_up_days"), otherwise=30),
    Unit.DAYS,
)
NO_ORDER_AFTER: Final = derived(
    "no_order_after_days",
    INT64,
    Text("days without an order until a reclaim", "多少天未进货回收"),
    pick(BUSINESS, setting("clocks.no_order_days"), otherwise=60),
    Unit.DAYS,
)
VISIT_EXTENDS: Final = derived(
    "visit_extends_days",
    INT64,
    Text("days more until an order is due that a visit gives", "每次上门延长多少天"),
    pick(BUSINESS, setting("clocks.visit_extends_days"), otherwise=0),
    Unit.DAYS,
)
HOLDING_WEIGHT: Final = derived(
    "holding_weight",
    INT64,
    Text("what the customer counts for in a holding, in hundredths", "保有权重（百分之一）"),
    pick(host.TIER, setting("claims.holding_weights"), otherwise=100),
)
LIFETIME_VALUE: Final = derived(
    "lifetime_value",
    INT64,
    Text(
        "what the next two years bring: the last year's amount carried on (a year, so that it "
        "holds a closed season), half of it for a dormant customer, nothing for a churned one",
        "未来两年预计金额：按近一年金额推算（含一个休渔期），沉睡减半，流失为零",
    ),
    when(
        host.STAGE.equals("churned"),
        0,
        when(host.STAGE.equals("dormant"), host.AMOUNT_365D, host.AMOUNT_365D * 2),
    ),
    Unit.MONEY,
)

FACTS: Final = (
    DORMANT_AFTER,
    CHURNED_AFTER,
    SLOW_AFTER,
    VALUE_POINTS,
    INTENT_POINTS,
    POTENTIAL_POINTS,
    CADENCE,
    FEEDBACK_LEFT,
    NO_FOLLOW_UP_AFTER,
    NO_ORDER_AFTER,
    VISIT_EXTENDS,
    HOLDING_WEIGHT,
    LIFETIME_VALUE,
)
"""Every derived fact, each after those it needs."""
