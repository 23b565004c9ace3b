"""A policy decided for every row of some columns: the same rules and outcomes as one by one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gonghai_engine.bound import difference_key
from gonghai_engine.column_conditions import holds
from gonghai_engine.column_numbers import differences, distinct, fact_numbers
from gonghai_engine.columns import MISSING, Flags, Numbers, Words
from gonghai_engine.faults import EngineError, FactError
from gonghai_engine.tables import AllHitsTable, FirstHitTable
from gonghai_engine.verdicts import verdict
from gonghai_plugin import policies
from gonghai_plugin.facts import Derived

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from gonghai_engine.columns import Column, FactColumns, Ints, Mask
    from gonghai_engine.compiled import CompiledPolicy
    from gonghai_engine.decisions import FactValue
    from gonghai_engine.outcomes import Outcome
    from gonghai_engine.tables import CompiledRule, Table
    from gonghai_engine.verdicts import Moment, Verdict
    from gonghai_plugin.plugin import Settings

FAILED: Final = -1
"""In place of a rule or an outcome: the row could not be decided."""

_WIDE: Final = 2**62


@dataclass(frozen=True)
class Decided:
    """What a policy says about each row.

    ``rules`` are the names that a decision can carry, ``rule`` the place of each row's among them,
    `FAILED` where the decision failed; ``failures`` then says why.
    """

    compiled: CompiledPolicy
    moment: Moment
    rules: tuple[str, ...]
    rule: Ints
    failures: Mapping[int, FactError]
    _columns: Mapping[str, Column]
    _chosen: tuple[Ints | Mask, ...]
    """For each table: the place of each row's rule, or a row of truths for each of its rules."""
    _groups: Ints
    """Rows of the same group have the same outcome but for its figures: a tier's lifetime value,
    what the sentences of signs and refusals name."""
    _verdicts: tuple[Verdict | FactError, ...]
    """Of each group."""

    @cached_property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Return the distinct outcomes, each made once."""
        return self._numbered[0]

    @cached_property
    def outcome(self) -> Ints:
        """Return the place of each row's outcome among `outcomes`, `FAILED` where it failed."""
        return self._numbered[1]

    def verdict(self, row: int) -> Verdict:
        """Return all that a single decision would say. Raises FactError where it failed."""
        if row in self.failures:
            raise self.failures[row]
        return _verdict(self.compiled, self._chosen, self._columns, row, self.moment)

    def values(self, row: int) -> dict[str, FactValue]:
        """Return every value that the rules had of a row, derived ones among them."""
        return {name: column.at(row) for name, column in self._columns.items()}

    @cached_property
    def _numbered(self) -> tuple[tuple[Outcome, ...], Ints]:
        groups, made = self._groups, list(self._verdicts)
        figures = _figures(self.compiled)
        if figures:
            keys = [_codes(self._columns[name]) for name in figures]
            groups, count = _combined([groups, *keys], len(groups))
            made = [
                _attempt(self.compiled, self._chosen, self._columns, int(row), self.moment)
                for row in _one_of_each(groups, count)
            ]
        places: dict[Outcome, int] = {}
        of_group = [
            FAILED if isinstance(item, FactError) else places.setdefault(item.outcome, len(places))
            for item in made
        ]
        outcome = np.array(of_group, dtype=np.int64)[groups]
        if self.failures:
            outcome[list(self.failures)] = FAILED
        return tuple(places), outcome


def decide_columns(
    compiled: CompiledPolicy, facts: FactColumns, settings: Settings, moment: Moment
) -> Decided:
    """Decide for every row: what `CompiledPolicy.decide` would say, without durable-rules.

    Raises EngineError where a function of the plugin's own has a part in the facts: it may loop,
    and is called in the plugin's own process alone, one subject at a time.
    """
    rows = facts.rows
    columns = _values(compiled, facts, settings)
    chosen: list[Ints | Mask] = [np.zeros(0, dtype=np.int64)] * len(compiled.tables)
    for place in compiled.in_order:
        table = compiled.tables[place]
        chosen[place] = _hits(table, columns, rows)
        if place in compiled.grades:
            names = tuple(rule.outcome({}).name for rule in table.rules)
            columns[compiled.grades[place]] = Words(chosen[place].astype(np.int32), names)
    failures: dict[int, FactError] = {}
    for name in reversed(compiled.intake.names):
        failures |= facts.refused.get(name, {})
    groups, count = _combined([*_keys(compiled, chosen, columns)], rows)
    first = _one_of_each(groups, count)
    verdicts = [_attempt(compiled, chosen, columns, int(row), moment) for row in first]
    for group, item in enumerate(verdicts):
        if isinstance(item, FactError):
            for row in np.flatnonzero(groups == group):
                failures.setdefault(int(row), item)
    places: dict[str, int] = {}
    of_group = [
        FAILED if isinstance(item, FactError) else places.setdefault(item.rule, len(places))
        for item in verdicts
    ]
    rule = np.array(of_group, dtype=np.int64)[groups]
    if failures:
        rule[list(failures)] = FAILED
    return Decided(
        compiled, moment, tuple(places), rule, failures, columns, tuple(chosen), groups,
        tuple(verdicts),
    )  # fmt: skip


