"""Facts as they come in, checked against their declared types."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Final, TypeAlias

from gonghai_engine.faults import FactError
from gonghai_plugin.facts import INT64_MAX, INT64_MIN, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gonghai_engine.decisions import FactValue
    from gonghai_plugin.facts import Fact

Check: TypeAlias = "Callable[[object], FactValue]"

MOST_MEMBERS: Final = 1_000
"""Of a set: what rules do with one takes as long as it is large."""


class Intake:
    """Takes the given facts that some policy needs out of what a caller sends."""

    def __init__(self, facts: tuple[Fact, ...]) -> None:
        """Prepare for ``facts``, none of them derived."""
        self.facts = facts
        self.names = tuple(fact.name for fact in facts)
        self._checks = tuple((fact.name, checker(fact)) for fact in facts)

    def take(self, given: Mapping[str, object]) -> dict[str, FactValue]:
        """Return the needed values; what lacks is missing. Raises FactError for a wrong type."""
        get = given.get
        values: dict[str, FactValue] = {}
        for name, check in self._checks:
            value = get(name)
            values[name] = None if value is None else check(value)
        return values


def checker(fact: Fact) -> Check:  # noqa: C901 - one answer a kind
    """Make the function that lets a known value of the fact's type through, and no other."""
    name, kind, allowed = fact.name, fact.type.kind, fact.type.values
    if kind.numeric:

        def number(value: object) -> FactValue:
            if type(value) is not int:
                raise FactError(name, f"is a {fact.type}, not {_kind_of(value)}")
            if not INT64_MIN <= value <= INT64_MAX:
                raise FactError(name, "is beyond 64 bits")
            return value

        return number
    if kind is Kind.BOOL:

        def flag(value: object) -> FactValue:
            if value is True or value is False:
                return value
            raise FactError(name, f"is yes or no, not {_kind_of(value)}")

        return flag
    if kind is Kind.TEXT:
        values = None if allowed is None else frozenset(allowed)

        def text(value: object) -> FactValue:
            if not isinstance(value, str):
                raise FactError(name, f"is a text, not {_kind_of(value)}")
            if values is not None and value not in values:
                raise FactError(name, f"is none of {', '.join(sorted(values))}")
            return value

        return text
    return _set_checker(name, allowed)


def _set_checker(name: str, allowed: tuple[str, ...] | None) -> Check:
    values = None if allowed is None else frozenset(allowed)

    def members(value: object) -> FactValue:
        if not isinstance(value, (frozenset, tuple, list, AbstractSet)):
            raise FactError(name, f"is a set of texts, not {_kind_of(value)}")
        if len(value) > MOST_MEMBERS:
            raise FactError(name, f"has {len(value):,} members, {MOST_MEMBERS:,} at the most")
        found = value if isinstance(value, frozenset) else frozenset(value)
        if not all(isinstance(item, str) for item in found):
            raise FactError(name, "is a set of texts, and one of its members is none")
        if values is not None and not found <= values:
            raise FactError(name, f"has a member that is none of {', '.join(sorted(values))}")
        return found

    return members


def _kind_of(value: object) -> str:
    return type(value).__name__  # never the value itself: it may be somebody's data
