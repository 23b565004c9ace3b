"""Random rules and facts, decided in three ways that must not differ.

The three are durable-rules, the plain evaluator, and columns. Used by the tests, and at full scale
by `make faults`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from plugins.engine.tests.rulebooks import WHY, SomeSettings, plugin

from gonghai_engine.alternatives import alternatives
from gonghai_engine.bound import bind, evaluate
from gonghai_engine.calendar import Calendar
from gonghai_engine.column_decisions import decide_columns
from gonghai_engine.columns import FactColumns
from gonghai_engine.compiled import CompiledPolicy
from gonghai_engine.faults import DeclarationError, FactError
from gonghai_engine.verdicts import Moment, Verdict, verdict
from gonghai_plugin import (
    BOOL,
    DURATION,
    INSTANT,
    INT64,
    TEXT,
    TEXT_SET,
    Attribute,
    Fact,
    Rule,
    Text,
    all_,
    all_hits,
    any_,
    decimal,
    derived,
    first_hit,
    first_known,
    largest,
    not_,
    otherwise,
    pick,
    ratio,
    setting,
    smallest,
    when,
)
from gonghai_plugin.conditions import Compare, Condition, Has, Missing, OneOf, Operator
from gonghai_plugin.facts import Arithmetic, FactType
from gonghai_plugin.outcomes import Cadence, Signal
from gonghai_plugin.policies import FollowUp, Risk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gonghai_engine.alternatives import Alternative
    from gonghai_plugin.facts import Operand
    from gonghai_plugin.policies import AnyPolicy

SETTINGS = SomeSettings()
MOMENT = Moment(1_795_000_000_000_000, Calendar())


def _known(name: str, type_: FactType) -> Fact:
    return Attribute(name, type_, Text(name, name)).fact


NUMBERS = tuple(_known(f"number_{place}", INT64) for place in range(3))
AMOUNTS = tuple(_known(f"amount_{place}", decimal(2)) for place in range(2))
INSTANTS = tuple(_known(f"instant_{place}", INSTANT) for place in range(2))
SPAN = _known("span", DURATION)
WORDS = tuple(_known(f"word_{place}", TEXT) for place in range(2))
FLAGS = tuple(_known(f"flag_{place}", BOOL) for place in range(2))
MEMBERS = _known("members", TEXT_SET)
NUMERIC = (*NUMBERS, *AMOUNTS, *INSTANTS, SPAN)
GIVEN = (*NUMERIC, *WORDS, *FLAGS, MEMBERS)

_TOO_MANY = 27
"""Tests at once: what `durable.MAX_TESTS` refuses."""

EDGES = (
    0, 1, -1, 2**31, 2**53 - 1, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 2, 2**63 - 1, -(2**63),
    -(2**63) + 1,
)  # fmt: skip
numbers = st.sampled_from(EDGES) | st.integers(-5, 5) | st.integers(-(2**63), 2**63 - 1)
texts = st.sampled_from(
    ("a", "b", "x", "y", "高端", "c0000", "w0000", '"', "\\", "", "3", "é", "e\u0301", "😀")
) | st.text(max_size=5)

_ORDER = tuple(Operator)
_EQUALITY = (Operator.EQUALS, Operator.DIFFERS)
_values = {
    **{fact.name: st.none() | numbers for fact in NUMERIC},
    **{fact.name: st.none() | texts for fact in WORDS},
    **{fact.name: st.none() | st.booleans() for fact in FLAGS},
    MEMBERS.name: st.none() | st.frozensets(texts, max_size=3) | st.lists(texts, max_size=3),
}
facts = st.fixed_dictionaries({}, optional=_values)
"""What a caller may say of a customer: any part of it may lack, or be told as missing."""


def _one_of(items: Sequence[Any]) -> st.SearchStrategy[Any]:
    # Not `sampled_from`: Hypothesis would write out every fact, with all it is derived from.
    return st.integers(0, len(items) - 1).map(items.__getitem__)


def _plainly(*several: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw one of several, under a short name: Hypothesis writes the names of all of them out."""
    one = st.one_of(*several)

    @st.composite
    def some(draw: st.DrawFn) -> Any:  # noqa: ANN401 - whatever they give
        return draw(one)

    return some()


