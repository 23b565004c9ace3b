"""Who may take a distributor, when it is taken back, and whom it suits.

A sponsor is a user like a rep: its people are reps with the skill ``sponsor`` in a team of their
own, members of their sponsor's pool and of no other.
"""

from __future__ import annotations

from typing import Final

from gonghai_plugin import (
    ALWAYS,
    Rule,
    Text,
    all_,
    all_hits,
    first_hit,
    not_,
    otherwise,
    pick,
    setting,
)
from gonghai_plugin import host_facts as host
from gonghai_plugin.outcomes import (
    Admit,
    Clock,
    ClockUnit,
    Extends,
    FestivalSpan,
    Limits,
    Need,
    Plan,
    Qualify,
    Refuse,
    RegionMatch,
    StopClock,
    Weights,
)
from gonghai_plugin.policies import Admission, Claim, Matching, Qualification, Reclaim
from gonghai_two_tier import facts

SPONSOR_SKILL: Final = "sponsor"
"""Who has it works for a sponsor, not for the house."""

_FIRST: Final = facts.LEVEL.equals("first")
_DISPUTED: Final = facts.RIVAL.is_known()
_OF_A_SPONSOR: Final = host.REP_SKILLS.has(SPONSOR_SKILL)
_IN_A_SPONSORS_POOL: Final = facts.IN_A_SPONSORS_POOL.equals(1)
_SPONSORS_POOL: Final = pick(
    facts.SPONSOR, setting("pools.by_sponsor"), otherwise=setting("pools.second_level")
)

ADMISSION: Final = Admission(
    first_hit(
        Rule(
            "two-sponsors",
            _DISPUTED,
            Admit(setting("pools.disputed")),
            Text(
                "{sponsor} and {rival_sponsor} both claim to be its sponsor",
                "{sponsor}与{rival_sponsor}均称为其上级，进入争议公海",
            ),
        ),
        Rule(
            "first-level-lost",
            all_(_FIRST, host.STAGE.equals("lost")),
            Admit(setting("pools.win_back")),
            Text("lost first-level distributors go to the win-back pool", "流失一级进入赢回公海"),
        ),
        Rule(
            "first-level",
            _FIRST,
            Admit(setting("pools.first_level")),
            Text("first-level distributors have a pool of their own", "一级分销商进入一级公海"),
        ),
        Rule(
            "no-sponsor",
            facts.SPONSOR.is_missing(),
            Admit(setting("pools.orphans")),
            Text("it needs a new sponsor", "无上级，进入待改挂公海"),
        ),
        otherwise(
            Admit(
                _SPONSORS_POOL,
                then=setting("pools.second_level"),
                after_days=setting("claims.sponsor_first_days"),
            ),
            Text("its sponsor {sponsor} comes first", "先进入上级{sponsor}的公海"),
            "sponsor-first",
        ),
    )
)

