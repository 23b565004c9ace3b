"""What a distributor is worth: stage, tier, follow-up and signs of a loss."""

from __future__ import annotations

from typing import Final

from gonghai_plugin import (
    Rule,
    Text,
    all_,
    all_hits,
    any_,
    first_hit,
    otherwise,
    setting,
)
from gonghai_plugin import host_facts as host
from gonghai_plugin.outcomes import Cadence, Signal, Stage, Tier
from gonghai_plugin.policies import FollowUp, Lifecycle, Risk, Tiering
from gonghai_two_tier import facts

CANDIDATE: Final = Stage("candidate", Text("Candidate", "意向"))
NEW: Final = Stage("new", Text("New", "新加盟"))
ACTIVE: Final = Stage("active", Text("Active", "活跃"))
DORMANT: Final = Stage("dormant", Text("Dormant", "沉睡"))
LOST: Final = Stage("lost", Text("Lost", "流失"))

PLATINUM: Final = Tier("platinum", 90, Text("Platinum", "铂金"))
GOLD: Final = Tier("gold", 75, Text("Gold", "黄金"))
SILVER: Final = Tier("silver", 55, Text("Silver", "白银"))
BRONZE: Final = Tier("bronze", 35, Text("Bronze", "青铜"))
STAR: Final = Tier("star", 60, Text("Star", "星级"))
REGULAR: Final = Tier("regular", 40, Text("Regular", "常规"))
STARTER: Final = Tier("starter", 15, Text("Starter", "起步"))

LIFECYCLE: Final = Lifecycle(
    first_hit(
        Rule(
            "never-ordered",
            host.DAYS_SINCE_LAST_ORDER.is_missing(),
            CANDIDATE,
            Text("has not ordered yet", "尚未订货"),
        ),
        Rule(
            "silent-for-long",
            host.DAYS_SINCE_LAST_ORDER.at_least(facts.LOST_AFTER),
            LOST,
            Text(
                "no order for {days_since_last_order} days; {lost_after_days} mean a loss",
                "已{days_since_last_order}天未订货，满{lost_after_days}天视为流失",
            ),
        ),
        Rule(
            "silent",
            host.DAYS_SINCE_LAST_ORDER.at_least(facts.DORMANT_AFTER),
            DORMANT,
            Text(
                "no order for {days_since_last_order} days; its level is dormant after "
                "{dormant_after_days}",
                "已{days_since_last_order}天未订货，该层级满{dormant_after_days}天为沉睡",
            ),
        ),
        Rule(
            "first-weeks",
            host.DAYS_SINCE_FIRST_ORDER.less_than(setting("new_days")),
            NEW,
            Text(
                "first ordered {days_since_first_order} days ago",
                "首次订货距今{days_since_first_order}天",
            ),
        ),
        otherwise(
            ACTIVE,
            Text("ordered {days_since_last_order} days ago", "{days_since_last_order}天前订货"),
            "orders",
        ),
    )
)

_FIRST: Final = facts.LEVEL.equals("first")
_PLATINUM_AMOUNT: Final = facts.TEAM_AMOUNT.at_least(setting("first_level.platinum_amount"))
_GOLD_AMOUNT: Final = facts.TEAM_AMOUNT.at_least(setting("first_level.gold_amount"))
_TEAM: Final = Text(
    "{team_amount} in a year with its second level, {active_members} of it active",
    "近一年{team_amount}元（含下级），活跃下级{active_members}家",
)
_TOO_FEW: Final = Text(
    "{team_amount} in a year with its second level, but only {active_members} of it active",
    "近一年{team_amount}元（含下级），但活跃下级仅{active_members}家，降一级",
)
_OWN: Final = Text("{amount_365d} in a year", "近一年{amount_365d}元")

