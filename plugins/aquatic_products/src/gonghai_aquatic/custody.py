"""Who may take a customer, when it is taken back, and whom it suits."""

from __future__ import annotations

from typing import Final

from gonghai_aquatic import facts
from gonghai_aquatic.attributes import SEA_AREAS
from gonghai_plugin import (
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
    Limits,
    Need,
    Plan,
    Qualify,
    Refuse,
    RegionMatch,
    StopClock,
    Weights,
    YearlySpan,
)
from gonghai_plugin.policies import Admission, Claim, Matching, Qualification, Reclaim

LIVE_SKILL: Final = "live_goods"
"""Who has it knows how live seafood travels: oxygen, sea water, losses on the way."""

INDUSTRY_SKILL: Final = "industry"
"""Who has it deals with processors and farms: contracts, specifications, quarantine papers."""

_INDUSTRIAL: Final = facts.BUSINESS.is_one_of(("processor", "farm"))
_LIVE: Final = facts.FORMS.has("live")

ADMISSION: Final = Admission(
    first_hit(
        Rule(
            "churned",
            host.STAGE.equals("churned"),
            Admit(setting("pools.win_back")),
            Text("churned customers go to the win-back pool", "流失客户进入赢回公海"),
        ),
        Rule(
            "industrial",
            _INDUSTRIAL,
            Admit(setting("pools.industry")),
            Text("processors and farms have a pool of their own", "加工与养殖客户进入专属公海"),
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
            "live-goods-skill",
            all_(_LIVE, not_(_INDUSTRIAL), not_(host.REP_SKILLS.has(LIVE_SKILL))),
            Refuse(),
            Text("who buys live goods asks for the skill live_goods", "鲜活客户需具备鲜活技能"),
        ),
        Rule(
            "industry-skill",
            all_(_INDUSTRIAL, not_(host.REP_SKILLS.has(INDUSTRY_SKILL))),
            Refuse(),
            Text("processors and farms ask for the skill industry", "加工与养殖客户需具备产业技能"),
        ),
        Rule(
            "too-junior",
            all_(
                host.TIER.equals("strategic"),
                host.REP_SENIORITY.less_than(setting("claims.strategic_min_seniority")),
            ),
            Refuse(),
            Text(
                "a strategic customer asks for seniority "
                "{settings.claims.strategic_min_seniority}, yours is {rep_seniority}",
                "战略客户要求资历{settings.claims.strategic_min_seniority}，您为{rep_seniority}",
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


def _closed_season(area: str) -> Rule[StopClock]:
    """Return the stop-clock of one sea area: of who lives on what is caught there."""
    path = f"moratorium.{area}"
    return Rule(
        f"moratorium-{area.replace('_', '-')}",
        all_(facts.SEA_AREA.equals(area), facts.LIVES_ON_CATCH),
        StopClock(
            (
                YearlySpan(
                    start_month=setting(f"{path}.start_month"),
                    start_day=setting(f"{path}.start_day"),
                    start_hour=setting(f"{path}.start_hour"),
                    end_month=setting(f"{path}.end_month"),
                    end_day=setting(f"{path}.end_day"),
                    end_hour=setting(f"{path}.end_hour"),
                ),
            )
        ),
        Text(
            f"summer fishing moratorium of its sea area: {SEA_AREAS[area].en}",
            f"货源海区伏季休渔：{SEA_AREAS[area].zh}",
        ),
    )


RECLAIM: Final = Reclaim(
    plans=first_hit(
        Rule(
            "never-ordered",
            host.STAGE.equals("prospect"),
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
                "未进货客户：{no_follow_up_after_days}天未跟进或"
                "{settings.clocks.no_deal_days}天未成交即回收",
            ),
        ),
        otherwise(
            _plan(
                Clock(
                    "no-order",
                    facts.NO_ORDER_AFTER,
                    Text("no order for too long", "长期未进货"),
                    resets_on=("purchase", "deal"),
                    # The chef tastes today, and orders for the menu after next.
                    extended_by=(Extends(_CONTACT, facts.VISIT_EXTENDS),),
                    extended_at_most=setting("clocks.visits_extend_at_most_days"),
                )
            ),
            Text(
                "tier {tier}: {no_follow_up_after_days} days without a follow-up, "
                "{no_order_after_days} without an order",
                "{tier}级：{no_follow_up_after_days}天未跟进或{no_order_after_days}天未进货即回收",
            ),
            "by-tier-and-business",
        ),
    ),
    stop_clocks=all_hits(
        *map(_closed_season, SEA_AREAS),
        otherwise=Text("no closed season stops its clocks", "无休渔停表"),
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
            "price-list-to-a-large-customer",
            all_(
                host.ACTIVITY_KIND.equals("follow_up"),
                host.ACTIVITY_CHANNEL.is_one_of(("sms", "wechat", "email")),
                host.TIER.is_one_of(("strategic", "core")),
                not_(host.ACTIVITY_OUTCOME.equals("ordered")),
            ),
            Qualify(counts=False),
            Text(
                "a strategic or core customer asks for more than the day's price list",
                "战略、核心客户仅群发行情报价不算有效跟进",
            ),
        ),
        Rule(
            "not-on-site",
            all_(
                host.ACTIVITY_KIND.equals("follow_up"),
                not_(host.ACTIVITY_CHANNEL.equals("visit")),
            ),
            Qualify(counts=True, clocks=(_FIRST_FOLLOW_UP.name, _NO_FOLLOW_UP.name)),
            Text(
                "it counts as a follow-up; only a visit gives more time until an order is due",
                "算有效跟进；上门拜访才可延长进货期限",
            ),
        ),
        otherwise(Qualify(counts=True), Text("it counts", "有效"), "counts"),
    )
)

MATCHING: Final = Matching(
    first_hit(
        Rule(
            "small-industrial",
            all_(_INDUSTRIAL, host.TIER.equals("minor")),
            Need(
                weights=Weights(value=1, need=2, ability=1, region=1, load=3, relation=1),
                required_skills=(INDUSTRY_SKILL,),
                region=RegionMatch.PREFERRED,
            ),
            Text(
                "a small processor or farm asks for the skill, and waits to be claimed",
                "小型加工与养殖客户看技能，等待领取",
            ),
        ),
        Rule(
            "industrial",
            _INDUSTRIAL,
            Need(
                weights=Weights(value=2, need=2, ability=3, region=1, load=2, relation=1),
                required_skills=(INDUSTRY_SKILL,),
                preferred_skills=("product:frozen",),
                region=RegionMatch.PREFERRED,
                auto_assign=True,
                exclude_former_owner=True,
            ),
            Text(
                "a processor or farm goes to a rep who knows the industry",
                "加工与养殖客户分配给产业客户销售",
            ),
        ),
        Rule(
            "strategic-live",
            all_(host.TIER.equals("strategic"), _LIVE),
            Need(
                weights=Weights(value=3, need=2, ability=3, region=3, load=2, relation=1),
                required_skills=(LIVE_SKILL,),
                preferred_skills=("product:live",),
                min_seniority=setting("claims.strategic_min_seniority"),
                region=RegionMatch.REQUIRED,
                auto_assign=True,
                exclude_former_owner=True,
            ),
            Text(
                "a strategic customer for live goods goes to a senior rep of its region who "
                "knows them",
                "战略鲜活客户分配给本区域具备鲜活技能的资深销售",
            ),
        ),
        Rule(
            "strategic",
            host.TIER.equals("strategic"),
            Need(
                weights=Weights(value=3, need=1, ability=3, region=3, load=2, relation=1),
                min_seniority=setting("claims.strategic_min_seniority"),
                region=RegionMatch.REQUIRED,
                auto_assign=True,
                exclude_former_owner=True,
            ),
            Text(
                "a strategic customer goes to a senior rep of its region",
                "战略客户分配给本区域资深销售",
            ),
        ),
        Rule(
            "live",
            _LIVE,
            Need(
                weights=Weights(value=1, need=2, ability=1, region=3, load=3, relation=1),
                required_skills=(LIVE_SKILL,),
                region=RegionMatch.REQUIRED,
            ),
            Text("live goods ask for the skill and the region", "鲜活客户看技能与区域"),
        ),
        otherwise(
            Need(
                weights=Weights(value=1, need=1, ability=1, region=3, load=3, relation=1),
                preferred_skills=("product:frozen",),
                region=RegionMatch.REQUIRED,
            ),
            Text("whoever covers the region and has time", "本区域有余力者优先"),
            "by-region",
        ),
    )
)
