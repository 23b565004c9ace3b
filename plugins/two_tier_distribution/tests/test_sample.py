"""The made-up business has two levels that add up; what all samples promise is tested for all."""

from __future__ import annotations

import hashlib

import pytest

from gonghai_plugin.sample import Claims, Feedback, Return
from gonghai_two_tier.sample import sample
from gonghai_two_tier.sponsors import check

START = 1_795_222_800_000_000  # 2026-11-21T01:00Z


def test_it_does_not_depend_on_how_sets_are_ordered() -> None:
    # Written down: what changes this changes every account and benchmark that is told of.
    digest = hashlib.sha256(repr(sample(start=START)).encode()).hexdigest()
    assert digest[:12] == "3f4558189598"


@pytest.mark.requirement("D3")
def test_there_are_two_levels_and_a_sponsor_is_there_before_its_second_level() -> None:
    data = sample(start=START)
    attributes = {customer.id: customer.attributes for customer in data.customers}
    orphans = {
        name
        for name, own in attributes.items()
        if own["level"] == "second" and "sponsor" not in own
    }
    sponsors = {
        name: str(own["sponsor"]) if "sponsor" in own else None
        for name, own in attributes.items()
        if name not in orphans
    }
    check(sponsors)
    assert 0 < len(orphans) < 30
    assert sum(own["level"] == "first" for own in attributes.values()) == 30
    known: set[str] = set()
    for customer in data.customers:
        assert sponsors.get(customer.id) in {None, *known}
        known.add(customer.id)


@pytest.mark.requirement("D3")
def test_a_sponsors_people_are_members_of_their_own_pool_alone() -> None:
    data = sample(start=START)
    sponsors = {rep.team for rep in data.reps if "sponsor" in rep.skills}
    assert len(sponsors) == 10
    for team in sponsors:
        assert [pool.id for pool in data.pools if team in pool.teams] == [f"{team}-pool"]
        assert [pool.teams for pool in data.pools if pool.id == f"{team}-pool"] == [(team,)]


def test_there_is_something_of_everything() -> None:
    data = sample(start=START)
    assert {type(item) for item in data.others} == {Feedback, Return}
    named = {name for customer in data.customers for name in customer.attributes}
    assert {"rival_sponsor", "cross_region_cases", "commitment"} <= named
    assert len({event.rep for event in data.script if isinstance(event, Claims)}) > 25