CLAIM: Final = Claim(
    refusals=all_hits(
        Rule(
            "sponsor-first",
            all_(
                _IN_A_SPONSORS_POOL,
                host.DAYS_IN_POOL.less_than(setting("claims.sponsor_first_days")),
                not_(_OF_A_SPONSOR),
            ),
            Refuse(until_days=facts.SPONSOR_FIRST_LEFT),
            Text(
                "for {sponsor_first_days_left} more days it is for its sponsor's people alone",
                "上级优先期内，{sponsor_first_days_left}天后方可领取",
            ),
        ),
        Rule(
            "sponsors-own-pool",
            all_(_OF_A_SPONSOR, not_(_IN_A_SPONSORS_POOL)),
            Refuse(),
            Text("a sponsor's people work their own pool alone", "上级分销商只可领取自有公海"),
        ),
        Rule(
            "first-level-for-the-house",
            all_(_OF_A_SPONSOR, _FIRST),
            Refuse(),
            Text(
                "first-level distributors are looked after by the house",
                "一级分销商由厂家销售负责",
            ),
        ),
        Rule(
            "two-sponsors",
            all_(_DISPUTED, not_(host.REP_IS_POOL_MANAGER.is_true())),
            Refuse(),
            Text(
                "two sponsors claim it: a manager decides first", "归属有争议，须先由公海管理员裁定"
            ),
        ),
        Rule(
            "other-region",
            all_(
                host.REP_COVERS_REGION.is_false(),
                not_(_OF_A_SPONSOR),
                not_(host.REP_IS_COLLABORATOR.is_true()),
                not_(host.REP_IS_POOL_MANAGER.is_true()),
            ),
            Refuse(),
            Text("its region {region} is not yours", "所在区域{region}不在您的负责范围"),
        ),
        Rule(
            "too-junior",
            all_(
                host.TIER.equals("platinum"),
                host.REP_SENIORITY.less_than(setting("claims.platinum_min_seniority")),
            ),
            Refuse(),
            Text(
                "a platinum distributor asks for seniority "
                "{settings.claims.platinum_min_seniority}, yours is {rep_seniority}",
                "铂金分销商要求资历{settings.claims.platinum_min_seniority}，您为{rep_seniority}",
            ),
        ),
        otherwise=Text("nothing stands in the way", "无限制"),
    ),
    limits=first_hit(
        Rule(
            "of-a-sponsor",
            _OF_A_SPONSOR,
            Limits(
                per_day=setting("claims.sponsor_per_day"),
                holding_limit=setting("claims.sponsor_holding_limit"),
                holding_weight=facts.HOLDING_WEIGHT,
                cool_down_days=setting("claims.cool_down_days"),
            ),
            Text(
                "a sponsor's people: up to {settings.claims.sponsor_per_day} claims a day, "
                "{settings.claims.sponsor_holding_limit} holdings weighted by tier",
                "上级分销商：每日最多领取{settings.claims.sponsor_per_day}个，"
                "按分级加权最多保有{settings.claims.sponsor_holding_limit}个",
            ),
        ),
        otherwise(
            Limits(
                per_day=setting("claims.per_day"),
                per_week=setting("claims.per_week"),
                holding_limit=setting("claims.holding_limit"),
                holding_weight=facts.HOLDING_WEIGHT,
                cool_down_days=setting("claims.cool_down_days"),
            ),
            Text(
                "up to {settings.claims.per_day} claims a day, "
                "{settings.claims.holding_limit} holdings weighted by tier",
                "每日最多领取{settings.claims.per_day}个，"
                "按分级加权最多保有{settings.claims.holding_limit}个",
            ),
            "of-the-house",
        ),
    ),
)

_CONTACT: Final = ("follow_up", "visit")

_FIRST_FOLLOW_UP: Final = Clock(
    "first-follow-up",
    setting("clocks.first_follow_up_days"),
    Text("no first follow-up in time", "未按时首次跟进"),
    unit=ClockUnit.WORKING_DAYS,
    resets_on=_CONTACT,
    ends_when_reset=True,
)
_NO_FOLLOW_UP: Final = Clock(
    "no-follow-up",
    facts.NO_FOLLOW_UP_AFTER,
    Text("not followed up for too long", "长期未跟进"),
    resets_on=(*_CONTACT, "training", "deal"),
)
_NO_DEAL: Final = Clock(
    "no-deal",
    setting("clocks.no_deal_days"),
    Text("no first order in time", "未按时首单"),
    resets_on=("purchase", "deal"),
)
_NO_ORDER: Final = Clock(
    "no-order",
    facts.NO_ORDER_AFTER,
    Text("no order for too long", "长期未订货"),
    resets_on=("purchase", "deal"),
    # Who learns the goods, or brings in another, is at work although it has not ordered again.
    extended_by=(
        Extends(("training",), setting("clocks.training_extends_days")),
        Extends(("referral",), setting("clocks.referral_extends_days")),
    ),
    extended_at_most=setting("clocks.extended_at_most_days"),
)


def _plan(last: Clock) -> Plan:
    # No target: the admission policy sends a second-level distributor to its sponsor's pool, by
    # what it is when it is taken back, not when its clocks began to run.
    return Plan(
        clocks=(_FIRST_FOLLOW_UP, _NO_FOLLOW_UP, last),
        warn_before_days=setting("clocks.warn_before_days"),
        grace_days=setting("clocks.grace_days"),
        protection_days=setting("clocks.protection_days"),
        max_extension_days=setting("clocks.max_extension_days"),
    )


