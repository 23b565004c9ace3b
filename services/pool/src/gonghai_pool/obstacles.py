"""What stands in the way of a claim: collected whole, told in one order, each with its end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from gonghai_chassis.errors import (
    LimitReached as LimitRefusal,
)
from gonghai_chassis.errors import (
    PreconditionFailed,
    PreconditionViolation,
    QuotaViolation,
    Reason,
    Refusal,
)
from gonghai_plugin import Text
from gonghai_policy_service.reasons import in_language
from gonghai_pool.custody import Custody, Holder, State
from gonghai_pool.messages import state_name
from gonghai_pool.policies import verdict_of
from gonghai_pool.pools import MILLI, MOST, ClaimLimits, of_policy, strictest
from gonghai_pool.staff import RepState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gonghai_chassis.names import CustomerName, RepName
    from gonghai_engine import ClaimLimits as PolicyLimits
    from gonghai_engine import Decision, DecisionFailure
    from gonghai_engine.outcomes import ClaimVerdict
    from gonghai_pool.ground import Ground
    from gonghai_pool.store.custodies import LimitReached

_ORDER: Final = (
    Reason.CUSTOMER_NOT_IN_POOL,
    Reason.CUSTOMER_LOCKED,
    Reason.CUSTOMER_DISPUTED,
    Reason.CUSTOMER_FROZEN,
    Reason.NOT_POOL_MEMBER,
    Reason.REP_NOT_ACTIVE,
    Reason.COOL_DOWN,
    Reason.EMBARGO,
    Reason.CLAIM_RULE,
    Reason.POLICY_UNAVAILABLE,
    Reason.CLAIM_LIMIT,
    Reason.HOLDING_LIMIT,
)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing in the way.

    Attributes:
        until: when it will no longer be (instant); None where that does not come by itself.
        rule: the plugin's rule, for CLAIM_RULE; the limit's name, for CLAIM_LIMIT.
        plugin: whose rule it is, or who could not decide.
    """

    reason: Reason
    message: Text
    until: int | None = None
    rule: str = ""
    plugin: str = ""

    @property
    def is_limit(self) -> bool:
        """Whether it is a count that is used up."""
        return self.reason in {Reason.CLAIM_LIMIT, Reason.HOLDING_LIMIT}


FROZEN: Final = Obstacle(
    Reason.CUSTOMER_FROZEN,
    Text(
        "something that happened to the customer could not be taken in yet, so nobody may claim it;"
        " an operator must look at the quarantined events",
        "客户的某项变化尚未能处理，任何人都不能领取；请运维人员查看被隔离的事件",
    ),
)


def unexplained(found: Sequence[Obstacle]) -> list[Obstacle]:
    """Return obstacles as they are told to who may not read what the rules rest on."""
    return [
        replace(one, message=_UNEXPLAINED, until=None) if one.reason is Reason.CLAIM_RULE else one
        for one in found
    ]


def in_order(found: Sequence[Obstacle]) -> list[Obstacle]:
    """Return obstacles in the order of telling."""
    return sorted(found, key=lambda one: _ORDER.index(one.reason))


def obstacles(
    ground: Ground,
    custody: Custody,
    rep: str,
    answer: Decision | DecisionFailure | None,
    *,
    pool: str = "",
) -> list[Obstacle]:
    """Return everything but limits that stands in the way of a claim, in the order of telling.

    Args:
        ground: set-up, policy, and the time.
        custody: the customer's.
        rep: who would claim.
        answer: what the claim policy says; None while the customer is in no pool.
        pool: the pool that he saw it in; "" for wherever it is.
    """
    found = [*_of_state(custody, pool), *_of_rep(ground, custody, rep)]
    if custody.state is State.IN_POOL:
        verdict = verdict_of(answer) if answer is not None else None
        industry = custody.facts.industry if custody.facts is not None else ""
        plugin = ground.policy.industry(industry).plugin
        found += _of_time(ground, custody, rep, claim_limits(ground, custody, verdict))
        if verdict is not None:
            for refusal in verdict.refusals:
                found.append(
                    Obstacle(Reason.CLAIM_RULE, refusal.reason, refusal.until, refusal.rule, plugin)
                )
        elif answer is not None:
            found.append(
                Obstacle(
                    Reason.POLICY_UNAVAILABLE,
                    Text(
                        "the claim policy could not decide, so nobody may claim;"
                        " an operator must look",
                        "领取策略无法作出决定，任何人都不能领取；请运维人员查看",
                    ),
                    plugin=plugin,
                )
            )
    return in_order(found)