def _tests(numeric: Sequence[Fact]) -> st.SearchStrategy[Condition]:
    whole = tuple(fact for fact in numeric if not fact.type.scale)
    same = [(a, b) for a in numeric for b in numeric if a is not b and a.type == b.type]
    return _plainly(
        st.builds(Compare, _one_of(whole), _one_of(_ORDER), numbers),
        st.builds(Compare, _one_of(whole), _one_of(_ORDER), st.just(setting("limit"))),
        st.builds(
            Compare,
            _one_of(AMOUNTS),
            _one_of(_ORDER),
            st.decimals(-1000, 1000, allow_nan=False, places=2),
        ),
        st.builds(
            lambda pair, operator: Compare(pair[0], operator, pair[1]),
            _one_of(same),
            _one_of(_ORDER),
        ),
        st.builds(Compare, _one_of(WORDS), _one_of(_EQUALITY), texts),
        st.builds(Compare, _one_of(FLAGS), _one_of(_EQUALITY), st.booleans()),
        st.builds(OneOf, _one_of(WORDS), st.lists(texts, max_size=3).map(tuple)),
        st.just(OneOf(WORDS[0], setting("names"))),
        st.builds(Has, st.just(MEMBERS), st.lists(texts, max_size=3).map(tuple)),
        st.builds(Missing, _one_of((*numeric, *WORDS, *FLAGS, MEMBERS))),
    )


def _conditions(numeric: Sequence[Fact], leaves: int) -> st.SearchStrategy[Condition]:
    return st.recursive(
        _tests(numeric),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda items: all_(*items)),
            st.lists(inner, max_size=3).map(lambda items: any_(*items)),
            inner.map(not_),
        ),
        max_leaves=leaves,
    )


_operands: st.SearchStrategy[Any] = st.one_of(
    numbers, _one_of((*NUMERIC, *FLAGS)), st.just(setting("limit"))
)


def _compound(inner: st.SearchStrategy[Operand]) -> st.SearchStrategy[Any]:
    return _plainly(
        st.builds(Arithmetic, st.sampled_from(("+", "-", "*", "//")), inner, inner),
        st.builds(
            lambda a, b, scale: ratio(a, b, scale=scale), inner, inner, st.sampled_from((0, 1, 9))
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda items: smallest(*items)),
        st.lists(inner, max_size=3).map(lambda items: largest(*items)),
        st.lists(inner, max_size=3).map(lambda items: first_known(*items)),
        st.builds(when, _conditions(NUMERIC, 2), inner, inner),
        st.builds(
            pick,
            _one_of((*WORDS, MEMBERS)),
            st.dictionaries(texts, inner, max_size=3),
            st.none() | inner,
        ),
        st.just(pick(WORDS[0], setting("table"))),
        st.just(pick(MEMBERS, setting("table"), otherwise=setting("limit"))),
    )


_expressions = st.recursive(_operands, _compound, max_leaves=5).filter(
    lambda item: not isinstance(item, (int, Fact))
)


