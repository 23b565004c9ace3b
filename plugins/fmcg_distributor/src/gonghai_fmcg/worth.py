"""What a customer is worth: stage, tier, follow-up and signs of a loss."""

from __future__ import annotations

from typing import Final

from gonghai_fmcg import facts
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
from gonghai_plugin.outcomes import Cadence, Signal, Stage, Tier
from gonghai_plugin.policies import FollowUp, Lifecycle, Risk, Tiering

POTENTIAL: Final = Stage("potential", Text("Potential", "潜在"))
ACTIVE: Final = Stage("active", Text("Active", "活跃"))
DORMANT: Final = Stage("dormant", Text("Dormant", "沉睡"))
LOST: Final = Stage("lost", Text("Lost", "流失"))

KEY: Final = Tier("key", 90, Text("Key", "重点"))
A: Final = Tier("a", 70, Text("A", "A级"))
B: Final = Tier("b", 50, Text("B", "B级"))
C: Final = Tier("c", 20, Text("C", "C级"))

LIFECYCLE: Final = Lifecycle(
    first_hit(
        Rule(
            "never-ordered",
            host.DAYS_SINCE_LAST_ORDER.is_missing(),
            POTENTIAL,
            Text("has not ordered yet", "尚未订货"),
        ),
        Rule(
            "silent-for-long",
            host.DAYS_SINCE_LAST_ORDER.at_least(facts.LOST_AFTER),
            LOST,
            Text(
                "no order for {days_since_last_order} days; for its channel role "
                "{lost_after_days} mean a loss",
                "已{days_since_last_order}天未订货，该渠道角色满{lost_after_days}天视为流失",
            ),
        ),
        Rule(
            "out-of-rhythm",
            host.DAYS_SINCE_LAST_ORDER.at_least(facts.DORMANT_AFTER),
            DORMANT,
            Text(
                "no order for {days_since_last_order} days, its channel role orders every "
                "{order_rhythm_days}",
                "已{days_since_last_order}天未订货，该渠道角色通常{order_rhythm_days}天订货一次",
            ),
        ),
        otherwise(
            ACTIVE,
            Text(
                "ordered {days_since_last_order} days ago, in rhythm",
                "{days_since_last_order}天前订货，节奏正常",
            ),
            "in-rhythm",
        ),
    )
)

_PAYS_LATE = facts.DAYS_LATE.at_least(setting("tiers.late_days"))
_AMOUNT = Text("{amount_365d} in a year", "近一年{amount_365d}元")

TIERING: Final = Tiering(
    first_hit(
        Rule(
            "key-but-pays-late",
            all_(host.AMOUNT_365D.at_least(setting("tiers.key_amount")), _PAYS_LATE),
            A,
            Text(
                "{amount_365d} in a year would be key, but it pays {payment_days_late} days late",
                "近一年{amount_365d}元达到重点，但平均逾期{payment_days_late}天，降一级",
            ),
        ),
        Rule("key-amount", host.AMOUNT_365D.at_least(setting("tiers.key_amount")), KEY, _AMOUNT),
        Rule(
            "a-but-pays-late",
            all_(host.AMOUNT_365D.at_least(setting("tiers.a_amount")), _PAYS_LATE),
            B,
            Text(
                "{amount_365d} in a year would be A, but it pays {payment_days_late} days late",
                "近一年{amount_365d}元达到A级，但平均逾期{payment_days_late}天，降一级",
            ),
        ),
        Rule("a-amount", host.AMOUNT_365D.at_least(setting("tiers.a_amount")), A, _AMOUNT),
        Rule(
            "a-outlets",
            all_(
                host.AMOUNT_365D.at_least(setting("tiers.b_amount")),
                facts.OUTLETS.at_least(setting("tiers.a_outlets")),
                not_(_PAYS_LATE),
            ),
            A,
            Text(
                "{amount_365d} in a year and {outlets} outlets covered",
                "近一年{amount_365d}元，覆盖{outlets}个网点",
            ),
        ),
        Rule(
            "a-growth",
            all_(
                host.AMOUNT_365D.at_least(setting("tiers.b_amount")),
                facts.GROWTH.at_least(setting("tiers.growth_percent")),
                not_(_PAYS_LATE),
            ),
            A,
            Text(
                "{amount_365d} in a year, the last 90 days at {growth_percent} % of those before",
                "近一年{amount_365d}元，近90天为上期的{growth_percent}%",
            ),
        ),
        Rule(
            "b-amount",
            host.AMOUNT_365D.at_least(setting("tiers.b_amount")),
            B,
            _AMOUNT,
        ),
        Rule(
            "b-outlets",
            facts.OUTLETS.at_least(setting("tiers.b_outlets")),
            B,
            Text("covers {outlets} outlets", "覆盖{outlets}个网点"),
        ),
        otherwise(C, _AMOUNT, "c"),
    ),
    lifetime_value=facts.LIFETIME_VALUE,
)

FOLLOW_UP: Final = FollowUp(
    first_hit(
        Rule(
            "lost",
            host.STAGE.equals("lost"),
            Cadence(60, ("wechat", "phone")),
            Text("lost: a try every two months", "已流失：每两个月尝试一次"),
        ),
        Rule(
            "on-site",
            host.TIER.is_one_of(("key", "a")),
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
                host.TIER.is_one_of(("key", "a")),
                host.STAGE.is_one_of(("dormant", "lost")),
            ),
            Signal(3),
            Text(
                "tier {tier}, and no order for {days_since_last_order} days",
                "{tier}级客户已{days_since_last_order}天未订货",
            ),
        ),
        Rule(
            "slower-than-its-own-rhythm",
            any_(
                host.DAYS_SINCE_LAST_ORDER.more_than(facts.TWICE_OWN_INTERVAL),
                host.ORDER_INTERVAL_TREND_PERCENT.at_least(150),
            ),
            Signal(2),
            Text(
                "no order for {days_since_last_order} days, its own interval is "
                "{mean_order_interval_days}",
                "已{days_since_last_order}天未订货，自身平均间隔{mean_order_interval_days}天",
            ),
        ),
        Rule(
            "fewer-categories",
            all_(host.DISTINCT_CATEGORIES_90D.equals(1), host.ORDERS_365D.at_least(6)),
            Signal(1),
            Text("one category left in 90 days", "近90天仅剩一个品类"),
        ),
        Rule(
            "complaints",
            host.COMPLAINTS_90D.at_least(2),
            Signal(2),
            Text("{complaints_90d} complaints in 90 days", "近90天投诉{complaints_90d}次"),
        ),
        Rule(
            "pays-late",
            _PAYS_LATE,
            Signal(2),
            Text("pays {payment_days_late} days late", "平均逾期{payment_days_late}天"),
        ),
        otherwise=Text("no sign of a loss", "无流失迹象"),
    )
)
