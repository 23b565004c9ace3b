"""Who takes over from a sponsor that leaves, among those who may (改挂).

Who may, of whom and in which order are the plugin's to say (`gonghai_plugin.policies.Succession`);
that nobody is the heir of himself, and that there are two levels only, is the archive's.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from gonghai_plugin.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gonghai_engine import Heir


class Successor(NamedTuple):
    """Who takes a customer over, by which rule and why.

    Attributes:
        sponsor: id of the customer that becomes its sponsor; None: it is left without.
        rule: of the plugin; "" where the heir was named, or no rule has any.
        reason: for a person.
    """

    sponsor: str | None
    rule: str
    reason: Text


NOBODY_TAKES_OVER: Final = Successor(
    None, "", Text("by the rules nobody takes it over", "按规则无人承接")
)
"""Of whom no rule has an heir."""


def named(heir: str) -> Successor:
    """Return an heir that somebody named, for everybody."""
    return Successor(heir, "", Text("named as the heir", "指定承接"))


class _Candidate(NamedTuple):
    """An heir; the smallest goes first."""

    valueless: bool
    largest: int
    customer: str
    reason: Text


@dataclass(frozen=True, slots=True)
class _Rule:
    """The heirs by a rule, for those who are as they are in some facts."""

    names: Sequence[str]
    heirs: dict[tuple[object, ...], list[_Candidate]] = field(
        default_factory=lambda: defaultdict(list)
    )


@dataclass(slots=True)
class Succession:
    """The heirs of one industry, as they were when they were asked.

    Attributes:
        rules: names of the plugin's rules: the first that has an heir decides.
    """

    rules: Sequence[str]
    _by_rule: dict[str, _Rule] = field(default_factory=dict)
    _gone: set[str] = field(default_factory=set)

    def add(self, customer: str, ways: Iterable[Heir]) -> None:
        """Note in which ways a customer takes over."""
        for way in ways:
            rule = self._by_rule.setdefault(way.rule, _Rule([name for name, _ in way.alike]))
            insort(
                rule.heirs[tuple(value for _, value in way.alike)],
                _Candidate(way.largest is None, -(way.largest or 0), customer, way.reason),
            )

    def drop(self, customer: str) -> None:
        """Leave one out who can be nobody's sponsor any more."""
        self._gone.add(customer)

    def of(self, facts: Mapping[str, object]) -> Successor:
        """Return who takes over a customer of these facts."""
        for name in self.rules:
            rule = self._by_rule.get(name)
            if rule is None:
                continue
            given = tuple(facts.get(each) for each in rule.names)
            # What has no value is like nothing, and no heir stands there.
            for heir in rule.heirs.get(given, ()):
                if heir.customer not in self._gone:
                    return Successor(heir.customer, name, heir.reason)
        return NOBODY_TAKES_OVER
