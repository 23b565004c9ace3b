"""How large a declared expression or condition is: bounded, so that evaluating it is quick.

A declaration is a graph, and is evaluated as a tree: what is written in one line (``e = e * e``)
and a few more can be a million steps, on numbers of a million digits. So both are measured before
anything else goes through it, and each part is looked at once.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final, NamedTuple

from gonghai_engine.faults import DeclarationError
from gonghai_plugin import conditions
from gonghai_plugin.facts import (
    Arithmetic,
    Computed,
    Conditional,
    Derived,
    Expression,
    Extreme,
    Fact,
    FirstKnown,
    Pick,
    Ratio,
    Setting,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

MOST_STEPS: Final = 2_000
"""Of one expression, those of the facts that it is derived from among them."""

MOST_BITS: Final = 1_024
"""Of a number on the way: sixteen factors of 64 bits."""

DEEPEST: Final = 100
"""Levels of one within another: each is a call within a call."""

MOST_PLACES: Final = 18
"""Decimal places of a ratio: more leave nothing of 64 bits."""

_WORD: Final = 64
_DECIMAL_BITS: Final = 4
"""A decimal place takes fewer."""


class Size(NamedTuple):
    """How many steps there are, how long the longest number on the way is, how deep it goes."""

    steps: int
    bits: int
    depth: int


_NOTHING: Final = Size(0, 0, 0)


def check_size(item: object, where: str) -> None:
    """Measure an expression or a condition.

    Raises DeclarationError saying what is too large.
    """
    try:
        _Measure(where).of(item)
    except RecursionError:
        raise DeclarationError(where, _TOO_DEEP) from None


_TOO_DEEP: Final = f"it goes more than {DEEPEST} levels deep"


class _Measure:
    def __init__(self, where: str) -> None:
        self._where = where
        self._known: dict[int, Size] = {}

    def of(self, item: object) -> Size:
        found = self._known.get(id(item))
        if found is None:
            found = self._known[id(item)] = self._measured(item)
            if found.steps > MOST_STEPS:
                raise DeclarationError(self._where, f"it takes more than {MOST_STEPS:,} steps")
            if found.bits > MOST_BITS:
                raise DeclarationError(
                    self._where, f"a number in it may have more than {MOST_BITS:,} bits"
                )
            if found.depth > DEEPEST:
                raise DeclarationError(self._where, _TOO_DEEP)
        return found

    def _measured(self, item: object) -> Size:  # noqa: C901, PLR0911, PLR0912 - one answer a kind
        match item:
            case bool():
                return Size(0, 1, 0)
            case int():
                return Size(0, item.bit_length(), 0)
            case Setting():
                return Size(0, _WORD, 0)
            case Fact(origin=Derived(expression=expression)):
                # Whatever it is on the way, it is kept inside 64 bits.
                return self._over((expression,), lambda _: _WORD)
            case Fact():
                return Size(1, _WORD, 0)
            case Arithmetic(operator="*"):
                return self._over((item.left, item.right), sum)
            case Arithmetic(operator="//"):
                return self._over((item.left, item.right), lambda bits: bits[0])
            case Arithmetic():
                return self._over((item.left, item.right), lambda bits: max(bits) + 1)
            case Ratio():
                if not 0 <= item.scale <= MOST_PLACES:
                    raise DeclarationError(
                        self._where, f"a ratio has 0 to {MOST_PLACES} places, not {item.scale!r}"
                    )
                longer = item.scale * _DECIMAL_BITS
                return self._over((item.numerator, item.denominator), lambda bits: bits[0] + longer)
            case Extreme() | FirstKnown() | conditions.All() | conditions.Any():
                return self._over(item.items)
            case Conditional():
                return self._over((item.when, item.then, item.otherwise))
            case Computed():
                return self._over(item.of, lambda _: _WORD)
            case Pick():
                rows = item.table if isinstance(item.table, tuple) else ()
                return self._over((item.by, *(value for _, value in rows), item.otherwise))
            case conditions.Compare():
                return self._over((item.fact, item.operand))
            case conditions.OneOf() | conditions.Has() | conditions.Missing():
                return self._over((item.fact,))
            case conditions.Not():
                return self._over((item.item,))
            case _:
                return _NOTHING

    def _over(self, parts: Iterable[object], bits: Callable[[Sequence[int]], int] = max) -> Size:
        sizes = [self.of(part) for part in parts]
        return Size(
            1 + sum(size.steps for size in sizes),
            bits([size.bits for size in sizes]) if sizes else 0,
            1 + max((size.depth for size in sizes), default=0),
        )


def check_outcome(outcome: object, where: str) -> None:
    """Measure every expression of an outcome that a rule declares."""
    if dataclasses.is_dataclass(outcome) and not isinstance(outcome, Expression):
        for field in dataclasses.fields(outcome):
            check_outcome(getattr(outcome, field.name), where)
    elif isinstance(outcome, tuple):
        for part in outcome:
            check_outcome(part, where)
    else:
        check_size(outcome, where)
