"""The main flow through real processes: what the account must say, whatever the figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gonghai_cli.flow.claims import DAY
from tests.end_to_end.stage import disagreements

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Run

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_every_customer_has_a_tier_a_stage_and_a_place(undisturbed: Run) -> None:
    places = undisturbed.account.places
    assert {place.customer for place in places} == {one.id for one in undisturbed.sample.customers}
    assert all(place.tier and place.stage for place in places)
    assert {place.state for place in places} <= {"IN_POOL", "HELD"}
    assert all(place.pool for place in places if place.state == "IN_POOL")
    assert all(place.rep for place in places if place.state == "HELD")


@pytest.mark.requirement("A8")
async def test_tiers_and_stages_differ_and_add_up(undisturbed: Run) -> None:
    standings = undisturbed.account.standings
    assert sum(line.customers for line in standings) == len(undisturbed.sample.customers)
    assert len({line.tier for line in standings}) > 1
    assert len({line.stage for line in standings}) > 1


@pytest.mark.requirement("C9")
async def test_some_were_assigned_by_rule_and_some_claimed_each_with_a_reason(
    undisturbed: Run,
) -> None:
    gains = undisturbed.account.gains
    assert {gain.how for gain in gains} == {"assigned", "claimed"}
    assert all(gain.why for gain in gains if gain.how == "assigned")


@pytest.mark.requirement("B7")
async def test_nothing_was_reclaimed_without_a_warning_days_before(undisturbed: Run) -> None:
    losses = undisturbed.account.losses
    assert losses
    for loss in losses:
        assert loss.warned is not None
        assert loss.at - loss.warned >= 3 * DAY
        assert loss.clock
        assert loss.why


@pytest.mark.requirement("B6")
async def test_nobody_is_kept_past_the_grace_of_a_day_and_the_notice(undisturbed: Run) -> None:
    held = [place for place in undisturbed.account.places if place.state == "HELD"]
    assert held
    latest = undisturbed.account.now - 4 * DAY
    assert all(place.due is None or place.due > latest for place in held)


@pytest.mark.requirement("B3")
async def test_former_owners_are_refused_by_cool_down_with_its_end(undisturbed: Run) -> None:
    cooling = [line for line in undisturbed.account.refusals if "COOL_DOWN" in line.reasons]
    assert cooling
    assert all(line.why for line in cooling)
    assert any(line.until is not None for line in cooling)


@pytest.mark.requirement("B2")
async def test_records_indexes_history_events_and_due_times_agree(undisturbed: Run) -> None:
    assert await disagreements(undisturbed.stack) == []


async def test_holdings_pools_and_quotas_agree(undisturbed: Run) -> None:
    account = undisturbed.account
    for rep in account.reps:
        held = [place for place in account.places if place.rep == rep.rep and place.state == "HELD"]
        assert rep.holdings == len(held)
        assert rep.holdings == rep.assigned + rep.claimed + rep.self_sourced - rep.lost
    for pool in account.pools:
        inside = [
            place
            for place in account.places
            if place.pool == pool.pool and place.state == "IN_POOL"
        ]
        assert pool.customers == len(inside) == pool.entered - pool.left
