"""The rules: recency, frequency and amount, and nothing about any industry."""

from __future__ import annotations

from typing import Final

from gonghai_plugin import (
    INT64,
    Rule,
    Text,
    Unit,
    all_,
    all_hits,
    derived,
    first_hit,
    otherwise,
    setting,
    when,
)
from gonghai_plugin import host_facts as host
from gonghai_plugin.outcomes import (
    Admit,
    Cadence,
    Clock,
    Limits,
    Need,
    Plan,
    Qualify,
    Refuse,
    RegionMatch,
    Signal,
    Stage,
    Tier,
    Weights,
)
from gonghai_plugin.policies import (
    Admission,
    Claim,
    FollowUp,
    Lifecycle,
    Matching,
    Qualification,
    Reclaim,
    Risk,
    Tiering,
)

PROSPECT: Final = Stage("prospect", Text("Prospect", "潜在"))
NEW: Final = Stage("new", Text("New", "新客"))
ACTIVE: Final = Stage("active", Text("Active", "活跃"))
LOYAL: Final = Stage("loyal", Text("Loyal", "忠诚"))
DORMANT: Final = Stage("dormant", Text("Dormant", "沉睡"))
CHURNED: Final = Stage("churned", Text("Churned", "流失"))

KEY: Final = Tier("key", 90, Text("Key", "重点"))
A: Final = Tier("a", 70, Text("A", "A级"))
B: Final = Tier("b", 50, Text("B", "B级"))
C: Final = Tier("c", 20, Text("C", "C级"))

LIFETIME_VALUE: Final = derived(
    "lifetime_value",
    INT64,
    Text(
        "what the next two years bring if they go on like the last: "
        "twice the yearly amount, half of that for a dormant customer, nothing for a lost one",
        "未来两年预计金额：按近一年金额的两倍计，沉睡客户减半，流失客户为零",
    ),
    when(
        host.STAGE.equals("churned"),
        0,
        when(host.STAGE.equals("dormant"), host.AMOUNT_365D, host.AMOUNT_365D * 2),
    ),
    Unit.MONEY,
)

LIFECYCLE: Final = Lifecycle(
    first_hit(
        Rule(
            "never-ordered",
            host.DAYS_SINCE_LAST_ORDER.is_missing(),
            PROSPECT,
            Text("no order yet", "尚未下单"),
        ),
        Rule(
            "churned",
            host.DAYS_SINCE_LAST_ORDER.at_least(setting("churned_days")),
            CHURNED,
            Text(
                "last order {days_since_last_order} days ago, "
                "{settings.churned_days} or more are a loss",
                "距最近下单{days_since_last_order}天，达到{settings.churned_days}天视为流失",
            ),
        ),
        Rule(
            "dormant",
            host.DAYS_SINCE_LAST_ORDER.at_least(setting("dormant_days")),
            DORMANT,
            Text(
                "last order {days_since_last_order} days ago, "
                "dormant from {settings.dormant_days} on",
                "距最近下单{days_since_last_order}天，达到{settings.dormant_days}天视为沉睡",
            ),
        ),
        Rule(
            "new",
            host.DAYS_SINCE_FIRST_ORDER.less_than(setting("new_days")),
            NEW,
            Text(
                "first order {days_since_first_order} days ago",
                "首次下单距今{days_since_first_order}天",
            ),
        ),
        Rule(
            "loyal",
            host.ORDERS_365D.at_least(setting("loyal_orders")),
            LOYAL,
            Text("{orders_365d} orders in a year", "近一年下单{orders_365d}次"),
        ),
        otherwise(
            ACTIVE,
            Text(
                "last order {days_since_last_order} days ago", "距最近下单{days_since_last_order}天"
            ),
            "active",
        ),
    )
)

TIERING: Final = Tiering(
    first_hit(
        Rule(
            "key-amount",
            host.AMOUNT_365D.at_least(setting("tiers.key_amount")),
            KEY,
            Text("{amount_365d} in a year", "近一年金额{amount_365d}元"),
        ),
        Rule(
            "a-amount",
            host.AMOUNT_365D.at_least(setting("tiers.a_amount")),
            A,
            Text("{amount_365d} in a year", "近一年金额{amount_365d}元"),
        ),
        Rule(
            "a-frequent",
            all_(
                host.AMOUNT_365D.at_least(setting("tiers.b_amount")),
                host.ORDERS_365D.at_least(setting("tiers.frequent_orders")),
            ),
            A,
            Text(
                "{amount_365d} in a year, in {orders_365d} orders",
                "近一年金额{amount_365d}元，下单{orders_365d}次",
            ),
        ),
        Rule(
            "b-amount",
            host.AMOUNT_365D.at_least(setting("tiers.b_amount")),
            B,
            Text("{amount_365d} in a year", "近一年金额{amount_365d}元"),
        ),
        otherwise(C, Text("{amount_365d} in a year", "近一年金额{amount_365d}元"), "c"),
    ),
    lifetime_value=LIFETIME_VALUE,
)


def _cadence(tier: str, *channels: str) -> Rule[Cadence]:
    return Rule(
        f"tier-{tier}",
        host.TIER.equals(tier),
        Cadence(setting(f"cadence_days.{tier}"), channels),
        Text("tier {tier}", "分级为{tier}"),
    )


