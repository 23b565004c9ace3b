"""Choosing: what the customer needs meets who is there, the same way each time."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonghai_assignment.choosing import Bounds, Chooser
from gonghai_assignment.customers import Custody, CustodyState, CustomerFacts, Entry
from gonghai_assignment.explanations import explanation_of, pack_explanation
from gonghai_assignment.policies import Matching
from gonghai_assignment.reps import Leave, Load, Rep
from gonghai_assignment.roster import Roster
from gonghai_assignment.store.routing import LoadsChange
from gonghai_assignment.store.staff import RosterRecords
from gonghai_engine import Decision, Needs, Policy, Sentence, Text, Weights
from gonghai_engine.calendar import Calendar
from gonghai_engine.outcomes import RegionMatch, Service, Strategy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gonghai_assignment.choosing import Choice
    from gonghai_assignment.policies import Policies

DAY = 86_400_000_000
NOW = 20_000 * DAY
EVEN = Weights(value=1, need=1, ability=1, region=1, stage=1, load=1, relation=1)


class Wanting:
    """Policies that want one thing of everybody."""

    def __init__(self, needs: Needs | None, cool_down_days: int = 0) -> None:
        self._needs = needs
        self._cool_down = cool_down_days

    def tenant(self, tenant: str) -> Any:  # noqa: ANN401
        return SimpleNamespace(tenant=tenant, calendar=Calendar())

    async def match(self, _tenant: str, customer: str, *_: object, **__: object) -> Matching:
        if self._needs is None:
            return Matching(None, None, kept_because=Text("the plugin is missing", "插件缺失"))
        decision = Decision(
            subject=customer,
            policy=Policy.MATCHING,
            rule="rule",
            outcome=self._needs,
            said=Sentence("because", "因为"),
            also_said=(),
            plugin="standard",
            plugin_version="0.1.0",
            revision=3,
            settings_digest="d",
            facts={"tier": "key"},
            at=NOW,
        )
        return Matching(decision, self._needs, cool_down_days=self._cool_down)


def chooser(needs: Needs | None, cool_down_days: int = 0) -> Chooser:
    return Chooser(cast("Policies", Wanting(needs, cool_down_days)))


def rep(ident: str, **fields: Any) -> Rep:  # noqa: ANN401
    return Rep(
        **{
            "tenant": "acme",
            "id": ident,
            "display_name": ident,
            "seniority": 3,
            "capacity": 10,
            "performance": 500,
            **fields,
        }
    )


def roster(*reps: Rep, loads: Mapping[str, int] | None = None, **fields: Any) -> Roster:  # noqa: ANN401
    return Roster(
        RosterRecords(
            **{
                "now": NOW,
                "regions": {},
                "teams": {},
                "reps": {one.id: one for one in sorted(reps, key=lambda one: one.id)},
                "loads": {ident: Load(confirmed=load) for ident, load in (loads or {}).items()},
                "version": 1,
                "loads_version": 0,
                "full": {},
                "turns": {},
                "turn_clock": 0,
                "policy": None,
                **fields,
            }
        )
    )


def entry(customer: str = "c1", **changes: Any) -> Entry:  # noqa: ANN401
    custody: dict[str, Any] = {"version": 1, "state": CustodyState.POOL, "term": 1}
    given_ = Entry("acme", customer, Custody(**custody), CustomerFacts(version=1))
    return replace(given_, **changes)


async def choose(
    needs: Needs | None,
    *reps: Rep,
    who: Entry | None = None,
    now: int = NOW,
    loads: Mapping[str, int] | None = None,
    cool_down_days: int = 0,
    bounds: Bounds | None = None,
) -> Choice:
    return await chooser(needs, cool_down_days).choose(
        who or entry(), roster(*reps, loads=loads), now=now, bounds=bounds or Bounds()
    )


@pytest.mark.requirement("C2")
@pytest.mark.parametrize(
    ("needs", "fields", "code"),
    [
        (Needs(required_skills=("cold-chain",)), {}, "skill:cold-chain"),
        (Needs(min_seniority=80), {}, "seniority"),
        (Needs(region=RegionMatch.REQUIRED), {"regions": ("south",)}, "region"),
        (Needs(), {"leaves": (Leave(0, None),)}, "leave"),
        (Needs(), {"capacity": 1}, "capacity"),
        (Needs(exclude_former_owner=True), {}, "former-owner"),
    ],
)
async def test_what_a_customer_needs_excludes_who_does_not_have_it(
    needs: Needs, fields: dict[str, Any], code: str
) -> None:
    who = entry(
        facts=CustomerFacts(version=1, region="east/shanghai"),
        custody=Custody(version=1, state=CustodyState.POOL, weight=2000, former_owner="li"),
    )
    able = rep("wu", skills=("cold-chain",), seniority=4, regions=("east",))
    choice = await choose(needs, able, rep("li", **fields), who=who)
    assert choice.rep == "wu"
    assert choice.explained.excluded == {"li": (code,)}
    alone = await choose(needs, rep("li", **fields), who=who)
    assert alone.nobody
    assert alone.reason == Text(f"nobody is eligible ({code}: 1)", alone.reason.zh)


@pytest.mark.requirement("C2")
@pytest.mark.parametrize(
    ("weights", "winner"),
    [
        (Weights(ability=1), "able"),
        (Weights(need=1), "skilled"),
        (Weights(region=1), "near"),
        (Weights(load=1), "free"),
        (Weights(stage=1), "nurse"),
        (Weights(relation=1), "friend"),
        (Weights(value=1), "able"),
    ],
)
async def test_weights_say_what_tells(weights: Weights, winner: str) -> None:
    who = entry(
        facts=CustomerFacts(version=1, region="east", stage="new", rank=90),
        custody=Custody(version=1, state=CustodyState.POOL, former_owner="friend"),
    )
    choice = await choose(
        Needs(weights=weights, preferred_skills=("dairy",)),
        rep("able", performance=1000, seniority=4),
        rep("skilled", skills=("dairy",)),
        rep("near", regions=("east",)),
        rep("free", capacity=1000),
        rep("nurse", skills=("stage:new",)),
        rep("friend"),
        who=who,
        loads=dict.fromkeys(("able", "skilled", "near", "nurse", "friend"), 5000),
    )
    assert choice.rep == winner


@pytest.mark.requirement("C2")
async def test_a_team_or_self_service_can_serve() -> None:
    team = await choose(Needs(service=Service.TEAM), rep("li", team="north"))
    assert (team.rep, team.team, team.nobody) == ("li", "north", False)
    itself = await choose(Needs(service=Service.SELF_SERVICE))
    assert (itself.rep, itself.channel, itself.nobody) == (None, "self-service", False)


@pytest.mark.requirement("C3")
@given(st.permutations(["a", "b", "c", "d"]), st.sampled_from(list(Strategy)))
async def test_ties_break_the_same_way_each_time(order: list[str], strategy: Strategy) -> None:
    choice = await choose(Needs(weights=EVEN, strategy=strategy), *(rep(one) for one in order))
    assert choice.rep == "a"
    assert [ranked[0] for ranked in choice.explained.ranked] == ["a", "b", "c", "d"]
    assert "the order of ids decides" in choice.reason.en


@pytest.mark.requirement("C3")
async def test_sticky_goes_back_to_whom_it_knows() -> None:
    needs = Needs(weights=EVEN, strategy=Strategy.STICKY)
    reps = (rep("best", performance=1000, seniority=4), rep("old"), rep("kin"))
    former = entry(custody=Custody(version=1, state=CustodyState.POOL, former_owner="old"))
    assert (await choose(needs, *reps, who=former)).rep == "old"
    group = entry(group_holdings={"kin": 2, "best": 1})
    assert (await choose(needs, *reps, who=group)).rep == "kin"
    assert (await choose(needs, *reps)).rep == "best"


@pytest.mark.requirement("C3")
async def test_the_least_loaded_is_so_by_share_of_his_room() -> None:
    needs = Needs(weights=EVEN, strategy=Strategy.LEAST_LOADED)
    choice = await choose(
        needs,
        rep("big", capacity=40),
        rep("small", capacity=10),
        loads={"big": 20_000, "small": 6_000},
    )
    assert choice.rep == "big"


@pytest.mark.requirement("C5")
async def test_no_limit_means_never_full_and_still_a_fair_share() -> None:
    needs = Needs(weights=Weights(load=1))
    reps = tuple(rep(ident, capacity=0) for ident in ("a", "b", "c"))
    people = roster(*reps)
    given_: list[str] = []
    for number in range(30):
        choice = await chooser(needs).choose(entry(f"c{number}"), people, now=NOW)
        assert choice.rep is not None
        given_.append(choice.rep)
        load = people.load(choice.rep)
        people.learn(
            LoadsChange(
                people.loads_version + 1, {choice.rep: replace(load, pending=load.pending + 1000)}
            )
        )
    assert {ident: given_.count(ident) for ident in "abc"} == {"a": 10, "b": 10, "c": 10}


@pytest.mark.requirement("C5")
async def test_peer_22_a_rep_back_from_leave_is_not_flooded() -> None:
    needs = Needs(weights=EVEN, strategy=Strategy.WEIGHTED_ROUND_ROBIN)
    away = rep("away", capacity=100, leaves=(Leave(0, NOW),))
    people = roster(away, rep("b", capacity=100), rep("c", capacity=100))
    order: list[str] = []
    for number in range(60):
        now = NOW - 1 if number < 30 else NOW
        choice = await chooser(needs).choose(entry(f"c{number}"), people, now=now)
        assert choice.rep is not None
        people.turned(choice.rep, people.turns(choice.rep))
        order.append(choice.rep)
    assert set(order[:30]) == {"b", "c"}
    back = order[30:]
    # He gets his third from then on, and at most one to catch up with the round that was on.
    assert back.count("away") in {10, 11}
    assert "away away away" not in " ".join(back)


@pytest.mark.requirement("C3")
async def test_a_round_gives_by_room() -> None:
    needs = Needs(weights=EVEN, strategy=Strategy.WEIGHTED_ROUND_ROBIN)
    people = roster(rep("big", capacity=30), rep("small", capacity=10))
    order: list[str] = []
    for number in range(40):
        choice = await chooser(needs).choose(entry(f"c{number}"), people, now=NOW)
        assert choice.rep is not None
        people.turned(choice.rep, people.turns(choice.rep))
        order.append(choice.rep)
    assert order.count("small") == 10


async def test_a_cool_down_excludes_until_it_ends_and_the_choice_holds_so_long() -> None:
    lost = NOW - DAY
    who = entry(
        custody=Custody(
            version=1,
            state=CustodyState.POOL,
            pool="open",
            former_owner="old",
            former_owner_time=lost,
        ),
        cool_downs={"open": 2, "-": 1},
    )
    end = Calendar().add_days(lost, 5)
    during = await choose(Needs(weights=EVEN), rep("old"), who=who, cool_down_days=5)
    assert during.nobody
    assert (during.versions.valid_before, during.retry_at) == (end, end)
    after = await choose(Needs(weights=EVEN), rep("old"), who=who, cool_down_days=5, now=end)
    assert (after.rep, after.versions.valid_from, after.versions.valid_before) == ("old", end, None)


async def test_an_undecided_need_parks_and_says_what_failed() -> None:
    choice = await choose(None, rep("li"))
    assert choice.nobody
    assert choice.auto_assign
    assert "the plugin is missing" in choice.reason.en


async def test_bounds_say_why_they_exclude() -> None:
    bounds = Bounds(tried=frozenset({"a"}), among=frozenset({"a", "b"}))
    choice = await choose(Needs(), rep("a"), rep("b"), rep("c"), bounds=bounds)
    assert choice.rep == "b"
    assert choice.explained.excluded == {"a": ("refused",), "c": ("team",)}


@pytest.mark.requirement("C8")
async def test_an_explanation_is_kept_whole() -> None:
    reps = [rep(f"r{number:02}", performance=number * 10) for number in range(25)]
    choice = await choose(Needs(weights=EVEN), rep("gone", leaves=(Leave(0, None),)), *reps)
    kept = explanation_of(pack_explanation(choice.explained))
    assert kept == choice.explained
    assert (len(kept.ranked), len(kept.others)) == (10, 15)
    assert kept.decision is not None
    assert kept.decision.revision == 3
