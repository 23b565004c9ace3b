"""Declared expressions, compiled to functions over a decision's values."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from gonghai_engine.bound import bind, difference_key, evaluate
from gonghai_engine.faults import DeclarationError, FunctionError
from gonghai_engine.settings import value_at
from gonghai_plugin import conditions
from gonghai_plugin.facts import (
    INT64_MAX,
    INT64_MIN,
    Arithmetic,
    Computed,
    Conditional,
    Expression,
    Extreme,
    Fact,
    FirstKnown,
    Kind,
    Pick,
    Ratio,
    Setting,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gonghai_engine.decisions import FactValue
    from gonghai_plugin.conditions import Condition
    from gonghai_plugin.facts import Operand
    from gonghai_plugin.plugin import Settings

_OPERATIONS: Final[Mapping[str, Callable[[int, int], int | None]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": lambda a, b: a // b if b else None,
}

Values: TypeAlias = "dict[str, FactValue]"
Whole: TypeAlias = "Callable[[Values], int | None]"


def saturated(value: int | None) -> int | None:
    """Keep a number inside 64 bits: beyond them it is the last one there is."""
    if value is None or INT64_MIN <= value <= INT64_MAX:
        return value
    return INT64_MAX if value > 0 else INT64_MIN


def difference(values: Values, left: Fact, right: Fact) -> int | None:
    """Return ``left - right``, kept inside 64 bits (which keeps its sign); missing if one is."""
    a, b = values[left.name], values[right.name]
    return saturated(a - b) if isinstance(a, int) and isinstance(b, int) else None


def compile_number(operand: Operand, settings: Settings, where: str) -> Whole:  # noqa: C901, PLR0911 - one answer a kind
    """Make the function that computes an expression; missing gives missing."""
    match operand:
        case bool():
            raise DeclarationError(where, f"{operand!r} is no number")
        case int():
            return lambda _: operand
        case Setting():
            return _of_setting(operand, settings, where)
        case Fact():
            return _of_fact(operand, where)
        case Arithmetic():
            return _of_arithmetic(operand, settings, where)
        case Ratio():
            return _of_ratio(operand, settings, where)
        case Extreme():
            return _of_extreme(operand, settings, where)
        case FirstKnown():
            return _of_first_known(operand, settings, where)
        case Conditional():
            return _of_conditional(operand, settings, where)
        case Pick():
            return _of_pick(operand, settings, where)
        case Computed():
            return _of_function(operand, where)
        case _:
            raise DeclarationError(where, f"{operand!r} is no expression")


def compile_name(pick: Pick, settings: Settings, where: str) -> Callable[[Values], str | None]:
    """Make the function that looks a text up."""
    table: dict[str, str] = {}
    for key, value in rows_of(pick, settings, where):
        if not isinstance(value, str):
            raise DeclarationError(where, f"{value!r} under {key!r} is no name", _path(pick))
        table[key] = value
    otherwise = pick.otherwise
    if isinstance(otherwise, Setting):
        otherwise = str(value_at(settings, otherwise.path, where))
    if otherwise is not None and not isinstance(otherwise, str):
        raise DeclarationError(where, f"{otherwise!r} is no name")
    find = _finder(pick, tuple(table), where)

    def look_up(values: Values) -> str | None:
        key = find(values)
        return otherwise if key is None else table[key]

    return look_up


def facts_of(item: object) -> Iterator[Fact]:  # noqa: C901 - one answer a kind
    """List the facts that an expression or condition names, derived ones as themselves."""
    match item:
        case Fact():
            yield item
        case Arithmetic():
            yield from _facts_of_all((item.left, item.right))
        case Ratio():
            yield from _facts_of_all((item.numerator, item.denominator))
        case Extreme() | FirstKnown() | conditions.All() | conditions.Any():
            yield from _facts_of_all(item.items)
        case Conditional():
            yield from _facts_of_all((item.when, item.then, item.otherwise))
        case Computed():
            yield from item.of
        case Pick():
            yield item.by
            if isinstance(item.table, tuple):
                yield from _facts_of_all(tuple(value for _, value in item.table))
            yield from facts_of(item.otherwise)
        case conditions.Compare():
            yield from _facts_of_all((item.fact, item.operand))
        case conditions.OneOf() | conditions.Has() | conditions.Missing():
            yield item.fact
        case conditions.Not():
            yield from facts_of(item.item)
        case _:
            return


def differences_of(condition: Condition) -> Iterator[tuple[Fact, Fact]]:
    """List the pairs of facts that a condition compares with each other."""
    match condition:
        case conditions.Compare(fact=fact, operand=Fact() as other):
            yield fact, other
        case conditions.All() | conditions.Any():
            for item in condition.items:
                yield from differences_of(item)
        case conditions.Not():
            yield from differences_of(condition.item)
        case _:
            return


def _facts_of_all(items: tuple[object, ...]) -> Iterator[Fact]:
    for item in items:
        yield from facts_of(item)


def _of_setting(operand: Setting, settings: Settings, where: str) -> Whole:
    value = value_at(settings, operand.path, where)
    if isinstance(value, bool) or not isinstance(value, int):
        raise DeclarationError(where, f"{operand} is {value!r}, no whole number", operand.path)
    _check_word(value, where, operand.path)
    return lambda _: value


def _check_word(value: object, where: str, path: str) -> None:
    """Refuse a setting's number that is larger than any fact's: sizes are counted on that."""
    if isinstance(value, int) and not INT64_MIN <= value <= INT64_MAX:
        raise DeclarationError(where, "a number is beyond 64 bits", path)


def _of_fact(fact: Fact, where: str) -> Whole:
    name = fact.name
    if fact.type.kind is Kind.BOOL:
        return lambda values: None if values[name] is None else int(values[name] is True)
    if not fact.type.kind.numeric:
        raise DeclarationError(where, f"{fact}, a {fact.type}, is no number")
    return lambda values: values[name]  # type: ignore[return-value] # its type was checked above


def _of_arithmetic(item: Arithmetic, settings: Settings, where: str) -> Whole:
    left = compile_number(item.left, settings, where)
    right = compile_number(item.right, settings, where)

    apply = _OPERATIONS.get(item.operator)
    if apply is None:
        raise DeclarationError(where, f"{item.operator!r} is no operation")

    def compute(values: Values) -> int | None:
        a, b = left(values), right(values)
        return None if a is None or b is None else apply(a, b)

    return compute


def _of_ratio(item: Ratio, settings: Settings, where: str) -> Whole:
    top = compile_number(item.numerator, settings, where)
    bottom = compile_number(item.denominator, settings, where)
    factor = 10**item.scale

    def compute(values: Values) -> int | None:
        a, b = top(values), bottom(values)
        return None if a is None or not b else a * factor // b

    return compute


def _of_extreme(item: Extreme, settings: Settings, where: str) -> Whole:
    parts = tuple(compile_number(part, settings, where) for part in item.items)
    choose = max if item.largest else min

    def compute(values: Values) -> int | None:
        numbers = [part(values) for part in parts]
        known = [number for number in numbers if number is not None]
        return choose(known) if len(known) == len(numbers) and known else None

    return compute


def _of_first_known(item: FirstKnown, settings: Settings, where: str) -> Whole:
    parts = tuple(compile_number(part, settings, where) for part in item.items)

    def compute(values: Values) -> int | None:
        for part in parts:
            number = part(values)
            if number is not None:
                return number
        return None

    return compute


def _of_conditional(item: Conditional, settings: Settings, where: str) -> Whole:
    condition = bind(item.when, settings, where)
    then = compile_number(item.then, settings, where)
    otherwise = compile_number(item.otherwise, settings, where)
    pairs = tuple(differences_of(item.when))

    def compute(values: Values) -> int | None:
        for left, right in pairs:
            values[difference_key(left, right)] = difference(values, left, right)
        return then(values) if evaluate(condition, values) else otherwise(values)

    return compute


def _of_pick(item: Pick, settings: Settings, where: str) -> Whole:
    table: dict[str, Whole] = {}
    for key, value in rows_of(item, settings, where):
        if not isinstance(value, (int, Setting, Expression)):
            raise DeclarationError(where, f"{value!r} under {key!r} is no number", _path(item))
        if isinstance(item.table, Setting):
            _check_word(value, where, item.table.path)
        table[key] = compile_number(value, settings, where)
    if isinstance(item.otherwise, str):
        raise DeclarationError(where, f"{item.otherwise!r} is no number")
    otherwise = None if item.otherwise is None else compile_number(item.otherwise, settings, where)
    find = _finder(item, tuple(table), where)

    def compute(values: Values) -> int | None:
        key = find(values)
        if key is not None:
            return table[key](values)
        return None if otherwise is None else otherwise(values)

    return compute


def _of_function(item: Computed, where: str) -> Whole:
    if not callable(item.function):
        raise DeclarationError(where, f"{item.function!r} is no function")
    function, names = item.function, tuple(fact.name for fact in item.of)

    def compute(values: Values) -> int | None:
        given = [values[name] for name in names]
        if None in given:
            return None
        try:
            number = function(*given)
        except Exception as error:
            # Without its own words: they may hold what customers told us.
            raise FunctionError(where, f"its function raised {type(error).__name__}") from error
        if number is None:
            return None
        if type(number) is not int or not INT64_MIN <= number <= INT64_MAX:
            kind = "a number of more than 64 bits" if type(number) is int else type(number).__name__
            raise FunctionError(where, f"its function gave {kind}, no whole number")
        return number

    return compute


def rows_of(item: Pick, settings: Settings, where: str) -> Iterator[tuple[str, object]]:
    """List the keys of a table and what each leads to, in the order of the table."""
    if isinstance(item.table, tuple):
        yield from item.table
        return
    found = value_at(settings, item.table.path, where)
    if not isinstance(found, Mapping):
        raise DeclarationError(where, f"{item.table} is no table", item.table.path)
    yield from found.items()


def _path(item: Pick) -> str:
    return item.table.path if isinstance(item.table, Setting) else ""


def _finder(item: Pick, keys: tuple[str, ...], where: str) -> Callable[[Values], str | None]:
    name = item.by.name
    known = frozenset(keys)
    if item.by.type.kind is Kind.TEXT:

        def by_text(values: Values) -> str | None:
            value = values[name]
            return value if isinstance(value, str) and value in known else None

        return by_text
    if item.by.type.kind is Kind.TEXT_SET:

        def by_set(values: Values) -> str | None:
            members = values[name]
            if not isinstance(members, frozenset):
                return None
            return next((key for key in keys if key in members), None)

        return by_set
    raise DeclarationError(where, f"{item.by}, a {item.by.type}, is neither a text nor a set")