def claim_limits(ground: Ground, custody: Custody, verdict: ClaimVerdict | None) -> ClaimLimits:
    """Return what counts for a claim of this customer: of tenant, pool and policy the strictest."""
    pool = ground.setup.pools.get(custody.pool)
    return _claim_limits(
        ground.setup.limits.claim_limits,
        pool.claim_limits if pool is not None else None,
        verdict.limits if verdict is not None else None,
    )


@lru_cache(maxsize=4096)
def _claim_limits(
    tenant: ClaimLimits, pool: ClaimLimits | None, policy: PolicyLimits | None
) -> ClaimLimits:
    given = [tenant]
    if pool is not None:
        given.append(pool)
    if policy is not None:
        given.append(of_policy(policy))
    return strictest(*given)


def holding_limit(ground: Ground, rep: str, verdict: ClaimVerdict | None) -> int:
    """Return what a rep may hold (thousandths), the tenant's or the policy's; 0 means no limit."""
    own = ground.setup.holding_limit(Holder.rep(rep))
    policy = verdict.limits.holding_limit if verdict is not None else None
    if policy is None:
        return own
    milli = min(policy, MOST) * MILLI
    return min(own, milli) if own else milli


def counted(
    ground: Ground, rep: str, limits: ClaimLimits, holding: int, weight: int
) -> dict[str, object]:
    """Return limits as `claim_limits.lua` counts them, in days and weeks of the tenant's zone."""
    today = ground.today
    return {
        "holder": f"rep:{rep}",
        "per_day": limits.per_day or None,
        "per_week": limits.per_week or None,
        "total": limits.total or None,
        "min_interval": limits.min_interval or None,
        "holding": holding or None,
        "weight": weight,
        "day_start": today.start,
        "day_end": today.end,
        "week_start": today.week_start,
        "week_end": today.week_end,
        "keep_from": today.keep_from,
    }


def of_limits(reached: Sequence[LimitReached]) -> list[Obstacle]:
    """Return the limits that are used up as obstacles."""
    return [
        Obstacle(
            Reason.HOLDING_LIMIT if one.limit == "holding" else Reason.CLAIM_LIMIT,
            _with_most(_SENTENCES[one.limit], _amount(one)),
            one.ends,
            one.limit,
        )
        for one in reached
    ]


def refusal(
    customer: CustomerName,
    rep: RepName,
    found: Sequence[Obstacle],
    now: int,
    *,
    custody: Custody | None = None,
    sees_owner: bool = False,
    language: str = "en",
) -> Refusal:
    """Return the answer to a claim with these obstacles (at least one), for a person's language."""
    first = found[0]
    message = in_language(first.message, language)
    quotas = [
        QuotaViolation(
            f"{rep}:{one.rule}",
            in_language(one.message, language),
            max(0, one.until - now) if one.until is not None else None,
        )
        for one in found
        if one.is_limit
    ]
    metadata = _metadata(first, customer, rep, custody, sees_owner=sees_owner)
    if first.is_limit:
        return LimitRefusal(first.reason, message, quotas, metadata=metadata)
    more = len(found) - 1
    if more:
        further = Text(f" (and {more} more in the way)", f"（另有 {more} 项阻碍）")
        message += in_language(further, language)
    return PreconditionFailed(
        first.reason,
        message,
        [
            PreconditionViolation(
                f"{one.reason}:{one.rule}" if one.rule else one.reason.value,
                str(customer),
                in_language(one.message, language),
                one.until,
            )
            for one in found
            if not one.is_limit
        ],
        quotas=quotas,
        metadata=metadata,
    )


def _metadata(
    first: Obstacle,
    customer: CustomerName,
    rep: RepName,
    custody: Custody | None,
    *,
    sees_owner: bool,
) -> Mapping[str, str]:
    metadata = {"customer": str(customer), "rep": str(rep)}
    if first.reason is Reason.CUSTOMER_NOT_IN_POOL and custody is not None:
        metadata["state"] = state_name(custody.state)
        if sees_owner and custody.holder is not None:
            metadata["owner"] = custody.holder.key
    if first.reason is Reason.NOT_POOL_MEMBER and custody is not None:
        metadata["pool"] = f"tenants/{customer.tenant}/pools/{custody.pool}"
    if first.reason is Reason.CLAIM_LIMIT:
        metadata["limit"] = first.rule
    elif first.rule:
        metadata["rule"] = first.rule
    if first.reason is Reason.POLICY_UNAVAILABLE:
        metadata["policy"] = "claim"
    if first.plugin:
        metadata["plugin"] = first.plugin
    return metadata


