"""Who may take a customer, when it is taken back, and whom it suits."""

from __future__ import annotations

from typing import Final

from gonghai_fmcg import facts
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

ADMISSION: Final = Admission(
    first_hit(
        Rule(
            "key-account",
            facts.ROLE.equals("key_account"),
            Admit(setting("pools.key_accounts")),
            Text("key accounts have a pool of their own", "商超KA进入专属公海"),
        ),
        Rule(
            "lost",
            host.STAGE.equals("lost"),
            Admit(setting("pools.win_back")),
            Text("lost customers go to the win-back pool", "流失客户进入赢回公海"),
        ),
        otherwise(
            Admit(
                pick(
                    host.REGIONS,
                    setting("pools.regional"),
                    otherwise=setting("pools.otherwise"),
                )
            ),
            Text("the pool of region {region}", "{region}区域公海"),
            "by-region",
        ),
    )
)

CLAIM: Final = Claim(
    refusals=all_hits(
        Rule(
            "other-region",
            all_(
                host.REP_COVERS_REGION.is_false(),
                not_(host.REP_IS_COLLABORATOR.is_true()),
                not_(host.REP_IS_POOL_MANAGER.is_true()),
            ),
            Refuse(),
            Text(
                "the customer's region {region} is not yours",
                "客户所在区域{region}不在您的负责范围",
            ),
        ),
        Rule(
            "key-account-skill",
            all_(facts.ROLE.equals("key_account"), not_(host.REP_SKILLS.has("key_account"))),
            Refuse(),
            Text("key accounts ask for the skill key_account", "商超KA需具备KA技能"),
        ),
        Rule(
            "too-junior",
            all_(
                host.TIER.equals("key"),
                host.REP_SENIORITY.less_than(setting("claims.key_min_seniority")),
            ),
            Refuse(),
            Text(
                "a key customer asks for seniority {settings.claims.key_min_seniority}, "
                "yours is {rep_seniority}",
                "重点客户要求资历{settings.claims.key_min_seniority}，您为{rep_seniority}",
            ),
        ),
        otherwise=Text("nothing stands in the way", "无限制"),
    ),
    limits=first_hit(
        otherwise(
            Limits(
                per_day=setting("claims.per_day"),
                per_week=setting("claims.per_week"),
                holding_limit=setting("claims.holding_limit"),
                holding_weight=facts.HOLDING_WEIGHT,
                cool_down_days=setting("claims.cool_down_days"),
                embargo_hours=setting("claims.embargo_hours"),
            ),
            Text(
                "up to {settings.claims.per_day} claims a day, "
                "{settings.claims.holding_limit} holdings weighted by tier",
                "每日最多领取{settings.claims.per_day}个，"
                "按分级加权最多保有{settings.claims.holding_limit}个",
            ),
            "by-tier",
        )
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
    resets_on=(*_CONTACT, "deal"),
)


def _plan(last: Clock) -> Plan:
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
            host.STAGE.equals("potential"),
            _plan(
                Clock(
                    "no-deal",
                    setting("clocks.no_deal_days"),
                    Text("no first order in time", "未按时首单"),
                    resets_on=("purchase", "deal"),
                )
            ),
            Text(
                "a customer that never ordered: {no_follow_up_after_days} days without a "
                "follow-up, {settings.clocks.no_deal_days} without an order",
                "未订货客户：{no_follow_up_after_days}天未跟进或"
                "{settings.clocks.no_deal_days}天未成交即回收",
            ),
        ),
        otherwise(
            _plan(
                Clock(
                    "no-order",
                    facts.NO_ORDER_AFTER,
                    Text("no order for too long", "长期未订货"),
                    resets_on=("purchase", "deal"),
                )
            ),
            Text(
                "tier {tier}: {no_follow_up_after_days} days without a follow-up, "
                "{no_order_after_days} without an order",
                "{tier}级：{no_follow_up_after_days}天未跟进或{no_order_after_days}天未订货即回收",
            ),
            "by-tier-and-rhythm",
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
        Rule(
            "national-day",
            ALWAYS,
            StopClock(
                (
                    FestivalSpan(
                        "national_day",
                        setting("clocks.national_day_days_before"),
                        setting("clocks.national_day_days_after"),
                    ),
                )
            ),
            Text("clocks stand still over National Day", "国庆期间停表"),
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
            Text("the customer was not reached", "未联系上客户"),
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
            "message-to-a-key-customer",
            all_(
                host.ACTIVITY_KIND.equals("follow_up"),
                host.ACTIVITY_CHANNEL.is_one_of(("sms", "wechat", "email")),
                host.TIER.equals("key"),
            ),
            Qualify(counts=False),
            Text("a key customer asks for more than a message", "重点客户仅发消息不算有效跟进"),
        ),
        otherwise(Qualify(counts=True), Text("it counts", "有效"), "counts"),
    )
)

MATCHING: Final = Matching(
    first_hit(
        Rule(
            "key-account",
            facts.ROLE.equals("key_account"),
            Need(
                weights=Weights(value=2, need=2, ability=3, region=2, load=2, relation=1),
                required_skills=("key_account",),
                preferred_skills=("negotiation",),
                region=RegionMatch.PREFERRED,
                auto_assign=True,
                exclude_former_owner=True,
            ),
            Text("a key account goes to a rep who knows them", "商超KA分配给具备KA技能的销售"),
        ),
        Rule(
            "key",
            host.TIER.equals("key"),
            Need(
                weights=Weights(value=3, need=1, ability=3, region=3, load=2, relation=1),
                preferred_skills=("distribution",),
                min_seniority=setting("auto_assign_min_seniority"),
                region=RegionMatch.REQUIRED,
                auto_assign=True,
                exclude_former_owner=True,
            ),
            Text(
                "a key customer goes to a senior rep of its region",
                "重点客户分配给本区域资深销售",
            ),
        ),
        Rule(
            "e-commerce",
            facts.ROLE.equals("ecommerce"),
            Need(
                weights=Weights(need=3, ability=1, load=3, relation=1),
                required_skills=("ecommerce",),
                region=RegionMatch.ANY,
            ),
            Text("e-commerce asks for the skill, not for the region", "电商客户看技能不看区域"),
        ),
        otherwise(
            Need(
                weights=Weights(value=1, need=1, ability=1, region=3, load=3, relation=1),
                preferred_skills=("distribution",),
                region=RegionMatch.REQUIRED,
            ),
            Text("whoever covers the region and has time", "本区域有余力者优先"),
            "by-region",
        ),
    )
)
