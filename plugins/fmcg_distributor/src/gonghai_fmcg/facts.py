"""The industry's own figures, made from attributes and activities."""

from __future__ import annotations

from typing import Final

from gonghai_fmcg import attributes
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

ROLE: Final = attributes.CHANNEL_ROLE.fact
OUTLETS: Final = attributes.OUTLETS.fact

RHYTHM: Final = derived(
    "order_rhythm_days",
    INT64,
    Text("days between orders usual for the channel role", "该渠道角色的订货节奏（天）"),
    pick(ROLE, setting("order_rhythm_days"), otherwise=30),
    Unit.DAYS,
)
DORMANT_AFTER: Final = derived(
    "dormant_after_days",
    INT64,
    Text("days without an order until dormant", "多少天未订货视为沉睡"),
    RHYTHM * setting("dormant_rhythms"),
    Unit.DAYS,
)
LOST_AFTER: Final = derived(
    "lost_after_days",
    INT64,
    Text("days without an order until lost", "多少天未订货视为流失"),
    RHYTHM * setting("lost_rhythms"),
    Unit.DAYS,
)
TWICE_OWN_INTERVAL: Final = derived(
    "twice_own_interval_days",
    INT64,
    Text("twice the customer's own mean order interval", "自身平均订货间隔的两倍（天）"),
    # The mean has one decimal place: two tenths of its scaled value are twice the mean.
    host.MEAN_ORDER_INTERVAL_DAYS * 2 // 10,
    Unit.DAYS,
)
GROWTH: Final = derived(
    "growth_percent",
    INT64,
    Text("amount of 90 days as a percentage of the 90 before", "近90天金额环比（%）"),
    ratio(host.AMOUNT_90D * 100, host.AMOUNT_PREVIOUS_90D, scale=0),
    Unit.PERCENT,
)
DAYS_LATE: Final = derived(
    "payment_days_late",
    INT64,
    Text("days paid after the credit days", "平均逾期天数"),
    largest(
        0,
        attributes.PAYMENT_DAYS.fact - first_known(attributes.CREDIT_DAYS.fact, 0),
    ),
    Unit.DAYS,
)
CADENCE: Final = derived(
    "cadence_days",
    INT64,
    Text(
        "days between follow-ups: the tier's, or the customer's own order interval when shorter",
        "跟进间隔：按分级，自身订货间隔更短时取其短（天）",
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
    Text("days without an order until a reclaim", "多少天未订货回收"),
    RHYTHM * setting("clocks.no_order_rhythms"),
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
        "what the next two years bring: the amount of the last 90 days carried on, "
        "half of it for a dormant customer, nothing for a lost one",
        "未来两年预计金额：按近90天金额推算，沉睡减半，流失为零",
    ),
    when(
        host.STAGE.equals("lost"),
        0,
        when(host.STAGE.equals("dormant"), host.AMOUNT_90D * 4, host.AMOUNT_90D * 8),
    ),
    Unit.MONEY,
)

FACTS: Final = (
    RHYTHM,
    DORMANT_AFTER,
    LOST_AFTER,
    TWICE_OWN_INTERVAL,
    GROWTH,
    DAYS_LATE,
    CADENCE,
    NO_FOLLOW_UP_AFTER,
    NO_ORDER_AFTER,
    HOLDING_WEIGHT,
    LIFETIME_VALUE,
)
"""Every derived fact, each after those it needs."""
