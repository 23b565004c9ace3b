"""Rules: a name, a condition, an outcome, and the sentence that says why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from gonghai_plugin.conditions import ALWAYS

if TYPE_CHECKING:
    from gonghai_plugin.conditions import Condition
    from gonghai_plugin.texts import Text

OutcomeT = TypeVar("OutcomeT")
OutcomeT_co = TypeVar("OutcomeT_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Rule(Generic[OutcomeT_co]):
    """When ``when`` holds, decide ``then``, because of ``because``. Names are unique in a table."""

    name: str
    when: Condition
    then: OutcomeT_co
    because: Text


@dataclass(frozen=True, slots=True)
class FirstHit(Generic[OutcomeT_co]):
    """A table read from the top: the first rule that holds decides; the last holds always.

    A rule's priority is its place, so two rules that overlap are never decided by chance.
    """

    rules: tuple[Rule[OutcomeT_co], ...]


@dataclass(frozen=True, slots=True)
class AllHits(Generic[OutcomeT_co]):
    """A table of which every rule that holds counts, in order."""

    rules: tuple[Rule[OutcomeT_co], ...]
    otherwise: Text
    """The sentence when none holds."""


def first_hit(*rules: Rule[OutcomeT]) -> FirstHit[OutcomeT]:
    """Make a table whose first holding rule decides."""
    return FirstHit(rules)


def all_hits(*rules: Rule[OutcomeT], otherwise: Text) -> AllHits[OutcomeT]:
    """Make a table of which every holding rule counts."""
    return AllHits(rules, otherwise)


def otherwise(then: OutcomeT, because: Text, name: str = "otherwise") -> Rule[OutcomeT]:
    """Make the catch-all that ends a first-hit table."""
    return Rule(name, ALWAYS, then, because)
