"""Conditions with the settings put in, and what they are worth in plain Python.

`evaluate` is the oracle: the compiled form in `durable` must always agree with it.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeAlias, Union

from gonghai_engine.faults import DeclarationError
from gonghai_engine.settings import value_at
from gonghai_plugin.conditions import All, Any, Compare, Has, Missing, Not, OneOf, Operator
from gonghai_plugin.facts import INT64_MAX, INT64_MIN, Fact, Kind, Setting

if TYPE_CHECKING:
    from collections.abc import Callable

    from gonghai_engine.decisions import FactValue
    from gonghai_plugin.conditions import Comparand, Condition
    from gonghai_plugin.plugin import Settings


@dataclass(frozen=True, slots=True)
class Number:
    """An int64 inside against a constant."""

    fact: str
    operator: Operator
    value: int


@dataclass(frozen=True, slots=True)
class Word:
    """A text against a constant, equal or not."""

    fact: str
    operator: Operator
    value: str


@dataclass(frozen=True, slots=True)
class Flag:
    """A yes/no value, known and equal."""

    fact: str
    value: bool


@dataclass(frozen=True, slots=True)
class Contains:
    """A set that contains a text; a missing set contains nothing."""

    fact: str
    value: str


@dataclass(frozen=True, slots=True)
class Absent:
    """A value that is missing."""

    fact: str


@dataclass(frozen=True, slots=True)
class Every:
    """All of them."""

    items: tuple[Bound, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """One of them at least."""

    items: tuple[Bound, ...]


@dataclass(frozen=True, slots=True)
class Reverse:
    """Not the other."""

    item: Bound


Bound: TypeAlias = Union[Number, Word, Flag, Contains, Absent, Every, Some, Reverse]  # noqa: UP007 - named before it is used

OPERATORS: Final[Mapping[Operator, Callable[[int, int], bool]]] = {
    Operator.LESS_THAN: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.MORE_THAN: operator.gt,
    Operator.AT_LEAST: operator.ge,
    Operator.EQUALS: operator.eq,
    Operator.DIFFERS: operator.ne,
}

INVERSE: Final[Mapping[Operator, Operator]] = {
    Operator.LESS_THAN: Operator.AT_LEAST,
    Operator.AT_MOST: Operator.MORE_THAN,
    Operator.MORE_THAN: Operator.AT_MOST,
    Operator.AT_LEAST: Operator.LESS_THAN,
    Operator.EQUALS: Operator.DIFFERS,
    Operator.DIFFERS: Operator.EQUALS,
}

_EQUALITY: Final = frozenset({Operator.EQUALS, Operator.DIFFERS})


def difference_key(fact: Fact, other: Fact) -> str:
    """Name the difference that stands for a comparison of two facts."""
    return f"{fact.name} - {other.name}"


def evaluate(bound: Bound, values: Mapping[str, FactValue]) -> bool:  # noqa: PLR0911 - one answer a kind
    """Say whether a condition holds; every comparison with a missing value is false."""
    match bound:
        case Number():
            number = values[bound.fact]
            return isinstance(number, int) and OPERATORS[bound.operator](number, bound.value)
        case Word():
            word = values[bound.fact]
            return word is not None and (word == bound.value) is (bound.operator is Operator.EQUALS)
        case Flag():
            return values[bound.fact] is bound.value
        case Contains():
            members = values[bound.fact]
            return isinstance(members, frozenset) and bound.value in members
        case Absent():
            return values[bound.fact] is None
        case Every():
            return all(evaluate(item, values) for item in bound.items)
        case Some():
            return any(evaluate(item, values) for item in bound.items)
        case Reverse():
            return not evaluate(bound.item, values)


def bind(condition: Condition, settings: Settings, where: str) -> Bound:  # noqa: PLR0911 - one answer a kind
    """Put the settings into a condition. Raises DeclarationError for what does not fit its type."""
    match condition:
        case All():
            return Every(tuple(bind(item, settings, where) for item in condition.items))
        case Any():
            return Some(tuple(bind(item, settings, where) for item in condition.items))
        case Not():
            return Reverse(bind(condition.item, settings, where))
        case Missing():
            return Absent(condition.fact.name)
        case Compare():
            return _compare(condition, settings, where)
        case OneOf():
            _expect(condition.fact, Kind.TEXT, where, "'is one of'")
            return Some(
                tuple(
                    Word(condition.fact.name, Operator.EQUALS, value)
                    for value in _texts(condition.fact, condition.values, settings, where)
                )
            )
        case Has():
            _expect(condition.fact, Kind.TEXT_SET, where, "'has'")
            return Some(
                tuple(
                    Contains(condition.fact.name, value)
                    for value in _texts(condition.fact, condition.values, settings, where)
                )
            )


def scaled(value: object, fact: Fact, where: str, path: str = "") -> int:
    """Return a number as the int64 that a fact of this type holds inside."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise DeclarationError(where, f"{fact} is a number, {value!r} is none", path)
    number = Decimal(value).scaleb(fact.type.scale) if fact.type.scale else Decimal(value)
    if number != number.to_integral_value():
        raise DeclarationError(
            where, f"{value} has more decimal places than {fact}, a {fact.type}", path
        )
    whole = int(number)
    if not INT64_MIN <= whole <= INT64_MAX:
        raise DeclarationError(where, f"{value} for {fact} is beyond 64 bits", path)
    return whole


