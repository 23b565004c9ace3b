"""The truth of a condition for every row of some columns: the third form of `bound.evaluate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

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
)
from gonghai_engine.columns import MISSING, Flags, Numbers, Sets, Words
from gonghai_plugin.conditions import Operator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gonghai_engine.columns import Column, Mask

_NOWHERE: Final = -2
"""The code of a text that no row has."""


def holds(bound: Bound, columns: Mapping[str, Column], rows: int) -> Mask:
    """Say for each of ``rows`` rows whether a condition holds."""
    match bound:
        case Every():
            found = np.ones(rows, dtype=np.bool_)
            for item in bound.items:
                found &= holds(item, columns, rows)
            return found
        case Some():
            found = np.zeros(rows, dtype=np.bool_)
            for item in bound.items:
                found |= holds(item, columns, rows)
            return found
        case Reverse():
            return ~holds(bound.item, columns, rows)
        case _:
            return _test(bound, columns[bound.fact])


def known(column: Column) -> Mask:
    """Say for each row whether there is a value."""
    return column.known if isinstance(column, Numbers) else column.codes != MISSING


def _test(test: Number | Word | Flag | Contains | Absent, column: Column) -> Mask:
    match test, column:
        case Absent(), _:
            return ~known(column)
        case Number(), Numbers():
            compare: Any = OPERATORS[test.operator]  # arrays compare as numbers do
            passes: Mask = compare(column.values, test.value)
            return column.known & passes
        case Flag(), Flags():
            yes: Mask = column.codes == int(test.value)
            return yes
        case Word(), Words():
            same: Mask = column.codes == column.places.get(test.value, _NOWHERE)
            return same if test.operator is Operator.EQUALS else ~same & known(column)
        case Contains(), Sets():
            # A missing set's code, -1, is the last place: it contains nothing.
            contains = [test.value in members for members in column.distinct]
            return np.array([*contains, False])[column.codes]
        case _:
            raise AssertionError(f"{test!r} does not ask for a {type(column).__name__}")