TIERING: Final = Tiering(
    first_hit(
        Rule(
            "sells-elsewhere",
            all_(
                _FIRST,
                _GOLD_AMOUNT,
                facts.CASES.at_least(setting("first_level.cross_region_cases")),
            ),
            SILVER,
            Text(
                "{team_amount} in a year, but {cross_region_cases} cases of selling outside its "
                "region",
                "近一年{team_amount}元，但窜货{cross_region_cases}次，封顶白银",
            ),
        ),
        Rule(
            "platinum",
            all_(
                _FIRST,
                _PLATINUM_AMOUNT,
                facts.ACTIVE_MEMBERS.at_least(setting("first_level.platinum_active")),
            ),
            PLATINUM,
            _TEAM,
        ),
        Rule("platinum-amount-few-members", all_(_FIRST, _PLATINUM_AMOUNT), GOLD, _TOO_FEW),
        Rule(
            "gold",
            all_(
                _FIRST,
                _GOLD_AMOUNT,
                facts.ACTIVE_MEMBERS.at_least(setting("first_level.gold_active")),
            ),
            GOLD,
            _TEAM,
        ),
        Rule("gold-amount-few-members", all_(_FIRST, _GOLD_AMOUNT), SILVER, _TOO_FEW),
        Rule(
            "silver",
            all_(_FIRST, facts.TEAM_AMOUNT.at_least(setting("first_level.silver_amount"))),
            SILVER,
            _TEAM,
        ),
        Rule("bronze", _FIRST, BRONZE, _TEAM),
        Rule("star", host.AMOUNT_365D.at_least(setting("second_level.star_amount")), STAR, _OWN),
        Rule(
            "regular",
            host.AMOUNT_365D.at_least(setting("second_level.regular_amount")),
            REGULAR,
            _OWN,
        ),
        otherwise(STARTER, _OWN, "starter"),
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
            "new",
            host.STAGE.equals("new"),
            Cadence(7, ("visit", "phone")),
            Text("new: trained on site every week", "新加盟：每周上门培训一次"),
        ),
        Rule(
            "on-site",
            host.TIER.is_one_of(("platinum", "gold", "star")),
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
                host.TIER.is_one_of(("platinum", "gold", "star")),
                host.STAGE.is_one_of(("dormant", "lost")),
            ),
            Signal(3),
            Text(
                "tier {tier}, and no order for {days_since_last_order} days",
                "{tier}级分销商已{days_since_last_order}天未订货",
            ),
        ),
        Rule(
            "orders-slowing",
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
            "members-falling-asleep",
            all_(
                _FIRST,
                host.DOWNLINE_MEMBERS.at_least(setting("members_watched")),
                facts.ACTIVE_SHARE.less_than(setting("active_percent")),
            ),
            Signal(2),
            Text(
                "{active_members} of its {downline_members} second-level members are active",
                "下级{downline_members}家，活跃仅{active_members}家",
            ),
        ),
        Rule(
            "behind-its-commitment",
            all_(
                host.RELATIONSHIP_DAYS.at_least(180),
                facts.ATTAINMENT.less_than(setting("commitment_percent")),
            ),
            Signal(1),
            Text(
                "{attainment_percent} % of its yearly commitment",
                "年度任务完成{attainment_percent}%",
            ),
        ),
        Rule(
            "complaints-rising",
            all_(
                host.COMPLAINTS_90D.at_least(2),
                host.COMPLAINTS_90D.more_than(host.COMPLAINTS_PREVIOUS_90D),
            ),
            Signal(2),
            Text(
                "{complaints_90d} complaints in 90 days, {complaints_previous_90d} before",
                "近90天投诉{complaints_90d}次，上期{complaints_previous_90d}次",
            ),
        ),
        Rule(
            "sells-in-other-regions",
            facts.CASES.at_least(1),
            Signal(3),
            Text(
                "{cross_region_cases} cases of selling outside its region in a year",
                "近一年窜货{cross_region_cases}次",
            ),
        ),
        Rule(
            "two-sponsors",
            facts.RIVAL.is_known(),
            Signal(3),
            Text(
                "{sponsor} and {rival_sponsor} both claim to be its sponsor",
                "{sponsor}与{rival_sponsor}均称为其上级",
            ),
        ),
        Rule(
            "no-sponsor",
            all_(facts.LEVEL.equals("second"), facts.SPONSOR.is_missing()),
            Signal(2),
            Text(
                "of the second level, and without a sponsor: it needs a new one",
                "二级分销商无上级，待改挂",
            ),
        ),
        Rule(
            "sponsor-above-the-first-level",
            all_(_FIRST, facts.SPONSOR.is_known()),
            Signal(2),
            Text(
                "of the first level, and yet {sponsor} stands as its sponsor: there are two levels",
                "一级分销商却登记了上级{sponsor}：只允许两级",
            ),
        ),
        otherwise=Text("no sign of a loss", "无流失迹象"),
    )
)