def _compare(condition: Compare, settings: Settings, where: str) -> Bound:
    fact, comparison = condition.fact, condition.operator
    if isinstance(condition.operand, Fact):
        other = condition.operand
        if not fact.type.kind.numeric or fact.type != other.type:
            raise DeclarationError(
                where, f"{fact}, a {fact.type}, is compared with {other}, a {other.type}"
            )
        return Number(difference_key(fact, other), comparison, 0)
    value, path = _constant(condition.operand, settings, where)
    if fact.type.kind.numeric:
        return Number(fact.name, comparison, scaled(value, fact, where, path))
    if comparison not in _EQUALITY:
        raise DeclarationError(where, f"{fact}, a {fact.type}, knows == and != only")
    if fact.type.kind is Kind.BOOL:
        if not isinstance(value, bool):
            raise DeclarationError(where, f"{fact} is yes or no, {value!r} is neither", path)
        return Flag(fact.name, value is (comparison is Operator.EQUALS))
    _expect(fact, Kind.TEXT, where, str(comparison))
    return Word(fact.name, comparison, _text(fact, value, where, path))


def _constant(operand: Comparand, settings: Settings, where: str) -> tuple[object, str]:
    if isinstance(operand, Setting):
        return value_at(settings, operand.path, where), operand.path
    return operand, ""


def _texts(
    fact: Fact, values: tuple[str, ...] | Setting, settings: Settings, where: str
) -> tuple[str, ...]:
    if isinstance(values, tuple):
        return tuple(_text(fact, value, where, "") for value in values)
    found = value_at(settings, values.path, where)
    if isinstance(found, Mapping):
        found = tuple(dict.fromkeys(found.values()))  # a table: one of what it leads to
    several = found if isinstance(found, (tuple, list, set, frozenset)) else (found,)
    return tuple(_text(fact, value, where, values.path) for value in several)


def _text(fact: Fact, value: object, where: str, path: str) -> str:
    if not isinstance(value, str):
        raise DeclarationError(where, f"{fact} is a text, {value!r} is none", path)
    if fact.type.values is not None and value not in fact.type.values:
        raise DeclarationError(
            where, f"{value!r} is none of the values of {fact}: {', '.join(fact.type.values)}", path
        )
    return str(value)


def _expect(fact: Fact, kind: Kind, where: str, what: str) -> None:
    if fact.type.kind is not kind:
        raise DeclarationError(where, f"{what} asks for a {kind}, {fact} is a {fact.type}")
