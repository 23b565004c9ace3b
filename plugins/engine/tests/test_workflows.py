"""A workflow that could not be run is refused when the plugin is loaded, naming what is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from plugins.engine.tests.rulebooks import lifecycle, plugin

from gonghai_engine import Engine
from gonghai_engine.describe import describe
from gonghai_engine.faults import DeclarationError
from gonghai_engine.loading import check
from gonghai_plugin import Text, host_facts, setting
from gonghai_plugin.workflows import (
    After,
    AskForAssignment,
    AwardPoints,
    Becomes,
    Happens,
    MakeTask,
    RaiseEvent,
    Release,
    State,
    Transition,
    Workflow,
)

if TYPE_CHECKING:
    from gonghai_plugin.plugin import Plugin

WHY = Text("because", "因为")
SLEEPS = Becomes(host_facts.STAGE.equals("dormant"))
BEGINS = Transition("begins", (), "asked", SLEEPS, WHY, (MakeTask(WHY, 3), AskForAssignment()))
ORDERS = Transition(
    "orders", ("asked",), "back", Happens(("purchase",)), WHY, (AwardPoints(5, WHY),)
)
STAYS = Transition("stays", ("asked",), "gone", After(30), WHY, (Release(WHY), RaiseEvent("gone")))
NO_POOL: Any = 7
STATES = (State("asked", WHY), State("back", WHY, final=True), State("gone", WHY, final=True))
GOOD = Workflow("win_back", WHY, STATES, (BEGINS, ORDERS, STAYS))


def with_(*workflows: Any) -> Plugin:  # noqa: ANN401 - what a plugin should not give, too
    return replace(plugin("odd", lifecycle()), workflows=workflows)


def changed(**what: Any) -> Workflow:  # noqa: ANN401 - fields of a transition
    return replace(GOOD, transitions=(BEGINS, ORDERS, replace(STAYS, **what)))


def test_a_good_one_is_described_as_it_is_read() -> None:
    check(with_(GOOD), "odd")
    (described,) = describe(with_(GOOD)).workflows
    assert described.states == ("asked", "back", "gone")
    assert described.transitions[1] == (
        "orders: asked -> back, on Happens(kinds=[purchase]): AwardPoints(points=5)"
    )


BAD: dict[str, tuple[Any, str]] = {
    "no workflow": ("onboarding", "workflows: it has 'onboarding'"),
    "twice": ((GOOD, GOOD), "another one has this name"),
    "an unknown state": (changed(target="nowhere"), "there is no state 'nowhere'"),
    "out of a final state": (changed(sources=("back",)), "it leaves 'back', which is final"),
    "two transitions of one name": (changed(name="orders"), "another one has this name"),
    "nothing begins it": (replace(GOOD, transitions=(ORDERS, STAYS)), "no transition begins it"),
    "an island": (
        replace(GOOD, states=(*STATES, State("island", WHY, final=True))),
        "nothing leads to 'island'",
    ),
    "a dead end": (
        replace(GOOD, states=(*STATES[:2], State("gone", WHY))),
        "nothing leads out of 'gone'",
    ),
    "a state twice": (replace(GOOD, states=(*STATES, STATES[0])), "two states 'asked'"),
    "begins by time": (changed(sources=()), "it begins in none"),
    "no such activity": (changed(on=Happens(("party",))), "no kind of activity 'party'"),
    "no activity": (changed(on=Happens(())), "names no kind of activity"),
    "a fact of a claim": (
        changed(on=Becomes(host_facts.POOL.equals("sea"))),
        "it names 'pool', a fact of claim",
    ),
    "a fact of an activity without one": (
        changed(on=Becomes(host_facts.ACTIVITY_AMOUNT.at_least(1))),
        "a fact of activity",
    ),
    "no such setting": (changed(on=After(setting("nothing"))), "there is no setting 'nothing'"),
    "no time": (changed(on=After(0)), "0 is no number from 1 to"),
    "no trigger": (changed(on="sunrise"), "it has 'sunrise'"),
    "no action": (changed(actions=("sing",)), "it has 'sing'"),
    "an event without a name": (changed(actions=(RaiseEvent(""),)), "'' is no name of an event"),
    "a pool that is none": (changed(actions=(Release(WHY, NO_POOL),)), "7 is no name of a pool"),
    "no reason": (changed(because="why"), "it has 'why'"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_could_not_be_run_is_refused(what: str) -> None:
    given, says = BAD[what]
    given = given if isinstance(given, tuple) else (given,)
    with pytest.raises(DeclarationError, match=says):
        check(with_(*given), "odd")


def test_the_plugins_of_the_house_declare_the_three_that_the_domain_asks_for() -> None:
    engine = Engine.load()
    for name in ("fmcg_distributor", "aquatic_products", "two_tier_distribution"):
        declared = {each.name for each in engine.plugins[name].workflows}
        assert declared == {"onboarding", "win_back", "complaint"}
