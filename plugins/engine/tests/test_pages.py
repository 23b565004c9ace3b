"""Many requests decided together get the answers that each would get alone."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from plugins.engine.tests.rulebooks import WHY, lifecycle, plugin, stage

from gonghai_engine import Decision, DecisionFailure, DecisionRequest, Engine, Policy
from gonghai_engine.conformance.made_up import MadeUp
from gonghai_engine.pages import page
from gonghai_plugin import INT64, Rule, computed, host_facts
from gonghai_standard import STANDARD

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NOW = 1_795_000_000_000_000
PLUGINS = ("standard", "fmcg_distributor", "aquatic_products", "two_tier_distribution")
WRONG = (object(), "text", 2**70, -5, True, frozenset({"x"}), [1])


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """All the plugins that are installed, each in force for a tenant of its name."""
    engine = Engine.load()
    for name in PLUGINS:
        text = f"version: 1\ndefault: {{plugin: standard}}\nindustries: {{x: {{plugin: {name}}}}}\n"
        engine.activate(name, 3, engine.parse(text))
    yield engine
    engine.close()


async def same(engine: Engine, requests: Sequence[DecisionRequest]) -> int:
    """Hold a page against single decisions; return how many were decided in columns."""
    together = await page(engine, requests)
    alone = await engine.decide(requests)
    assert len(together) == len(alone)
    for place, expected in enumerate(alone):
        found = together.answer(place)
        assert found == expected
        if isinstance(expected, Decision):
            assert isinstance(found, Decision)
            assert found.to_record() == expected.to_record()
            assert (found.reason, found.also) == (expected.reason, expected.also)
            assert together.outcome(place) == expected.outcome
        else:
            assert together.outcome(place) is None
    failed = [answer for answer in alone if isinstance(answer, DecisionFailure)]
    assert list(together.failures()) == failed
    return together.in_columns


@pytest.mark.parametrize("name", PLUGINS)
async def test_a_page_says_what_single_decisions_say(engine: Engine, name: str) -> None:
    random = Random(name)
    industry = engine.tenant(name).industry("x")
    requests = []
    for policy, resolved in industry.resolved.items():
        owner = resolved.owner
        made_up = MadeUp(resolved.compiled, owner.plugin, owner.settings)
        for place, facts in enumerate(made_up.some(60)):
            asked = dict(facts)
            if place % 6 == 5 and asked:
                asked[random.choice(sorted(asked))] = random.choice(WRONG)  # type: ignore[assignment] # on purpose
            requests.append(DecisionRequest(name, "x", policy, asked, NOW, f"c{place}"))
    random.shuffle(requests)
    in_columns = await same(engine, requests)
    assert in_columns >= 50 * len(industry.resolved)


async def test_requests_of_many_tenants_industries_and_moments_keep_their_order(
    engine: Engine,
) -> None:
    requests = [
        DecisionRequest(
            PLUGINS[place % 4],
            "xy"[place % 2],
            (Policy.LIFECYCLE, Policy.TIERING)[place % 3 % 2],
            {"days_since_last_order": place, "orders_lifetime": 1},
            NOW + place % 5,
            f"c{place}",
        )
        for place in range(120)
    ]
    assert await same(engine, requests) == 120


async def test_nothing_asked_is_nothing_answered(engine: Engine) -> None:
    assert await same(engine, []) == 0


async def test_facts_of_functions_are_decided_one_by_one_and_the_rest_in_columns() -> None:
    twice = computed("twice", INT64, WHY, lambda orders: orders * 2, host_facts.ORDERS_365D)
    strange = plugin(
        "strange", lifecycle(Rule("much", twice.at_least(10), stage("much"), WHY)), facts=(twice,)
    )
    engine = Engine({"standard": STANDARD, "strange": strange})
    engine.activate("t", 1, engine.parse("version: 1\ndefault: {plugin: strange}\n"))
    requests = [
        DecisionRequest("t", "", policy, {"orders_365d": place}, NOW, f"c{place}")
        for place in range(10)
        for policy in (Policy.LIFECYCLE, Policy.RECLAIM)
    ]
    assert await same(engine, requests) == 10
    engine.close()


async def test_what_no_plugin_decides_fails_as_it_does_alone(engine: Engine) -> None:
    small = Engine({"standard": STANDARD})
    small.activate("t", 1, engine.parse("version: 1\ndefault: {plugin: aquatic_products}\n"))
    requests = [DecisionRequest("t", "", Policy.RECLAIM, {}, NOW, f"c{place}") for place in (1, 2)]
    assert await same(small, requests) == 0
    assert {failure.cause for failure in (await page(small, requests)).failures()} == {
        "missing_plugin"
    }
    small.close()


async def test_columns_that_break_down_leave_the_work_to_single_decisions(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OverflowError("more than can be counted")

    monkeypatch.setattr("gonghai_engine.tenants.decide_columns", broken)
    requests = [DecisionRequest("standard", "", Policy.LIFECYCLE, {}, NOW, "c1")]
    assert await same(engine, requests) == 0
