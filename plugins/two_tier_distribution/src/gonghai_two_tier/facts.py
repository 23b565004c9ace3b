"""The industry's own figures, made from attributes and activities."""

from __future__ import annotations

from typing import Final

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
from gonghai_two_tier import attributes

LEVEL: Final = attributes.LEVEL.fact
SPONSOR: Final = attributes.SPONSOR.fact
RIVAL: Final = attributes.RIVAL_SPONSOR.fact
CASES: Final = attributes.CROSS_REGION_CASES.fact

TEAM_AMOUNT: Final = derived(
    "team_amount",
    INT64,
    Text("amount in 365 days, its own and its second level's", "近一年金额（含下级）"),
    host.AMOUNT_365D + first_known(host.DOWNLINE_AMOUNT_365D, 0),
    Unit.MONEY,
)
ACTIVE_MEMBERS: Final = derived(
    "active_members",
    INT64,
    Text("second-level members who ordered in 90 days", "活跃下级数"),
    first_known(host.DOWNLINE_ACTIVE_90D, 0),
)
ACTIVE_SHARE: Final = derived(
    "active_members_percent",
    INT64,
    Text("active members in a hundred", "下级活跃率（%）"),
    ratio(ACTIVE_MEMBERS * 100, host.DOWNLINE_MEMBERS, scale=0),
    Unit.PERCENT,
)
ATTAINMENT: Final = derived(
    "attainment_percent",
    INT64,
    Text("team amount as a percentage of the commitment", "任务完成率（%）"),
    ratio(TEAM_AMOUNT * 100, attributes.COMMITMENT.fact, scale=0),
    Unit.PERCENT,
)
DORMANT_AFTER: Final = derived(
    "dormant_after_days",
    INT64,
    Text("days without an order until dormant", "多少天未订货视为沉睡"),
    pick(LEVEL, setting("dormant_days"), otherwise=45),
    Unit.DAYS,
)
LOST_AFTER: Final = derived(
    "lost_after_days",
    INT64,
    Text("days without an order until lost", "多少天未订货视为流失"),
    pick(LEVEL, setting("lost_days"), otherwise=150),
    Unit.DAYS,
)
TWICE_OWN_INTERVAL: Final = derived(
    "twice_own_interval_days",
    INT64,
    Text("twice its own mean order interval", "自身平均订货间隔的两倍（天）"),
    # The mean has one decimal place: two tenths of its scaled value are twice the mean.
    host.MEAN_ORDER_INTERVAL_DAYS * 2 // 10,
    Unit.DAYS,
)
CADENCE: Final = derived(
    "cadence_days",
    INT64,
    Text(
        "days between follow-ups: the tier's, or its own order interval when shorter",
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
    pick(LEVEL, setting("clocks.no_order_days"), otherwise=60),
    Unit.DAYS,
)
IN_A_SPONSORS_POOL: Final = derived(
    "in_a_sponsors_pool",
    INT64,
    Text("1 in the pool of a sponsor, else 0", "是否在上级公海（1是0否）"),
    # A derived fact and no condition: a tenant has hundreds of sponsors.
    when(host.POOL.is_one_of(setting("pools.by_sponsor")), 1, 0),
)
SPONSOR_FIRST_LEFT: Final = derived(
    "sponsor_first_days_left",
    INT64,
    Text("days left in which only the sponsor's people may claim it", "上级优先剩余天数"),
    largest(0, setting("claims.sponsor_first_days") - host.DAYS_IN_POOL),
    Unit.DAYS,
)
OWN_COMMISSION: Final = derived(
    "own_commission",
    INT64,
    Text("what it gets for its own order, in basis points", "自身返佣（万分比）"),
    when(
        LEVEL.equals("first"),
        pick(host.TIER, setting("commissions.first_level"), otherwise=0),
        pick(host.TIER, setting("commissions.second_level"), otherwise=0),
    ),
)
SPONSORS_COMMISSION: Final = derived(
    "sponsors_commission",
    INT64,
    Text("what its sponsor gets for its order, in basis points", "上级佣金（万分比）"),
    pick(host.TIER, setting("commissions.to_sponsor"), otherwise=0),
)
HOLDING_WEIGHT: Final = derived(
    "holding_weight",
    INT64,
    Text("what it counts for in a holding, in hundredths", "保有权重（百分之一）"),
    pick(host.TIER, setting("claims.holding_weights"), otherwise=100),
)
LIFETIME_VALUE: Final = derived(
    "lifetime_value",
    INT64,
    Text(
        "what the next two years bring: its own amount of the last 90 days carried on, half of it "
        "for a dormant one, nothing for a lost one; a sponsor's second level stands for itself",
        "未来两年预计金额：按自身近90天金额推算，沉睡减半，流失为零，下级不重复计入",
    ),
    when(
        host.STAGE.equals("lost"),
        0,
        when(host.STAGE.equals("dormant"), host.AMOUNT_90D * 4, host.AMOUNT_90D * 8),
    ),
    Unit.MONEY,
)

FACTS: Final = (
    TEAM_AMOUNT,
    ACTIVE_MEMBERS,
    ACTIVE_SHARE,
    ATTAINMENT,
    DORMANT_AFTER,
    LOST_AFTER,
    TWICE_OWN_INTERVAL,
    CADENCE,
    NO_FOLLOW_UP_AFTER,
    NO_ORDER_AFTER,
    IN_A_SPONSORS_POOL,
    SPONSOR_FIRST_LEFT,
    OWN_COMMISSION,
    SPONSORS_COMMISSION,
    HOLDING_WEIGHT,
    LIFETIME_VALUE,
)
"""Every derived fact, each after those it needs."""
