"""A declaration is no larger than can be evaluated at once, whatever it looks like."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from pydantic import Field

from gonghai_engine import sizes
from gonghai_engine.compiled import CompiledPolicy
from gonghai_engine.faults import DeclarationError
from gonghai_engine.loading import check
from gonghai_plugin import (
    INT64,
    SDK_VERSION,
    Plugin,
    Policy,
    Rule,
    Settings,
    Text,
    all_,
    derived,
    first_hit,
    host_facts,
    largest,
    otherwise,
    pick,
    policies,
    ratio,
    setting,
    when,
)
from gonghai_plugin.outcomes import Admit, Tier

if TYPE_CHECKING:
    from collections.abc import Callable

    from gonghai_plugin.conditions import Condition
    from gonghai_plugin.facts import Expression, Fact

A = host_facts.AMOUNT_365D
ORDERS = host_facts.ORDERS_30D


class Numbers(Settings):
    """Whole numbers of any size."""

    factor: int = Field(7, description="factor")
    table: dict[str, int] = Field({"key": 7}, description="table")


def text(words: str) -> Text:
    return Text(words, words)


def plugin(*facts: Fact, condition: Condition | None = None) -> Plugin:
    """Return a plugin whose tiers hang on the last fact, or on a condition."""
    named = facts[-1].more_than(5) if condition is None else condition
    tiers = first_hit(
        Rule("many", named, Tier("a", 50, text("a")), text("many")),
        otherwise(Tier("b", 10, text("b")), text("few")),
    )
    return Plugin(
        name="p",
        version="1.0.0",
        sdk=SDK_VERSION,
        title=text("p"),
        settings=Numbers,
        attributes=(),
        facts=facts,
        policies=(policies.Tiering(tiers),),
        absent=frozenset(Policy) - {Policy.TIERING},
    )


def doubled(times: int, double: Callable[[Expression], Expression]) -> Expression:
    expression: Expression = A
    for _ in range(times):
        expression = double(expression)
    return expression


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        (doubled(5, lambda e: e * e), "may have more than 1,024 bits"),
        (doubled(40, lambda e: e + e), "takes more than 2,000 steps"),
        (doubled(40, lambda e: largest(e, e)), "takes more than 2,000 steps"),
        (doubled(40, lambda e: when(A.more_than(1), e, e)), "takes more than 2,000 steps"),
        (doubled(40, lambda e: pick(host_facts.REGION, {"x": e, "y": e})), "2,000 steps"),
        (doubled(150, lambda e: e + 1), "goes more than 100 levels deep"),
        (doubled(5_000, lambda e: e + 1), "goes more than 100 levels deep"),
        (A * (1 << 2_000), "may have more than 1,024 bits"),
        (ratio(A, ORDERS, scale=10**9), "a ratio has 0 to 18 places"),
        (ratio(A, ORDERS, scale=-1), "a ratio has 0 to 18 places"),
    ],
)
def test_a_fact_that_would_take_for_ever_is_refused_by_name(
    expression: Expression, why: str
) -> None:
    with pytest.raises(DeclarationError, match=rf"fact 'big': .*{why}"):
        check(plugin(derived("big", INT64, text("big"), expression)), "p")


def test_facts_derived_from_facts_are_counted_together() -> None:
    facts = [derived("f0", INT64, text("f"), A + A)]
    for number in range(1, 30):
        facts.append(derived(f"f{number}", INT64, text("f"), facts[-1] + facts[-1]))
    with pytest.raises(DeclarationError, match=r"fact 'f\d+': it takes more than 2,000 steps"):
        check(plugin(*facts), "p")


def test_a_condition_that_would_take_for_ever_is_refused_with_its_rule() -> None:
    condition = A.more_than(1)
    for _ in range(40):
        condition = all_(condition, condition)
    with pytest.raises(DeclarationError, match=r"rule 'many', condition: it takes more than"):
        check(plugin(condition=condition), "p")


def test_an_outcome_that_would_take_for_ever_is_refused_with_its_rule() -> None:
    pool = pick(host_facts.REGION, setting("table"))
    for _ in range(5_000):
        pool = pick(host_facts.REGION, setting("table"), otherwise=pool)
    declared = plugin(derived("few", INT64, text("few"), ORDERS + 0))
    admission = policies.Admission(first_hit(otherwise(Admit(pool), text("few"))))
    declared = dataclasses.replace(
        declared,
        policies=(*declared.policies, admission),
        absent=declared.absent - {Policy.ADMISSION},
    )
    with pytest.raises(DeclarationError, match="outcome: it goes more than 100 levels deep"):
        check(declared, "p")


def test_what_is_as_large_as_may_be_is_decided_exactly() -> None:
    fact = derived(
        "big", INT64, text("big"), doubled(4, lambda e: e * e) // doubled(4, lambda e: e * e)
    )
    declared = plugin(fact)
    check(declared, "p")
    (tiering,) = declared.policies
    compiled = CompiledPolicy(tiering, declared, Numbers())
    assert compiled.values({"amount_365d": -(2**63)})["big"] == 1
    compiled.close()
    assert sizes.MOST_BITS == 16 * 64


@pytest.mark.parametrize(
    "expression", [A * setting("factor"), pick(host_facts.REGION, setting("table"))]
)
def test_a_setting_s_number_is_no_larger_than_a_fact_s(expression: Expression) -> None:
    declared = plugin(derived("big", INT64, text("big"), expression))
    check(declared, "p")
    (tiering,) = declared.policies
    huge = Numbers(factor=2**63, table={"key": -(2**63) - 1})
    with pytest.raises(DeclarationError, match="a number is beyond 64 bits"):
        CompiledPolicy(tiering, declared, huge)
