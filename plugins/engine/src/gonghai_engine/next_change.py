"""From which day on a decision may differ, when nobody does anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gonghai_engine.bound import (
    OPERATORS,
    Absent,
    Bound,
    Contains,
    Every,
    Flag,
    Number,
    Reverse,
    Some,
    Word,
    difference_key,
)
from gonghai_engine.expressions import facts_of
from gonghai_plugin import policies
from gonghai_plugin.facts import Derived, Fact, Host, Motion

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gonghai_engine.compiled import CompiledPolicy
    from gonghai_engine.decisions import FactValue

_TOMORROW: Final = 1


def next_change_days(
    compiled: Iterable[CompiledPolicy],
    facts: Mapping[str, object],
    window_days: Mapping[str, int | None],
) -> int | None:
    """Return in how many days (1: tomorrow) one of the policies may decide otherwise; None: never.

    ``facts`` are as of today. ``window_days`` says of window facts in how many days they next move
    by themselves (None: never); one that it does not name is taken to move tomorrow. Day counts
    grow by one a day. Before the day returned, rule and outcome are the same as today; figures in
    sentences may be others. Raises FactError for a fact of a wrong type.
    """
    return _soonest(
        days for policy in compiled for days in _days_of(policy, policy.known(facts), window_days)
    )


def _days_of(
    policy: CompiledPolicy,
    values: Mapping[str, FactValue],
    window_days: Mapping[str, int | None],
) -> Iterator[int | None]:
    days = _Days(values, window_days, policy.functions)
    pairs = {
        difference_key(left, right): (left, right)
        for table in policy.tables
        for left, right in table.differences
    }
    for table in policy.tables:
        for rule in table.rules:
            for test in _tests(rule.bound):
                if test.fact in pairs:
                    yield days.of_difference(test, *pairs[test.fact])
                else:
                    yield days.of_test(test, policy.facts.get(test.fact))
        for fact in table.outcome_facts:
            yield days.of_value(fact)
    worth = (
        policy.declared.lifetime_value if isinstance(policy.declared, policies.Tiering) else None
    )
    if worth is not None:
        yield days.of_value(worth)


class _Days:
    """In how many days something of one customer moves."""

    def __init__(
        self,
        values: Mapping[str, FactValue],
        window_days: Mapping[str, int | None],
        functions: frozenset[str],
    ) -> None:
        self._functions = functions
        self._values = values
        self._window_days = window_days

    def of_test(
        self, test: Number | Word | Flag | Contains | Absent, fact: Fact | None
    ) -> int | None:
        if fact is None:
            return None  # a grade that the policy computes: its own tables are looked at too
        if self._slope(fact) and isinstance(test, Number):
            return self._crossing(test, 1)
        if self._slope(fact):
            return None  # a count of days that is known stays known
        return self.of_value(fact)

    def of_difference(
        self, test: Number | Word | Flag | Contains | Absent, left: Fact, right: Fact
    ) -> int | None:
        slope = self._slope(left) - self._slope(right)
        others = _soonest(self.of_value(fact) for fact in (left, right) if not self._slope(fact))
        if not slope or not isinstance(test, Number):
            return others
        if not self._functions.isdisjoint((left.name, right.name)):
            return _TOMORROW  # what a function gives is not asked here, so it may be anything
        return _soonest((others, self._crossing(test, slope)))

    def of_value(self, fact: Fact) -> int | None:
        """Return in how many days the value itself may be another."""
        origin = fact.origin
        if isinstance(origin, Derived):
            return _soonest(self.of_value(part) for part in facts_of(origin.expression))
        if not isinstance(origin, Host) or origin.motion is Motion.STILL:
            return None
        if origin.motion is Motion.WINDOW:
            return self._window_days.get(fact.name, _TOMORROW)
        return _TOMORROW if self._slope(fact) else None

    def _slope(self, fact: Fact) -> int:
        counts = isinstance(fact.origin, Host) and fact.origin.motion is Motion.DAYS
        return int(counts and self._values.get(fact.name) is not None)

    def _crossing(self, test: Number, slope: int) -> int | None:
        value = self._values[test.fact]
        if not isinstance(value, int):
            return None
        distance = abs(test.value - value)
        now = OPERATORS[test.operator](value, test.value)
        for days in (max(1, distance - 1), distance, distance + 1):
            if days >= 1 and OPERATORS[test.operator](value + slope * days, test.value) is not now:
                return days
        return None


def _tests(bound: Bound) -> Iterator[Number | Word | Flag | Contains | Absent]:
    match bound:
        case Every() | Some():
            for item in bound.items:
                yield from _tests(item)
        case Reverse():
            yield from _tests(bound.item)
        case _:
            yield bound


def _soonest(days: Iterable[int | None]) -> int | None:
    return min((count for count in days if count is not None), default=None)
