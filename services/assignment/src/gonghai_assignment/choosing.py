"""Choosing who gets a customer: what it needs, who is there, and why this one (C2, C3, C8)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gonghai_assignment.customers import ORDINARY_WEIGHT, Entry
from gonghai_assignment.explanations import Explained, Term, explanation_of
from gonghai_assignment.regions import with_ancestors
from gonghai_assignment.roster import HUNDREDTH
from gonghai_assignment.store.routing import TENANT_COOL_DOWN, Versions
from gonghai_engine import Text
from gonghai_engine.matching import TERMS, CustomerTerms, score
from gonghai_engine.outcomes import Service
from gonghai_policy_service.reasons import NO_REASON, joined

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gonghai_assignment.policies import Policies
    from gonghai_assignment.roster import Roster, Sight
    from gonghai_engine import Decision, Needs
    from gonghai_engine.calendar import Calendar
    from gonghai_engine.matching import Scores

SELF_SERVICE = "self-service"
"""The channel of customers who serve themselves."""

DETAILED = 10
"""Candidates whose terms are kept with a routing."""

_CODES = {
    "at_capacity": "capacity",
    "below_seniority": "seniority",
    "other_region": "region",
    "former_owner": "former-owner",
    "wrong_service": "service",
    "declined": "declined",
}
_SKILL = "missing_skill:"
_TERMS = {"relation": "former_owner"}
_QUARANTINED = Text("its events are in quarantine", "其事件已被隔离")


@dataclass(frozen=True, slots=True)
class Choice:
    """What was decided about a customer.

    Attributes:
        entry: what it rests on.
        versions: the same, for the step to compare.
        decision: what the customer needs; None when that could not be decided.
        auto_assign: whether it is to be assigned without being asked for.
        rep: id of the rep chosen, who holds it or whose team does; None: nobody is eligible.
        team: id of his team, when the team is to hold it.
        channel: the self-service channel, when the customer serves itself.
        weight: what it counts, in thousandths.
        reason: why, for a person.
        explained: who was considered.
        retry_at: the first instant at which others may be there (µs); None: time alone changes
            nothing.
    """

    entry: Entry
    versions: Versions
    decision: Decision | None
    auto_assign: bool
    rep: str | None
    team: str | None
    channel: str | None
    weight: int
    reason: Text
    explained: Explained
    retry_at: int | None

    @property
    def nobody(self) -> bool:
        """Whether it should be assigned, and nobody is eligible."""
        return self.rep is None and self.channel is None

    @property
    def rule(self) -> str:
        """The rule that decided, for the history."""
        return self.decision.rule if self.decision is not None else ""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Whom a choice may fall on.

    Attributes:
        tried: reps whom pool refused this time.
        full: reps whom pool found full.
        among: the only reps to consider; None: all.
    """

    tried: frozenset[str] = frozenset()
    full: frozenset[str] = frozenset()
    among: frozenset[str] | None = None

    def members(self, reps: Mapping[str, object]) -> frozenset[str] | None:
        """The reps that may be chosen; None: all."""
        if self.among is None and not self.tried and not self.full:
            return None
        among = frozenset(reps) if self.among is None else self.among
        return among - self.tried - self.full

    def code(self, rep: str) -> str:
        """What excludes a rep who may not be chosen."""
        if rep in self.full:
            return "holding-limit"
        return "refused" if rep in self.tried else "team"


ANYBODY = Bounds()


