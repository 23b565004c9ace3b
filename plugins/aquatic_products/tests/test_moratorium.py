"""The summer moratorium stops the clocks of who lives on the catch: hours, areas, settings."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from gonghai_aquatic import AQUATIC
from gonghai_engine import Decision, DecisionRequest, Engine, Policy, PolicyDocumentError
from gonghai_engine.calendar import Calendar
from gonghai_engine.clocks import Activity, Custody, schedule
from gonghai_engine.outcomes import ReclaimPlan

if TYPE_CHECKING:
    from collections.abc import Iterator

SHANGHAI = ZoneInfo("Asia/Shanghai")
CALENDAR = Calendar()
CATCH = {"business": "restaurant", "supply": "wild_catch", "tier": "minor", "stage": "active"}


def at(text: str) -> int:
    """Return a local moment of Shanghai as an instant."""
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp()) * 1_000_000


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine({"aquatic_products": AQUATIC})
    yield made
    made.close()


async def _plan(engine: Engine, settings: str = "", **facts: object) -> ReclaimPlan:
    text = f"version: 1\ndefault:\n  plugin: aquatic_products\n  settings: {{{settings}}}\n"
    engine.activate("t", 1, engine.parse(text))
    request = DecisionRequest("t", "", Policy.RECLAIM, CATCH | facts, 0)
    (made,) = await engine.decide([request])
    assert isinstance(made, Decision), made
    assert isinstance(made.outcome, ReclaimPlan)
    return made.outcome


@pytest.mark.requirement("D2", "B6")
@pytest.mark.parametrize(
    ("area", "end"),
    [
        ("north_of_35", "2027-09-01T12:00"),
        ("between_35_and_26_30", "2027-09-16T12:00"),
        ("south_of_26_30", "2027-08-16T12:00"),
    ],
)
async def test_it_lasts_from_noon_to_noon_as_the_sea_area_has_it(
    engine: Engine, area: str, end: str
) -> None:
    plan = await _plan(engine, sea_area=area)
    (stop,) = plan.stop_clocks
    (span,) = CALENDAR.spans(stop, at("2027-01-01T00:00"), at("2027-12-31T00:00"))
    assert (span.start, span.end) == (at("2027-05-01T12:00"), at(end))


@pytest.mark.requirement("D2", "B6")
async def test_a_clock_stands_still_for_it_and_runs_on_afterwards(engine: Engine) -> None:
    # Followed up on 26 April: four days are counted (27 to 30 April) before it stops, and of the
    # forty that a minor customer has, thirty-six after it. 1 May and 1 September, half of which are
    # in it, are not counted.
    custody = Custody(
        since=at("2027-04-01T09:00"), activities=(Activity("follow_up", at("2027-04-26T10:00")),)
    )
    due = {}
    for supply in ("wild_catch", "farmed", "frozen_stock", "imported"):
        plan = await _plan(engine, sea_area="north_of_35", supply=supply)
        clocks = schedule(plan, custody, CALENDAR).clocks
        due[supply] = next(clock.due_at for clock in clocks if clock.name == "no-follow-up")
    assert due.pop("wild_catch") == at("2027-10-08T00:00")
    assert set(due.values()) == {at("2027-06-06T00:00")}


@pytest.mark.requirement("D2")
async def test_an_operator_changes_dates_and_hours(engine: Engine) -> None:
    season = "{start_month: 6, start_day: 2, start_hour: 0, end_month: 7, end_day: 3, end_hour: 6}"
    plan = await _plan(engine, f"moratorium: {{north_of_35: {season}}}", sea_area="north_of_35")
    (span,) = CALENDAR.spans(plan.stop_clocks[0], at("2027-01-01T00:00"), at("2027-12-31T00:00"))
    assert (span.start, span.end) == (at("2027-06-02T00:00"), at("2027-07-03T06:00"))


@pytest.mark.requirement("D2")
async def test_an_operator_says_whose_clocks_stop(engine: Engine) -> None:
    frozen = {"sea_area": "north_of_35", "supply": "frozen_stock"}
    both = "moratorium: {supplies: [wild_catch, frozen_stock]}"
    assert (await _plan(engine, both, **frozen)).stop_clocks
    engine.forget("t")
    assert not (
        await _plan(engine, "moratorium: {supplies: []}", sea_area="north_of_35")
    ).stop_clocks


@pytest.mark.parametrize("season", ["{start_month: 13}", "{end_hour: 24}", "{day: 3}"])
def test_a_season_that_can_not_be_is_refused(engine: Engine, season: str) -> None:
    text = (
        "version: 1\ndefault:\n  plugin: aquatic_products\n"
        f"  settings: {{moratorium: {{north_of_35: {season}}}}}\n"
    )
    with pytest.raises(PolicyDocumentError, match="north_of_35"):
        engine.parse(text)
