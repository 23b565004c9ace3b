"""Facts of many subjects at once, a NumPy column each: what `PolicyService.Simulate` decides on.

A column holds exactly what `intake` lets in: numbers as int64, yes/no values, texts and sets as
codes into a list of the distinct ones; -1, or ``known`` false, is a missing value.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from gonghai_engine.faults import FactError
from gonghai_engine.intake import checker
from gonghai_plugin.facts import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from gonghai_engine.decisions import FactValue
    from gonghai_plugin.facts import Fact

Ints: TypeAlias = "NDArray[np.int64]"
Mask: TypeAlias = "NDArray[np.bool_]"

MISSING: Final = -1


@dataclass(frozen=True, slots=True)
class Numbers:
    """Whole numbers; nought where ``known`` is false.

    While an expression is computed its dtype may be object: Python's own numbers, which do not
    overflow. A fact's column is int64 always.
    """

    values: NDArray[Any]
    known: Mask

    def at(self, row: int) -> FactValue:
        """Return one value."""
        return int(self.values[row]) if self.known[row] else None


@dataclass(frozen=True, slots=True)
class Flags:
    """Yes (1), no (0) or missing (-1)."""

    codes: NDArray[np.int8]

    def at(self, row: int) -> FactValue:
        """Return one value."""
        code = self.codes[row]
        return None if code == MISSING else bool(code)


@dataclass(frozen=True)
class Words:
    """Texts, by their place among the distinct ones."""

    codes: NDArray[np.int32]
    distinct: tuple[str, ...]

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Return the code of each text that occurs."""
        return {text: code for code, text in enumerate(self.distinct)}

    def at(self, row: int) -> FactValue:
        """Return one value."""
        code = self.codes[row]
        return None if code == MISSING else self.distinct[code]


@dataclass(frozen=True, slots=True)
class Sets:
    """Sets of texts, by their place among the distinct ones."""

    codes: NDArray[np.int32]
    distinct: tuple[frozenset[str], ...]

    def at(self, row: int) -> FactValue:
        """Return one value."""
        code = self.codes[row]
        return None if code == MISSING else self.distinct[code]


Column: TypeAlias = Numbers | Flags | Words | Sets


@dataclass(frozen=True, slots=True)
class FactColumns:
    """The given facts of ``rows`` subjects.

    ``refused`` names by fact the rows whose value does not fit the fact's type; there the value
    counts as missing, and no policy that reads the fact decides about the row.
    """

    rows: int
    columns: Mapping[str, Column]
    refused: Mapping[str, Mapping[int, FactError]]

    @classmethod
    def of(cls, facts: Sequence[Fact], rows: Sequence[Mapping[str, object]]) -> FactColumns:
        """Take ``facts``, none of them derived, out of what callers know of each subject."""
        columns: dict[str, Column] = {}
        refused: dict[str, Mapping[int, FactError]] = {}
        for fact in facts:
            values = [row.get(fact.name) for row in rows]
            columns[fact.name], wrong = column(fact, values)
            if wrong:
                refused[fact.name] = wrong
        return cls(len(rows), columns, refused)


def column(fact: Fact, values: list[object]) -> tuple[Column, Mapping[int, FactError]]:
    """Make a fact's column, and name the rows whose value does not fit its type."""
    try:
        return _column(fact, values), {}
    except (FactError, OverflowError, TypeError):
        # Some value is wrong: look at each, the way a single decision does.
        check = checker(fact)
        wrong: dict[int, FactError] = {}
        right: list[object] = []
        for row, value in enumerate(values):
            try:
                right.append(None if value is None else check(value))
            except FactError as error:
                wrong[row] = error
                right.append(None)
        return _column(fact, right), wrong


def _column(fact: Fact, values: list[object]) -> Column:
    kind = fact.type.kind
    if kind.numeric:
        return _numbers(fact, values)
    if kind is Kind.BOOL:
        _only(fact, values, bool)
        codes = [MISSING if value is None else int(value is True) for value in values]
        return Flags(np.array(codes, dtype=np.int8))
    if kind is Kind.TEXT:
        texts, distinct = _coded(fact, values)
        return Words(texts, distinct)
    sets, members = _coded(fact, [value if value is None else _frozen(value) for value in values])
    return Sets(sets, members)


def _numbers(fact: Fact, values: list[object]) -> Numbers:
    if _only(fact, values, int):
        known = np.array([value is not None for value in values], dtype=np.bool_)
        values = [0 if value is None else value for value in values]
    else:
        known = np.ones(len(values), dtype=np.bool_)
    return Numbers(np.array(values, dtype=np.int64), known)


def _only(fact: Fact, values: list[object], kind: type) -> bool:
    """Say whether some values are missing. Raises FactError for one that is not of ``kind``."""
    kinds = set(map(type, values))
    if not kinds <= {kind, NoneType}:
        raise FactError(fact.name, f"is a {fact.type}")
    return NoneType in kinds


def _frozen(value: object) -> object:
    # A text is a collection of texts too, and not what is meant.
    return frozenset(value) if isinstance(value, (tuple, list, set)) else value


def _coded(fact: Fact, values: list[Any]) -> tuple[NDArray[np.int32], tuple[Any, ...]]:
    """Code the values by the distinct ones. Raises FactError or TypeError for a wrong one."""
    codes, distinct = coded(values)
    check = checker(fact)
    return codes, tuple(map(check, distinct))


def coded(values: Sequence[Any]) -> tuple[NDArray[np.int32], tuple[Any, ...]]:
    """Return each value's place among the distinct ones (`MISSING` for None), and these."""
    distinct = dict.fromkeys(values)
    distinct.pop(None, None)
    places: dict[Any, int] = {value: place for place, value in enumerate(distinct)}
    places[None] = MISSING
    codes = np.fromiter(map(places.__getitem__, values), dtype=np.int32, count=len(values))
    return codes, tuple(distinct)