@dataclass(frozen=True, slots=True)
class Chooser:
    """Chooses. Pure but for asking the engine: the same versions give the same choice."""

    policies: Policies

    def park(self, entry: Entry, roster: Roster, *, now: int) -> Choice:
        """Give a customer to nobody, since archive's last word of him could not be taken in."""
        custody = entry.custody
        if custody is None:
            raise ValueError("A customer that pool does not know cannot be assigned.")
        sight = roster.sight(now, self.policies.tenant(entry.tenant).calendar.zone)
        versions = Versions(
            term=custody.term,
            facts=entry.facts.version,
            roster=roster.version,
            loads=roster.loads_version,
            valid_from=sight.start,
            valid_before=sight.end,
        )
        weight = custody.weight or ORDINARY_WEIGHT
        return _undecided(entry, versions, _QUARANTINED, weight, None)

    async def choose(
        self, entry: Entry, roster: Roster, *, now: int, bounds: Bounds = ANYBODY
    ) -> Choice:
        """Decide who gets a customer.

        Args:
            entry: the customer, whose custody is known.
            roster: the reps.
            now: domain time (µs).
            bounds: whom the choice may fall on.
        """
        custody = entry.custody
        if custody is None:
            raise ValueError("A customer that pool does not know cannot be assigned.")
        facts = entry.facts
        region = roster.regions.get(facts.region)
        matching = await self.policies.match(
            entry.tenant,
            entry.customer,
            facts,
            region=region.facts if region is not None else {},
            custody=custody,
            now=now,
            last=lambda: _last_decision(entry),
        )
        calendar = self.policies.tenant(entry.tenant).calendar
        sight = roster.sight(now, calendar.zone)
        needs = matching.needs
        weight = custody.weight or ORDINARY_WEIGHT
        bounds = replace(bounds, full=roster.full_for(weight))
        end = _cool_down_end(entry, matching.cool_down_days, calendar)
        cooling = custody.former_owner is not None and end is not None and now < end
        moments = [moment for moment in (sight.end, end if cooling else None) if moment is not None]
        until = min(moments, default=None)
        versions = Versions(
            term=custody.term,
            facts=facts.version,
            roster=roster.version,
            loads=roster.loads_version,
            valid_from=max(sight.start, end or 0) if not cooling else sight.start,
            valid_before=until,
        )
        if needs is None:
            return _undecided(entry, versions, matching.kept_because, weight, until)
        scores = score(
            replace(
                needs,
                service=Service.PERSON,
                exclude_former_owner=needs.exclude_former_owner or cooling,
            ),
            CustomerTerms(
                customer=entry.customer,
                regions=with_ancestors(facts.region),
                rank=facts.rank,
                stage=facts.stage,
                weight=weight // HUNDREDTH,
                former_owner=custody.former_owner,
                group_owner=entry.group_owner,
                members=bounds.members(roster.reps),
            ),
            sight.table,
        )
        seen = _Seen(scores, needs, sight, bounds, roster)
        best = scores.best()
        channel = SELF_SERVICE if needs.service is Service.SELF_SERVICE else None
        team = None
        if needs.service is Service.TEAM and best is not None:
            team = roster.reps[best].team
        if channel is not None:
            best = None
            reason = Text("it serves itself", "客户自助服务")
        elif best is None:
            reason = seen.why_nobody()
        else:
            reason = seen.why(best)
        return Choice(
            entry=entry,
            versions=versions,
            decision=matching.decision,
            auto_assign=needs.auto_assign,
            rep=best,
            team=team,
            channel=channel,
            weight=weight,
            reason=reason,
            explained=seen.explain(matching.decision, matching.kept_because, reason),
            retry_at=until,
        )