FOLLOW_UP: Final = FollowUp(
    first_hit(
        Rule(
            "churned",
            host.STAGE.equals("churned"),
            Cadence(90, ("wechat",)),
            Text("churned: a message each quarter", "已流失：每季度发一次消息"),
        ),
        _cadence("key", "visit", "phone"),
        _cadence("a", "phone", "visit"),
        _cadence("b", "phone", "wechat"),
        otherwise(
            Cadence(setting("cadence_days.c"), ("wechat", "phone")),
            Text("tier {tier}", "分级为{tier}"),
            "tier-c",
        ),
    )
)

RISK: Final = Risk(
    all_hits(
        Rule(
            "orders-slowing",
            host.ORDER_INTERVAL_TREND_PERCENT.at_least(150),
            Signal(2),
            Text(
                "orders come at {order_interval_trend_percent} % of the former interval",
                "下单间隔为此前的{order_interval_trend_percent}%",
            ),
        ),
        Rule(
            "complaints",
            host.COMPLAINTS_90D.at_least(2),
            Signal(2),
            Text("{complaints_90d} complaints in 90 days", "近90天投诉{complaints_90d}次"),
        ),
        Rule(
            "dormant-key",
            all_(host.STAGE.is_one_of(("dormant", "churned")), host.TIER.is_one_of(("key", "a"))),
            Signal(3),
            Text(
                "tier {tier}, and no order for {days_since_last_order} days",
                "{tier}级客户已{days_since_last_order}天未下单",
            ),
        ),
        otherwise=Text("no sign of a loss", "无流失迹象"),
    )
)

ADMISSION: Final = Admission(
    first_hit(
        otherwise(
            Admit(setting("pool")), Text("every customer without owner", "所有无主客户"), "all"
        )
    )
)

CLAIM: Final = Claim(
    refusals=all_hits(
        Rule(
            "other-region",
            host.REP_COVERS_REGION.is_false(),
            Refuse(),
            Text("the customer's region is not yours", "客户不在您负责的区域"),
        ),
        otherwise=Text("nothing stands in the way", "无限制"),
    ),
    limits=first_hit(
        otherwise(
            Limits(
                per_day=setting("claims_per_day"),
                holding_limit=setting("holding_limit"),
                cool_down_days=setting("cool_down_days"),
                embargo_hours=setting("embargo_hours"),
            ),
            Text(
                "up to {settings.claims_per_day} claims a day",
                "每日最多领取{settings.claims_per_day}个",
            ),
            "plain",
        )
    ),
)

RECLAIM: Final = Reclaim(
    plans=first_hit(
        otherwise(
            Plan(
                clocks=(
                    Clock(
                        "first-follow-up",
                        setting("first_follow_up_days"),
                        Text("no first follow-up", "领取后未首次跟进"),
                        resets_on=("follow_up", "visit"),
                        ends_when_reset=True,
                    ),
                    Clock(
                        "no-follow-up",
                        setting("no_follow_up_days"),
                        Text("no follow-up", "长期未跟进"),
                        resets_on=("follow_up", "visit", "deal"),
                    ),
                    Clock(
                        "no-order",
                        setting("no_order_days"),
                        Text("no order", "长期未成交"),
                        resets_on=("purchase", "deal"),
                    ),
                ),
                warn_before_days=setting("warn_before_days"),
                grace_days=setting("grace_days"),
                max_extension_days=setting("max_extension_days"),
            ),
            Text("the plain clocks", "标准回收规则"),
            "plain",
        )
    ),
    stop_clocks=all_hits(otherwise=Text("no stop-clock", "无停表")),
)

QUALIFICATION: Final = Qualification(
    first_hit(
        Rule(
            "not-reached",
            all_(
                host.ACTIVITY_KIND.is_one_of(("follow_up", "visit")),
                host.ACTIVITY_OUTCOME.equals("not_reached"),
            ),
            Qualify(counts=False),
            Text("the customer was not reached", "未联系上客户"),
        ),
        Rule(
            "too-short",
            all_(
                host.ACTIVITY_KIND.is_one_of(("follow_up", "visit")),
                host.ACTIVITY_MINUTES.less_than(setting("min_follow_up_minutes")),
            ),
            Qualify(counts=False),
            Text(
                "{activity_minutes} minutes, {settings.min_follow_up_minutes} are asked for",
                "时长{activity_minutes}分钟，不足{settings.min_follow_up_minutes}分钟",
            ),
        ),
        otherwise(Qualify(counts=True), Text("it counts", "有效"), "counts"),
    )
)

MATCHING: Final = Matching(
    first_hit(
        Rule(
            "key",
            host.TIER.equals("key"),
            Need(
                weights=Weights(value=3, ability=3, region=2, load=2, relation=1),
                min_seniority=40,
                auto_assign=True,
            ),
            Text("a key customer goes to a senior rep at once", "重点客户直接分配给资深销售"),
        ),
        otherwise(
            Need(
                weights=Weights(value=1, ability=1, region=3, load=3, relation=1),
                region=RegionMatch.PREFERRED,
            ),
            Text("whoever is near and has time", "就近且有余力者优先"),
            "plain",
        ),
    )
)
