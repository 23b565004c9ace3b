"""Conditions: what rules ask of facts, as data that can be compiled, listed and explained."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias, Union

if TYPE_CHECKING:
    from decimal import Decimal

    from gonghai_plugin.facts import Fact, Setting


class Operator(StrEnum):
    """How a fact is compared. A comparison with a missing value is false, ``!=`` too."""

    LESS_THAN = "<"
    AT_MOST = "<="
    MORE_THAN = ">"
    AT_LEAST = ">="
    EQUALS = "=="
    DIFFERS = "!="


@dataclass(frozen=True, slots=True)
class Compare:
    """A fact against a constant, a setting, or another fact of the same type.

    A decimal fact is compared with the number as written (``Decimal("2.5")``), not scaled.
    Texts and yes/no values know ``==`` and ``!=`` only.
    """

    fact: Fact
    operator: Operator
    operand: Comparand

    def __str__(self) -> str:
        """Return it as it is listed."""
        return f"{self.fact} {self.operator} {_written(self.operand)}"


@dataclass(frozen=True, slots=True)
class OneOf:
    """A text is one of several."""

    fact: Fact
    values: tuple[str, ...] | Setting

    def __str__(self) -> str:
        """Return it as it is listed."""
        return f"{self.fact} in {_listed(self.values)}"


@dataclass(frozen=True, slots=True)
class Has:
    """A set contains one of several texts at least."""

    fact: Fact
    values: tuple[str, ...] | Setting

    def __str__(self) -> str:
        """Return it as it is listed."""
        return f"{self.fact} has any of {_listed(self.values)}"


@dataclass(frozen=True, slots=True)
class Missing:
    """A fact has no value."""

    fact: Fact

    def __str__(self) -> str:
        """Return it as it is listed."""
        return f"{self.fact} is missing"


@dataclass(frozen=True, slots=True)
class All:
    """Every one holds; none at all holds too."""

    items: tuple[Condition, ...]

    def __str__(self) -> str:
        """Return it as it is listed."""
        return "(" + " and ".join(map(str, self.items)) + ")" if self.items else "always"


@dataclass(frozen=True, slots=True)
class Any:
    """One at least holds; of none at all, none does."""

    items: tuple[Condition, ...]

    def __str__(self) -> str:
        """Return it as it is listed."""
        return "(" + " or ".join(map(str, self.items)) + ")" if self.items else "never"


@dataclass(frozen=True, slots=True)
class Not:
    """The other does not hold (so it does where a comparison fails for a missing value)."""

    item: Condition

    def __str__(self) -> str:
        """Return it as it is listed."""
        return f"not {self.item}"


Condition: TypeAlias = Union[Compare, OneOf, Has, Missing, All, Any, Not]  # noqa: UP007 - named before it is used
Comparand: TypeAlias = "bool | int | Decimal | str | Setting | Fact"

ALWAYS = All(())
"""The condition of a catch-all."""


def all_(*items: Condition) -> All:
    """Combine conditions that must all hold."""
    return All(items)


def any_(*items: Condition) -> Any:
    """Combine conditions of which one must hold."""
    return Any(items)


def not_(item: Condition) -> Not:
    """Turn a condition round."""
    return Not(item)


def _written(operand: object) -> str:
    if isinstance(operand, bool):
        return "yes" if operand else "no"
    return f"'{operand}'" if isinstance(operand, str) else str(operand)


def _listed(values: tuple[str, ...] | Setting) -> str:
    return "{" + ", ".join(values) + "}" if isinstance(values, tuple) else str(values)