def _of_state(custody: Custody, pool: str) -> list[Obstacle]:
    found = []
    if custody.state is not State.IN_POOL:
        found.append(Obstacle(Reason.CUSTOMER_NOT_IN_POOL, _NOT_IN_POOL[custody.state]))
    elif pool and custody.pool != pool:
        found.append(
            Obstacle(
                Reason.CUSTOMER_NOT_IN_POOL,
                Text(
                    f"the customer is not in pool {pool}, where you saw it; look again",
                    f"客户已不在您看到时的公海 {pool}；请重新查看",
                ),
            )
        )
    if custody.locked:
        found.append(Obstacle(Reason.CUSTOMER_LOCKED, _LOCKED))
    if custody.disputed:
        found.append(Obstacle(Reason.CUSTOMER_DISPUTED, _DISPUTED))
    return found


def _of_rep(ground: Ground, custody: Custody, rep: str) -> list[Obstacle]:
    found = []
    if custody.state is State.IN_POOL:
        pool = ground.setup.pools.get(custody.pool)
        if pool is None or not ground.setup.is_member(pool, rep):
            found.append(Obstacle(Reason.NOT_POOL_MEMBER, _NO_MEMBER))
    known = ground.setup.reps.get(rep)
    if known is None:
        found.append(Obstacle(Reason.REP_NOT_ACTIVE, _UNKNOWN_REP))
    elif known.state is RepState.LEFT:
        found.append(Obstacle(Reason.REP_NOT_ACTIVE, _LEFT))
    return found


def _of_time(ground: Ground, custody: Custody, rep: str, limits: ClaimLimits) -> list[Obstacle]:
    found = []
    lost_at = custody.lost.get(rep)
    if lost_at is not None and limits.cool_down_days:
        ends = ground.calendar.add_days(lost_at, limits.cool_down_days)
        if ground.now < ends:
            found.append(
                Obstacle(
                    Reason.COOL_DOWN,
                    Text(
                        "the rep held the customer lately; he may claim it again"
                        f" {limits.cool_down_days} days after he lost it",
                        f"该销售近期负责过此客户；失去满 {limits.cool_down_days} 天后方可再领",
                    ),
                    ends,
                )
            )
    if custody.freed is not None and limits.embargo:
        ends = custody.freed + limits.embargo
        if ground.now < ends:
            found.append(Obstacle(Reason.EMBARGO, _EMBARGO, ends))
    return found


_UNEXPLAINED: Final = Text(
    "a rule speaks against it; why would tell what the pool hides of its customers",
    "有规则不允许；其原因涉及公海隐藏的客户信息",
)
_LOCKED: Final = Text("the customer is locked", "客户已锁定")
_DISPUTED: Final = Text("whose customer it is, is disputed at the moment", "客户归属正在争议中")
_NO_MEMBER: Final = Text(
    "the rep is no member of the customer's pool; ask who runs it",
    "该销售不是客户所在公海的成员；请联系公海管理员",
)
_UNKNOWN_REP: Final = Text("the rep is not known here (yet)", "（暂时）没有这名销售")
_LEFT: Final = Text("the rep has left", "该销售已离职")
_EMBARGO: Final = Text(
    "the customer entered the pool lately; nobody may claim it yet",
    "客户刚进入公海，暂时任何人都不能领取",
)
_NOT_IN_POOL: Final = {
    State.HELD: Text("somebody holds the customer; it is in no pool", "客户已有负责人，不在公海中"),
    State.RESERVED: Text(
        "the customer is kept for somebody at the moment; it is in no pool",
        "客户已为他人预留，不在公海中",
    ),
    State.OUT: Text(
        "the customer is out of circulation; it is in no pool", "客户已退出流转，不在公海中"
    ),
}
_SENTENCES: Final = {
    "interval": Text(
        "the rep claimed a moment ago; he must wait between two claims",
        "该销售刚刚领取过客户；两次领取之间须等待",
    ),
    "day": Text(
        "the rep has claimed {most} customers today, as many as he may",
        "该销售今天已领取 {most} 个客户，达到上限",
    ),
    "week": Text(
        "the rep has claimed {most} customers this week, as many as he may",
        "该销售本周已领取 {most} 个客户，达到上限",
    ),
    "total": Text(
        "the rep has claimed {most} customers in all, as many as he may",
        "该销售累计已领取 {most} 个客户，达到上限",
    ),
    "holding": Text(
        "the rep may hold {most} customers by weight, and this one would be too many;"
        " release one first",
        "该销售按权重最多可保有 {most} 个客户，再加此客户将超出上限；请先退回一个",
    ),
}


def _with_most(sentence: Text, most: str) -> Text:
    return Text(sentence.en.format(most=most), sentence.zh.format(most=most))


def _amount(reached: LimitReached) -> str:
    most = max(0, reached.most)
    if reached.limit == "holding":
        return f"{most / MILLI:g}"
    return str(most)
