"""The made-up business has something of everything; what all samples promise is tested for all."""

from __future__ import annotations

import hashlib

from gonghai_fmcg.sample import sample

START = 1_795_222_800_000_000  # 2026-11-21T01:00Z


def test_it_does_not_depend_on_how_sets_are_ordered() -> None:
    # Written down: what changes this changes every account and benchmark that is told of.
    digest = hashlib.sha256(repr(sample(start=START)).encode()).hexdigest()
    assert digest[:12] == "5164a2ec03ee"


def test_every_role_habit_and_area_is_there() -> None:
    data = sample(start=START)
    assert len({customer.attributes["channel_role"] for customer in data.customers}) == 6
    assert len({customer.region for customer in data.customers}) == 15
    bought = {purchase.customer for purchase in data.purchases}
    never = [customer for customer in data.customers if customer.id not in bought]
    assert 30 < len(never) < 70
    assert len(data.reps) == 24
