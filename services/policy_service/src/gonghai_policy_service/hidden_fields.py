"""What a pool hides of its customers (隐藏字段), and what else would tell it: facts and decisions.

Which fact tells which field stands here alone: archive and pool leave out the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gonghai_engine.expressions import facts_of
from gonghai_plugin import host_facts as host
from gonghai_plugin.facts import Area, Derived, FromAttribute, Host
from gonghai_policy_service.decisions import condition_messages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gonghai.type.v1.decision_pb2 import ConditionTruth
    from gonghai.type.v1.decision_pb2 import Decision as DecisionMessage
    from gonghai_engine import Decision, Explanation, IndustryPolicy
    from gonghai_plugin.facts import Fact

BUYS_OFTEN: Final = "buys_often"
"""The field of a customer that tells of its measures, and is left out with them."""
TIER: Final = "tier.tier"
TIER_RANK: Final = "tier.rank"
STAGE: Final = "stage.stage"
REGION: Final = "region"

_TOGETHER: Final = (
    frozenset({TIER, TIER_RANK, "tier.decision"}),
    frozenset({STAGE, "stage.decision"}),
)
"""Fields of which each tells the others: a decision's outcome is the tier, its rank the like."""

_METRICS: Final = "metrics"
_MEASURES: Final = frozenset({_METRICS, BUYS_OFTEN})
_TIER: Final = (TIER, TIER_RANK)
_FIELDS: Final = {
    host.CUSTOMER_TYPE.name: ("type",),
    host.SOURCE.name: ("source",),
    host.REGION.name: (REGION,),
    host.REGIONS.name: (REGION,),
    host.REP_COVERS_REGION.name: (REGION,),
    host.TAGS.name: ("tags",),
    host.DAYS_SINCE_CREATED.name: ("create_time",),
    host.RELATIONSHIP_DAYS.name: ("create_time", _METRICS),
    host.BUYS_OFTEN.name: (BUYS_OFTEN,),
    host.STAGE.name: (STAGE,),
    host.TIER.name: _TIER,
    host.TIER_RANK.name: _TIER,
    host.VALUE_GRADE.name: ("tier.value",),
    host.POTENTIAL_GRADE.name: ("tier.potential",),
    host.FOLLOW_UPS_IN_CUSTODY.name: (_METRICS,),
    host.ORDERS_IN_CUSTODY.name: (_METRICS,),
}
"""The fields of a customer that a fact of the host tells; of those of a customer or an activity
that are not here it is the measures.
"""
_ATTRIBUTES: Final = "attributes"
_TOLD: Final = frozenset(
    {
        *(path.partition(".")[0] for paths in _FIELDS.values() for path in paths),
        *_MEASURES,
        _ATTRIBUTES,
    }
)
"""Where the fields are that facts tell."""


@dataclass(frozen=True, slots=True)
class HiddenFields:
    """Fields that are left out of what somebody is told of a customer.

    Attributes:
        paths: of archive.v1.Customer, with those that would tell them; with a message everything in
            it is hidden.
    """

    paths: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Adds what would tell of a tier or a stage that is hidden."""
        also = frozenset().union(*(each for each in _TOGETHER if self.paths & each))
        object.__setattr__(self, "paths", self.paths | also)

    def hides(self, path: str) -> bool:
        """Say whether a field is left out, by itself or with what it is part of."""
        if path.partition(".")[0] in _MEASURES and not self.figures:
            return True
        parts = path.split(".")
        return any(".".join(parts[: end + 1]) in self.paths for end in range(len(parts)))

    @property
    def figures(self) -> bool:
        """Whether what tells of measures is shown: decisions' facts, amounts, goods.

        It is not where one of them is hidden, be it in part: one would tell of another.
        """
        return not any(path.partition(".")[0] in _MEASURES for path in self.paths)

    @property
    def decided_on(self) -> bool:
        """Whether one of them may be what a decision rests on, and its reason tells."""
        return any(path.partition(".")[0] in _TOLD for path in self.paths)

    def telling(self, facts: Iterable[Fact]) -> frozenset[str]:
        """Return the names of those facts that tell a hidden field, or are worked out of one.

        Args:
            facts: each after those that it is derived from, as a compiled policy has them.
        """
        found: set[str] = set()
        for fact in facts:
            if isinstance(fact.origin, Derived):
                told = any(part.name in found for part in facts_of(fact.origin.expression))
            else:
                told = any(self.hides(path) for path in _fields(fact))
            if told:
                found.add(fact.name)
        return frozenset(found)


NOTHING_HIDDEN: Final = HiddenFields()


@dataclass(frozen=True, slots=True)
class Concealment:
    """What somebody is not told of a customer's decisions, by the policies that are in force.

    Attributes:
        hidden: the fields.
        policy: of the customer's industry.
    """

    hidden: HiddenFields
    policy: IndustryPolicy

    def told(self, policy: str, plugin: str, version: str) -> frozenset[str] | None:
        """Return the names of the facts of a decision that tell something hidden.

        Returns:
            None where that is not known, as another plugin or version made the decision: then its
            reason and all of its facts may tell something. Where there are any its reason may,
            whichever rule it was.
        """
        if not self.hidden.decided_on:
            return frozenset()
        resolved = next(
            (one for name, one in self.policy.resolved.items() if str(name) == policy), None
        )
        if resolved is None:
            return None
        owner = resolved.owner.plugin
        if (owner.name, owner.version) != (plugin, version):
            return None
        return self.hidden.telling(resolved.compiled.facts.values())

    def explains(self, decision: Decision) -> bool:
        """Whether the reasons of a decision may be told."""
        told = self.told(str(decision.policy), decision.plugin, decision.plugin_version)
        return told is not None and not told

    def mask(self, decision: DecisionMessage) -> bool:
        """Leave out the facts that tell something hidden, and the reason that may.

        Returns:
            Whether the reason was left out.
        """
        told = self.told(decision.policy, decision.plugin, decision.plugin_version)
        if told is not None and not told:
            return False
        decision.ClearField("reason")
        if told is None:
            decision.ClearField("facts")
        for name in told or ():
            decision.facts.pop(name, None)
        return True

    def conditions(self, explanation: Explanation) -> list[ConditionTruth]:
        """Return the truth of each condition that tells nothing hidden."""
        made = explanation.decision
        told = self.told(str(made.policy), made.plugin, made.plugin_version)
        return [] if told is None else condition_messages(explanation, but=told)


def _fields(fact: Fact) -> tuple[str, ...]:
    if isinstance(fact.origin, FromAttribute):
        return (f"{_ATTRIBUTES}.{fact.name}",)
    given = isinstance(fact.origin, Host) and fact.origin.area in {Area.CUSTOMER, Area.ACTIVITY}
    return _FIELDS.get(fact.name, (_METRICS,) if given else ())