@dataclass(frozen=True)
class Book:
    """Rules over given and derived facts, as two policies: the first hit, and all of them."""

    derived: tuple[Fact, ...]
    conditions: tuple[Condition, ...]

    def policies(self) -> tuple[AnyPolicy, AnyPolicy]:
        """Make the policies. A sentence and an outcome take figures from facts too."""
        names = [f"{{{fact.name}}}" for fact in (*NUMBERS, *AMOUNTS, *WORDS, MEMBERS)]
        days = self.derived[0] if self.derived else NUMBERS[0]
        kept = self._kept()
        rules = [
            Rule(
                f"rule-{place}",
                condition,
                Cadence(days if place % 3 == 0 else place, ("phone",)),
                Text(f"{place}: {names[place % len(names)]}", "因为"),
            )
            for place, condition in kept
        ]
        signs = [
            Rule(f"sign-{place}", condition, Signal(1), Text(names[place % len(names)], "因为"))
            for place, condition in kept[:6]
        ]
        return (
            FollowUp(first_hit(*rules, otherwise(Cadence(0, ()), WHY))),
            Risk(all_hits(*signs, otherwise=WHY)),
        )

    def _kept(self) -> list[tuple[int, Condition]]:
        """Leave out what would be refused: rules that never hold, or never get their turn."""
        kept: list[tuple[int, Condition]] = []
        before: list[Alternative] = []
        for place, condition in enumerate(self.conditions):
            try:
                found = alternatives(bind(condition, SETTINGS, ""), "")
            except DeclarationError:
                continue
            if any(not 0 < one.size < _TOO_MANY for one in found):
                continue
            if all(any(other.covers(one) for other in before) for one in found):
                continue
            kept.append((place, condition))
            before += found
        return kept


@st.composite
def books(draw: st.DrawFn) -> Book:
    """Draw many rules, some facts derived by random expressions among what they name."""
    made = tuple(
        derived(f"derived_{place}", draw(st.sampled_from((INT64, decimal(2)))), WHY, expression)
        for place, expression in enumerate(draw(st.lists(_expressions, max_size=3)))
    )
    many = draw(st.sampled_from((0, 3, 20)))
    named = _conditions((*NUMERIC, *made), 6)
    conditions = draw(st.lists(named, min_size=many, max_size=many + 10))
    return Book(made, tuple(conditions))


def compare(book: Book, rows: Sequence[Mapping[str, object]]) -> int:
    """Decide each row by each policy in each way; say how many cases were the same.

    Raises AssertionError for the first that differs.
    """
    cases = 0
    made = plugin(
        "random",
        *book.policies(),
        facts=book.derived,
        attributes=tuple(Attribute(fact.name, fact.type, fact.about) for fact in GIVEN),
    )
    for declared in made.policies:
        compiled = CompiledPolicy(declared, made, SETTINGS)
        try:
            columns = FactColumns.of(compiled.intake.facts, rows)
            decided = decide_columns(compiled, columns, SETTINGS, MOMENT)
            for place, row in enumerate(rows):
                durable = _or_failure(partial(_by_durable_rules, compiled, row))
                plain = _or_failure(partial(_by_plain_python, compiled, row))
                in_columns = _or_failure(partial(decided.verdict, place))
                assert durable == plain, (durable, plain, row)
                assert in_columns == plain, (in_columns, plain, row)
                failed = isinstance(plain, str)
                assert bool(decided.rule[place] < 0) is failed
                assert bool(decided.outcome[place] < 0) is failed
                if not isinstance(plain, str):
                    assert decided.rules[decided.rule[place]] == plain.rule
                    assert decided.outcomes[decided.outcome[place]] == plain.outcome
                cases += 1
        finally:
            compiled.close()
    return cases


def _by_durable_rules(compiled: CompiledPolicy, row: Mapping[str, object]) -> Verdict:
    return compiled.decide(compiled.values(row), MOMENT)


def _by_plain_python(compiled: CompiledPolicy, row: Mapping[str, object]) -> Verdict:
    values = compiled.values(row)
    (table,) = compiled.tables
    holding = tuple(rule for rule in table.rules if evaluate(rule.bound, values))
    if isinstance(compiled.declared, FollowUp):
        holding = holding[:1]
    return verdict(compiled, [holding], values, MOMENT)


def _or_failure(decide: Callable[[], Verdict]) -> Verdict | str:
    try:
        return decide()
    except FactError as error:
        return str(error)