RECLAIM: Final = Reclaim(
    plans=first_hit(
        Rule(
            "never-ordered",
            host.STAGE.equals("candidate"),
            _plan(_NO_DEAL),
            Text(
                "it never ordered: {no_follow_up_after_days} days without a follow-up, "
                "{settings.clocks.no_deal_days} without an order",
                "未订货：{no_follow_up_after_days}天未跟进或"
                "{settings.clocks.no_deal_days}天未首单即回收",
            ),
        ),
        otherwise(
            _plan(_NO_ORDER),
            Text(
                "tier {tier}: {no_follow_up_after_days} days without a follow-up, "
                "{no_order_after_days} without an order",
                "{tier}级：{no_follow_up_after_days}天未跟进或{no_order_after_days}天未订货即回收",
            ),
            "by-tier-and-level",
        ),
    ),
    stop_clocks=all_hits(
        Rule(
            "spring-festival",
            ALWAYS,
            StopClock(
                (
                    FestivalSpan(
                        "spring_festival",
                        setting("clocks.spring_festival_days_before"),
                        setting("clocks.spring_festival_days_after"),
                    ),
                )
            ),
            Text("clocks stand still over the Spring Festival", "春节期间停表"),
        ),
        otherwise=Text("no stop-clock", "无停表"),
    ),
)

QUALIFICATION: Final = Qualification(
    first_hit(
        Rule(
            "not-reached",
            all_(
                host.ACTIVITY_KIND.is_one_of(_CONTACT),
                host.ACTIVITY_OUTCOME.equals("not_reached"),
            ),
            Qualify(counts=False),
            Text("the distributor was not reached", "未联系上分销商"),
        ),
        Rule(
            "call-too-short",
            all_(
                host.ACTIVITY_KIND.equals("follow_up"),
                host.ACTIVITY_CHANNEL.equals("phone"),
                host.ACTIVITY_MINUTES.less_than(setting("min_call_minutes")),
            ),
            Qualify(counts=False),
            Text(
                "a call of {activity_minutes} minutes is too short",
                "通话{activity_minutes}分钟，时长不足",
            ),
        ),
        Rule(
            "visit-too-short",
            all_(
                host.ACTIVITY_CHANNEL.equals("visit"),
                host.ACTIVITY_MINUTES.less_than(setting("min_visit_minutes")),
            ),
            Qualify(counts=False),
            Text(
                "a visit of {activity_minutes} minutes is too short",
                "拜访{activity_minutes}分钟，时长不足",
            ),
        ),
        Rule(
            "message-to-the-first-level",
            all_(
                host.ACTIVITY_KIND.equals("follow_up"),
                host.ACTIVITY_CHANNEL.is_one_of(("sms", "wechat", "email")),
                _FIRST,
                not_(host.ACTIVITY_OUTCOME.equals("ordered")),
            ),
            Qualify(counts=False),
            Text(
                "a first-level distributor asks for more than a message in the group",
                "对一级分销商仅在群里发消息不算有效跟进",
            ),
        ),
        otherwise(Qualify(counts=True), Text("it counts", "有效"), "counts"),
    )
)

MATCHING: Final = Matching(
    first_hit(
        Rule(
            "platinum",
            host.TIER.equals("platinum"),
            Need(
                weights=Weights(value=3, need=1, ability=3, region=3, load=2, relation=1),
                preferred_skills=("channel_management",),
                min_seniority=setting("claims.platinum_min_seniority"),
                region=RegionMatch.REQUIRED,
                auto_assign=True,
                exclude_former_owner=True,
            ),
            Text(
                "a platinum distributor goes to a senior rep of its region",
                "铂金分销商分配给本区域资深销售",
            ),
        ),
        Rule(
            "first-level",
            _FIRST,
            Need(
                weights=Weights(value=2, need=2, ability=1, region=3, load=3, relation=1),
                required_skills=("channel_management",),
                region=RegionMatch.REQUIRED,
                auto_assign=True,
                exclude_former_owner=True,
            ),
            Text(
                "a first-level distributor goes to a rep of the house in its region",
                "一级分销商分配给本区域厂家销售",
            ),
        ),
        Rule(
            "sponsored",
            all_(facts.SPONSOR.is_known(), not_(_DISPUTED)),
            Need(
                weights=Weights(need=3, ability=1, load=3, relation=1),
                preferred_skills=(SPONSOR_SKILL,),
                region=RegionMatch.ANY,
            ),
            Text("its sponsor's people know it best", "上级分销商的人员最了解，优先"),
        ),
        otherwise(
            Need(
                weights=Weights(value=1, need=1, ability=1, region=3, load=3, relation=1),
                preferred_skills=("recruiting",),
                region=RegionMatch.REQUIRED,
            ),
            Text("whoever covers the region and finds it a sponsor", "由本区域销售为其落实上级"),
            "by-region",
        ),
    )
)