def _values(compiled: CompiledPolicy, facts: FactColumns, settings: Settings) -> dict[str, Column]:
    """Return every column that the rules need: the column form of `CompiledPolicy.values`."""
    if compiled.functions:
        named = ", ".join(sorted(compiled.functions))
        raise EngineError(f"{compiled.policy}: made by functions, so not in columns: {named}")
    columns = {name: facts.columns[name] for name in compiled.intake.names}
    for fact, _ in compiled.derived:
        assert isinstance(fact.origin, Derived)  # noqa: S101 - only derived ones come here
        columns[fact.name] = fact_numbers(fact.origin.expression, columns, settings, facts.rows)
    for left, right in compiled.differences:
        key = difference_key(left, right)
        columns[key] = differences(columns[left.name], columns[right.name])
    return columns


def _hits(table: Table, columns: Mapping[str, Column], rows: int) -> Ints | Mask:
    if isinstance(table, AllHitsTable):
        hits = np.zeros((len(table.rules), rows), dtype=np.bool_)
        for place, rule in enumerate(table.rules):
            hits[place] = holds(rule.bound, columns, rows)
        return hits
    found = np.full(rows, len(table.rules) - 1, dtype=np.int64)
    # From the bottom, so that the first rule that holds has the last word.
    for place in reversed(range(len(table.rules) - 1)):
        found[holds(table.rules[place].bound, columns, rows)] = place
    return found


def _keys(
    compiled: CompiledPolicy, chosen: Sequence[Ints | Mask], columns: Mapping[str, Column]
) -> list[Ints]:
    """List what tells the outcomes of two rows apart, their figures left aside."""
    keys: list[Ints] = []
    for table, found in zip(compiled.tables, chosen, strict=True):
        if isinstance(table, FirstHitTable):
            keys.append(found.astype(np.int64))
        else:
            keys += [hits.astype(np.int64) for hits in found]
        keys += [_codes(columns[fact.name]) for fact in table.outcome_facts]
    return keys


def _codes(column: Column) -> Ints:
    """Number a column's values from 0 on; missing is one of them."""
    if isinstance(column, Numbers):
        found, count = distinct(column.values)
        return np.where(column.known, found, count)
    codes: NDArray[Any] = column.codes
    return codes.astype(np.int64) + (1 if isinstance(column, Flags) else -MISSING)


def _combined(keys: Sequence[Ints], rows: int) -> tuple[Ints, int]:
    """Number the combinations of several numberings; say how many there are."""
    found, count = np.zeros(rows, dtype=np.int64), 1
    for key in keys:
        size = int(key.max()) + 1 if rows else 1
        if size == 1:
            continue
        if count * size > _WIDE:  # pragma: no cover - more combinations than any rows have
            raise OverflowError("more combinations of outcomes than can be counted")
        found, count = distinct(found * size + key)
    return found, count if rows else 0


def _one_of_each(groups: Ints, count: int) -> Ints:
    """Return a row of each group."""
    rows = np.zeros(count, dtype=np.int64)
    rows[groups] = np.arange(len(groups))
    return rows


def _attempt(
    compiled: CompiledPolicy,
    chosen: Sequence[Ints | Mask],
    columns: Mapping[str, Column],
    row: int,
    moment: Moment,
) -> Verdict | FactError:
    try:
        return _verdict(compiled, chosen, columns, row, moment)
    except FactError as error:
        return error


def _verdict(
    compiled: CompiledPolicy,
    chosen: Sequence[Ints | Mask],
    columns: Mapping[str, Column],
    row: int,
    moment: Moment,
) -> Verdict:
    values: dict[str, FactValue] = {name: column.at(row) for name, column in columns.items()}
    rules = [
        _rules(table, found, row) for table, found in zip(compiled.tables, chosen, strict=True)
    ]
    return verdict(compiled, rules, values, moment)


def _rules(table: Table, found: Ints | Mask, row: int) -> tuple[CompiledRule, ...]:
    if isinstance(table, FirstHitTable):
        return (table.rules[found[row]],)
    return tuple(rule for rule, hits in zip(table.rules, found, strict=True) if hits[row])


def _figures(compiled: CompiledPolicy) -> tuple[str, ...]:
    """Name the facts whose figures stand in outcomes, each subject's own."""
    declared = compiled.declared
    named = [
        name
        for table in compiled.tables
        if isinstance(table, AllHitsTable)
        for name in table.sentence_facts
    ]
    if isinstance(declared, policies.Tiering) and declared.lifetime_value is not None:
        named.append(declared.lifetime_value.name)
    return tuple(dict.fromkeys(named))
