"""Declared expressions over columns, exact: the third form of `expressions.compile_number`.

Where the sizes of the operands say that a result stays within 64 bits it is computed in int64,
elsewhere with Python's own numbers. As in a single decision, only the value of the whole fact is
kept inside 64 bits.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gonghai_engine.bound import bind, difference_key
from gonghai_engine.column_conditions import holds
from gonghai_engine.columns import MISSING, Flags, Numbers, Sets, Words
from gonghai_engine.expressions import differences_of, rows_of
from gonghai_engine.settings import value_at
from gonghai_plugin.facts import (
    INT64_MAX,
    INT64_MIN,
    Arithmetic,
    Conditional,
    Extreme,
    Fact,
    FirstKnown,
    Pick,
    Ratio,
    Setting,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from gonghai_engine.columns import Column, Ints, Mask
    from gonghai_plugin.facts import Operand
    from gonghai_plugin.plugin import Settings

_NOTHING: Final = (0, 0)


def fact_numbers(
    operand: Operand, columns: Mapping[str, Column], settings: Settings, rows: int
) -> Numbers:
    """Compute a derived fact for every row, kept inside 64 bits."""
    found = _Rows(columns, settings, rows).numbers(operand)
    values = np.broadcast_to(found.values, (rows,))
    if values.dtype == object:
        inside = np.clip(values, INT64_MIN, INT64_MAX)
        values = np.array(inside.tolist(), dtype=np.int64)
    return Numbers(values, np.broadcast_to(found.known, (rows,)))


def differences(left: Column, right: Column) -> Numbers:
    """Return the sign of ``left - right``: all that a comparison of two facts asks for."""
    assert isinstance(left, Numbers)  # noqa: S101 - only numbers are compared with each other
    assert isinstance(right, Numbers)  # noqa: S101 - the same
    above, below = left.values > right.values, left.values < right.values
    both = left.known & right.known
    return Numbers((above.astype(np.int64) - below) * both, both)


class _Rows:
    def __init__(self, columns: Mapping[str, Column], settings: Settings, rows: int) -> None:
        self._columns = columns
        self._settings = settings
        self._rows = rows

    def numbers(self, operand: object) -> Numbers:  # noqa: C901, PLR0911 - one answer a kind
        match operand:
            case None:
                return Numbers(np.zeros((), dtype=np.int64), np.zeros((), dtype=np.bool_))
            case int():
                return _constant(operand)
            case Setting():
                return self.numbers(value_at(self._settings, operand.path, str(operand)))
            case Fact():
                return _as_numbers(self._columns[operand.name])
            case Arithmetic():
                return _arithmetic(
                    operand.operator, self.numbers(operand.left), self.numbers(operand.right)
                )
            case Ratio():
                scaled = _arithmetic(
                    "*", self.numbers(operand.numerator), _constant(10**operand.scale)
                )
                return _arithmetic("//", scaled, self.numbers(operand.denominator))
            case Extreme():
                return _extreme(
                    [self.numbers(item) for item in operand.items], largest=operand.largest
                )
            case FirstKnown():
                return _first_known([self.numbers(item) for item in operand.items])
            case Conditional():
                return self._conditional(operand)
            case Pick():
                return self._pick(operand)
            case _:
                raise AssertionError(f"{operand!r} was compiled, and is no expression")

    def _conditional(self, item: Conditional) -> Numbers:
        columns = dict(self._columns)
        for left, right in differences_of(item.when):
            columns[difference_key(left, right)] = differences(
                self._columns[left.name], self._columns[right.name]
            )
        truth = holds(bind(item.when, self._settings, "expression"), columns, self._rows)
        return _where(truth, self.numbers(item.then), self.numbers(item.otherwise))

    def _pick(self, item: Pick) -> Numbers:
        found = self.numbers(item.otherwise)
        by = self._columns[item.by.name]
        assert isinstance(by, (Words, Sets))  # noqa: S101 - it was compiled
        # Later keys first, so that the first that fits has the last word.
        for key, value in reversed(list(rows_of(item, self._settings, str(item.by)))):
            if isinstance(by, Sets):
                fits = np.array([*(key in members for members in by.distinct), False])[by.codes]
            elif key in by.places:
                fits = by.codes == by.places[key]
            else:
                continue
            found = _where(fits, self.numbers(value), found)
        return found


def _constant(value: int) -> Numbers:
    inside = INT64_MIN <= value <= INT64_MAX
    return Numbers(
        np.array(value, dtype=np.int64 if inside else object), np.ones((), dtype=np.bool_)
    )


def _as_numbers(column: Column) -> Numbers:
    if isinstance(column, Flags):
        known = column.codes != MISSING
        return Numbers(np.where(known, column.codes, 0).astype(np.int64), known)
    assert isinstance(column, Numbers)  # noqa: S101 - it was compiled
    return column


def _arithmetic(operator: str, left: Numbers, right: Numbers) -> Numbers:
    known = left.known & right.known
    divisor = right.values
    if operator == "//":
        known = known & (right.values != 0)
        divisor = np.where(right.values == 0, 1, right.values)
    a, b = left.values, divisor
    if not _fits(operator, a, b):
        a, b = a.astype(object), b.astype(object)
    return _narrow(_applied(_APPLY[operator], a, b), known)


_APPLY: Final[Mapping[str, Callable[[NDArray[Any], NDArray[Any]], Any]]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "//": lambda a, b: a // b,
}


def _applied(apply: Callable[..., Any], a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    # Of two single numbers NumPy makes a bare one, whose type it would have to guess again.
    return np.asarray(apply(a, b), dtype=np.result_type(a, b))


def _fits(operator: str, left: NDArray[Any], right: NDArray[Any]) -> bool:
    """Say whether every result surely stays within 64 bits."""
    if operator == "//":
        ends: Iterable[int] = (_ends(left)[0] - 1, 0)  # the least number by -1 is one too large
    else:
        apply = _APPLY[operator]
        ends = [
            int(apply(np.array(a, dtype=object), np.array(b, dtype=object)))
            for a, b in itertools.product(_ends(left), _ends(right))
        ]
    whole = not any(values.dtype == object for values in (left, right))
    return whole and _inside(ends)


def _ends(values: NDArray[Any]) -> tuple[int, int]:
    return (int(values.min()), int(values.max())) if values.size else _NOTHING


def _inside(ends: Iterable[int]) -> bool:
    return all(INT64_MIN <= end <= INT64_MAX for end in ends)


def _narrow(values: NDArray[Any], known: Mask) -> Numbers:
    """Put nought where nothing is known, and go back to int64 where that bears the values."""
    values = np.where(known, values, 0)
    if values.dtype == object and _inside(_ends(values)):
        values = np.array(values.tolist(), dtype=np.int64)
    return Numbers(values, np.broadcast_to(known, values.shape))


def _extreme(items: list[Numbers], *, largest: bool) -> Numbers:
    if not items:
        return Numbers(np.zeros((), dtype=np.int64), np.zeros((), dtype=np.bool_))
    choose = np.maximum if largest else np.minimum
    found = items[0]
    for item in items[1:]:
        values = _applied(choose, found.values, item.values)
        found = Numbers(values, found.known & item.known)
    return _narrow(found.values, found.known)


def _first_known(items: list[Numbers]) -> Numbers:
    found = Numbers(np.zeros((), dtype=np.int64), np.zeros((), dtype=np.bool_))
    for item in reversed(items):
        found = _where(item.known, item, found)
    return found


def _where(truth: Mask, then: Numbers, otherwise: Numbers) -> Numbers:
    return Numbers(
        np.where(truth, then.values, otherwise.values), np.where(truth, then.known, otherwise.known)
    )


def distinct(values: Ints) -> tuple[Ints, int]:
    """Number the values by the distinct ones: equal ones get the same number; say how many."""
    if not values.size:
        return values, 0
    low, high = _ends(values)
    if high - low < 4 * values.size + 1024:  # a table is faster than sorting
        seen = np.zeros(high - low + 1, dtype=np.bool_)
        seen[values - low] = True
        places = np.cumsum(seen) - 1
        return places[values - low], int(places[-1]) + 1
    found, codes = np.unique(values, return_inverse=True)
    return codes.astype(np.int64), len(found)