@dataclass(frozen=True, slots=True)
class _Seen:
    """What scoring found, in the contract's words."""

    scores: Scores
    needs: Needs
    sight: Sight
    bounds: Bounds
    roster: Roster
    excluded: dict[str, tuple[str, ...]] = field(init=False)

    def __post_init__(self) -> None:
        excluded = {
            rep: tuple(self._code(rep, code) for code in codes)
            for rep, codes in self.scores.excluded.items()
        }
        object.__setattr__(self, "excluded", excluded)

    def _code(self, rep: str, code: str) -> str:
        if code == "unavailable":
            return self.sight.obstacles.get(rep, "state")
        if code == "not_a_member":
            return self.bounds.code(rep)
        if code.startswith(_SKILL):
            return f"skill:{code.removeprefix(_SKILL)}"
        return _CODES.get(code, code)

    def why(self, rep: str) -> Text:
        ranked = self.scores.ranked(2)
        count = int(self.scores.eligible.sum())
        total = len(self.roster.reps)
        tie = len(ranked) > 1 and ranked[0].total == ranked[1].total
        strategy = str(self.needs.strategy).replace("_", " ")
        en = f"{rep} is first of {count} eligible reps (of {total}) by {strategy},"
        en += f" with {ranked[0].total} of 1000 points"
        zh = f"{rep} 在 {count} 名合格销售（共 {total} 名）中"
        zh += f"按“{_STRATEGIES[self.needs.strategy]}”居首，"
        zh += f"得 {ranked[0].total} 分（满分 1000）"
        if tie:
            en += f"; {ranked[1].rep} has as many, and the order of ids decides"
            zh += f"；{ranked[1].rep} 同分，按编号先后决定"
        return Text(en, zh)

    def why_nobody(self) -> Text:
        if not self.roster.reps:
            return Text("there are no reps", "没有销售")
        causes = self.causes()
        parts = [(code, causes[code]) for code in sorted(causes, key=lambda c: (-causes[c], c))]
        en = ", ".join(f"{cause_name(code).en}: {count}" for code, count in parts)
        zh = "，".join(f"{cause_name(code).zh}：{count}" for code, count in parts)
        return Text(f"nobody is eligible ({en})", f"没有合格的销售（{zh}）")

    def causes(self) -> dict[str, int]:
        return dict(Counter(code for codes in self.excluded.values() for code in codes))

    def explain(
        self, decision: Decision | None, kept_because: Text | None, reason: Text
    ) -> Explained:
        ranked = self.scores.ranked()
        weights = self.needs.weights
        everything = sum(int(getattr(weights, name)) for name in TERMS) or 1
        return Explained(
            decision=decision,
            kept_because=kept_because,
            reason=reason,
            weights=tuple(
                Term(_TERMS.get(name, name), int(getattr(weights, name)) * 1000 // everything)
                for name in TERMS
            ),
            ranked=tuple(
                (each.rep, each.total, tuple(each.terms[name] for name in TERMS))
                for each in ranked[:DETAILED]
            ),
            others=tuple((each.rep, each.total) for each in ranked[DETAILED:]),
            excluded=self.excluded,
            causes=self.causes(),
        )


_STRATEGIES = {
    "best_match": "最佳匹配",
    "weighted_round_robin": "加权轮转",
    "least_loaded": "负荷最低",
    "sticky": "延续原负责人",
}

_CAUSES = {
    "state": "不在岗",
    "leave": "请假",
    "hours": "非工作时间",
    "capacity": "负荷已满",
    "seniority": "资历不足",
    "region": "区域不符",
    "former-owner": "前负责人限制",
    "service": "服务方式不符",
    "declined": "已拒绝",
    "holding-limit": "保有上限",
    "refused": "公海拒绝",
    "team": "不属于所辖团队",
}


def cause_name(code: str) -> Text:
    """What excludes a rep, for a person; in English the code itself says it."""
    if code.startswith("skill:"):
        return Text(code, f"缺少技能 {code.removeprefix('skill:')}")
    return Text(code, _CAUSES.get(code, code))


def _last_decision(entry: Entry) -> Decision | None:
    if entry.routing is None or not entry.routing.detail:
        return None
    return explanation_of(entry.routing.detail).decision


def _cool_down_end(entry: Entry, plugin_days: int, calendar: Calendar) -> int | None:
    """The end of the former owner's cool-down (µs): the longest that anybody asks for."""
    custody = entry.custody
    if custody is None or custody.former_owner is None or custody.former_owner_time is None:
        return None
    days = max(
        plugin_days,
        entry.cool_downs.get(TENANT_COOL_DOWN, 0),
        entry.cool_downs.get(custody.pool, 0),
    )
    return calendar.add_days(custody.former_owner_time, days) if days else None


def _undecided(
    entry: Entry, versions: Versions, failed: Text | None, weight: int, until: int | None
) -> Choice:
    """Nothing is known of what it needs: it is parked until the policy can decide."""
    reason = joined("what it needs could not be decided", "无法判断客户需求", failed or NO_REASON)
    return Choice(
        entry=entry,
        versions=versions,
        decision=None,
        auto_assign=True,
        rep=None,
        team=None,
        channel=None,
        weight=weight,
        reason=reason,
        explained=Explained(None, failed, reason),
        retry_at=until,
    )
