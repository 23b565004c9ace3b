"""Requests for more time, decided by rule: a policy that a plugin may leave out."""

from __future__ import annotations

import msgpack
import pytest

from gonghai_engine import Decision, DecisionFailure, DecisionRequest, Engine, Policy
from gonghai_engine.faults import DeclarationError
from gonghai_engine.loading import check
from gonghai_engine.outcomes import Deny, Grant, Refer
from gonghai_plugin import Rule, first_hit, host_facts, otherwise, setting
from gonghai_plugin import outcomes as declared
from gonghai_plugin.outcomes import Clock, Extends, Plan
from gonghai_plugin.policies import OPTIONAL, Extension, Reclaim
from gonghai_plugin.rules import all_hits
from gonghai_standard import STANDARD

from .rulebooks import WHY, plugin

DOCUMENT = "version: 1\ndefault: {plugin: some}\n"
NOW = 1_790_000_000_000_000

RULES = Extension(
    first_hit(
        Rule("again", host_facts.EXTENSION_REQUESTS_DENIED.at_least(2), declared.Deny(), WHY),
        Rule("short", host_facts.EXTENSION_DAYS.at_most(5), declared.Grant(), WHY),
        Rule(
            "first",
            host_facts.EXTENSION_REQUESTS.equals(0),
            declared.Grant(setting("limit")),
            WHY,
        ),
        otherwise(declared.Refer(), WHY),
    )
)


def engine_with(*policies: Extension) -> Engine:
    engine = Engine({"standard": STANDARD, "some": plugin("some", *policies, sdk="1.3")})
    engine.activate("t", 1, engine.parse(DOCUMENT))
    return engine


@pytest.mark.requirement("B8")
@pytest.mark.parametrize(
    ("facts", "rule", "outcome"),
    [
        ({"extension_days": 5, "extension_requests": 3}, "short", Grant()),
        ({"extension_days": 20, "extension_requests": 0}, "first", Grant(10)),
        ({"extension_days": 20, "extension_requests": 1}, "otherwise", Refer()),
        ({"extension_days": 1, "extension_requests_denied": 2}, "again", Deny()),
        ({}, "otherwise", Refer()),
    ],
)
async def test_a_rule_grants_denies_or_leaves_it_to_a_manager_and_the_record_keeps_it(
    facts: dict[str, int], rule: str, outcome: object
) -> None:
    engine = engine_with(RULES)
    (made,) = await engine.decide([DecisionRequest("t", "", Policy.EXTENSION, facts, NOW)])
    assert isinstance(made, Decision), made
    assert (made.rule, made.outcome) == (rule, outcome)
    stored = msgpack.unpackb(msgpack.packb(made.to_record()))
    assert Decision.from_record(stored) == made


@pytest.mark.parametrize("sdk", ["1.0", "1.1", "1.2", "1.3"])
async def test_a_plugin_that_says_nothing_of_them_leaves_all_to_managers(sdk: str) -> None:
    silent = plugin("some", absent=frozenset(Policy) - OPTIONAL, sdk=sdk)
    check(silent, "some")
    engine = Engine({"standard": STANDARD, "some": silent})
    engine.activate("t", 1, engine.parse(DOCUMENT))
    assert Policy.EXTENSION not in engine.tenant("t").industry("").resolved
    asked = DecisionRequest("t", "", Policy.EXTENSION, {"extension_days": 1}, NOW)
    (made,) = await engine.decide([asked])
    assert isinstance(made, DecisionFailure)


def test_what_is_no_answer_to_a_request_is_refused_by_name() -> None:
    odd = Extension(first_hit(otherwise(declared.Admit("a"), WHY)))  # type: ignore[arg-type] # that is what is tried
    with pytest.raises(DeclarationError, match="Grant or Deny or Refer"):
        check(plugin("some", odd), "some")


def clock(**changes: object) -> Reclaim:
    made = Clock("a", 3, WHY, resets_on=("purchase",), **changes)  # type: ignore[arg-type] # its fields
    return Reclaim(first_hit(otherwise(Plan((made,)), WHY)), all_hits(otherwise=WHY))


VISIT = Extends(("visit",), 2)


@pytest.mark.requirement("B6")
def test_a_clock_that_activities_extend_is_declared_once_and_with_a_maximum() -> None:
    check(plugin("some", clock(extended_by=(VISIT,), extended_at_most=setting("limit"))), "some")
    for changes, says in (
        ({"extended_by": (VISIT,)}, "has a maximum"),
        ({"extended_at_most": 3}, "has a maximum"),
        ({"extended_by": (VISIT, VISIT), "extended_at_most": 3}, "'visit' extends it twice"),
        (
            {"extended_by": (Extends(("purchase",), 2),), "extended_at_most": 3},
            "'purchase' restarts it",
        ),
        ({"extended_by": (Extends(("chat",), 2),), "extended_at_most": 3}, "no activity 'chat'"),
        ({"extended_by": (Extends(("visit",), 10**6),), "extended_at_most": 3}, "not within 0"),
    ):
        with pytest.raises(DeclarationError, match=says):
            check(plugin("some", clock(**changes)), "some")
