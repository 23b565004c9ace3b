"""Who suits a customer, and why not the others."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gonghai_engine.matching import (
    PER_MILLE,
    TERMS,
    Candidate,
    CandidateTable,
    CustomerTerms,
    Scores,
    score,
)
from gonghai_engine.outcomes import Needs, RegionMatch, Service, Strategy, Weights

EVEN = Weights(1, 1, 1, 1, 1, 1, 1)
NEEDS = Needs(EVEN, required_skills=("dairy",), preferred_skills=("zh", "negotiation"))
CUSTOMER = CustomerTerms("c1", frozenset({"cn", "east", "shanghai"}), rank=90, stage="active")
ANN = Candidate(
    "ann", seniority=80, skills=frozenset({"dairy", "zh"}), regions=frozenset({"east"}),
    performance=90, load=1000, capacity=4000,
)  # fmt: skip


def _scores(*others: Candidate, needs: Needs = NEEDS, customer: CustomerTerms = CUSTOMER) -> Scores:
    return score(needs, customer, CandidateTable([ANN, *others]))


def _like_ann(rep: str, **changes: object) -> Candidate:
    return dataclasses.replace(ANN, rep=rep, **changes)  # type: ignore[arg-type] # its fields


@pytest.mark.requirement("C2", "C8")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"available": False}, "unavailable"),
        ({"declined": True}, "declined"),
        ({"service": Service.TEAM}, "wrong_service"),
        ({"load": 3901}, "at_capacity"),
        ({"seniority": 29}, "below_seniority"),
        ({"skills": frozenset({"zh"})}, "missing_skill:dairy"),
        ({"regions": frozenset({"west"})}, "other_region"),
    ],
)
def test_what_excludes_a_rep_is_told(changes: dict[str, object], reason: str) -> None:
    needs = dataclasses.replace(NEEDS, min_seniority=30, region=RegionMatch.REQUIRED)
    scores = _scores(_like_ann("bob", **changes), needs=needs)
    assert scores.excluded == {"bob": (reason,)}
    assert scores.why_not("bob") == (reason,)
    assert scores.why_not("ann") == ()
    assert scores.best() == "ann"


def test_a_pool_with_members_is_for_them_alone_and_a_former_owner_may_be_kept_out() -> None:
    needs = dataclasses.replace(NEEDS, exclude_former_owner=True)
    customer = dataclasses.replace(CUSTOMER, members=frozenset({"ann", "bob"}), former_owner="ann")
    scores = _scores(_like_ann("bob"), _like_ann("cat"), needs=needs, customer=customer)
    assert scores.excluded == {"ann": ("former_owner",), "cat": ("not_a_member",)}
    assert scores.best() == "bob"


def test_who_declined_this_customer_is_not_asked_again() -> None:
    customer = dataclasses.replace(CUSTOMER, declined=frozenset({"ann", "gone"}))
    scores = _scores(_like_ann("bob"), customer=customer)
    assert scores.excluded == {"ann": ("declined",)}
    assert scores.best() == "bob"


def test_nobody_eligible_is_nobody() -> None:
    scores = score(NEEDS, CUSTOMER, CandidateTable([_like_ann("bob", available=False)]))
    assert scores.best() is None
    assert scores.ranked() == ()


def test_the_terms_of_a_score_are_shown_and_add_up() -> None:
    ranked = _scores().rank_of("ann")
    assert ranked.terms == {
        "value": PER_MILLE,
        "need": 500,  # one of the two preferred skills
        "ability": 850,
        "region": PER_MILLE,
        "stage": 0,
        "load": 725,
        "relation": 0,
    }
    assert ranked.total == sum(ranked.terms.values()) // 7


@pytest.mark.requirement("C3")
@pytest.mark.parametrize(
    ("strategy", "best"),
    [
        (Strategy.BEST_MATCH, "able"),
        (Strategy.LEAST_LOADED, "idle"),
        (Strategy.STICKY, "known"),
        (Strategy.WEIGHTED_ROUND_ROBIN, "next"),
    ],
)
def test_each_strategy_has_its_own_best(strategy: Strategy, best: str) -> None:
    needs = dataclasses.replace(NEEDS, strategy=strategy, weights=Weights(ability=1))
    others = (
        _like_ann("able", seniority=100, performance=100, turn=9),
        _like_ann("idle", load=0, turn=9),
        _like_ann("known", turn=9),
        _like_ann("next", turn=0),
    )
    customer = dataclasses.replace(CUSTOMER, former_owner="known")
    table = CandidateTable([dataclasses.replace(ANN, turn=9), *others])
    assert score(needs, customer, table).best() == best


def test_product_lines_and_languages_are_skills_too() -> None:
    needs = Needs(EVEN, required_skills=("product:milk", "language:yue"))
    bob = _like_ann("bob", product_lines=frozenset({"milk"}), languages=frozenset({"yue"}))
    assert score(needs, CUSTOMER, CandidateTable([ANN, bob])).best() == "bob"


def test_a_rep_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        CandidateTable([ANN, ANN])


@given(
    st.lists(
        st.builds(
            Candidate,
            st.text("abc", min_size=1, max_size=3),
            seniority=st.integers(0, 100),
            performance=st.integers(0, 100),
            skills=st.frozensets(st.sampled_from(("dairy", "zh", "stage:active"))),
            regions=st.frozensets(st.sampled_from(("east", "west", "cn"))),
            load=st.integers(0, 5000),
            capacity=st.integers(0, 5000),
        ),
        unique_by=lambda candidate: candidate.rep,
        max_size=12,
    ),
    st.sampled_from(tuple(Strategy)),
    st.randoms(),
)
@settings(deadline=None)
def test_the_order_of_the_reps_never_matters(
    candidates: list[Candidate], strategy: Strategy, random: object
) -> None:
    needs = dataclasses.replace(NEEDS, strategy=strategy)
    shuffled = list(candidates)
    random.shuffle(shuffled)  # type: ignore[attr-defined] # hypothesis gives a Random
    if not candidates:
        return
    one = score(needs, CUSTOMER, CandidateTable(candidates))
    other = score(needs, CUSTOMER, CandidateTable(shuffled))
    assert one.ranked() == other.ranked()
    assert one.excluded == other.excluded
    for candidate in candidates:
        terms = one.terms(candidate.rep)
        assert set(terms) == set(TERMS)
        assert all(0 <= term <= PER_MILLE for term in terms.values())
    ranked = one.ranked()
    if strategy is Strategy.BEST_MATCH:
        assert list(ranked) == sorted(ranked, key=lambda item: (-item.total, item.rep))
