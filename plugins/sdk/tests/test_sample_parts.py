"""The parts of which samples are made: how customers are looked after, days, people."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonghai_plugin.sample.care import Care, follow_ups, script_follow_ups
from gonghai_plugin.sample.days import DAY, MINUTE, local_midnight, office_hour
from gonghai_plugin.sample.people import person

FIRST_DAY = 1_795_190_400_000_000 - 8 * 60 * MINUTE


@given(st.integers(0, 4_000_000_000_000_000))
def test_a_day_begins_at_midnight_in_shanghai(instant: int) -> None:
    began = local_midnight(instant)
    assert began <= instant < began + DAY
    local = dt.datetime.fromtimestamp(began // 1_000_000, ZoneInfo("Asia/Shanghai"))
    if local.year >= 1992:  # China had summer time before
        assert (local.hour, local.minute, local.second) == (0, 0, 0)


def test_people_work_from_nine_to_six() -> None:
    random = Random(1)
    hours = {office_hour(random) // (60 * MINUTE) for _ in range(500)}
    assert hours == set(range(9, 18))


@pytest.mark.parametrize("seed", range(5))
def test_the_neglected_is_forgotten_the_unreached_never_reached_the_tended_seen_weekly(
    seed: int,
) -> None:
    random = Random(seed)
    made = {care: list(script_follow_ups(random, "c1", care, FIRST_DAY, 74)) for care in Care}
    assert made[Care.NEGLECTED] == []
    assert {item.outcome for item in made[Care.UNREACHED]} == {"not_reached"}
    assert "not_reached" not in {item.outcome for item in made[Care.TENDED]}
    gaps = {
        care: max(later.at - earlier.at for earlier, later in pairwise(made[care]))
        for care in (Care.TENDED, Care.FADING)
    }
    assert gaps[Care.TENDED] < 10 * DAY
    assert gaps[Care.FADING] > 20 * DAY


def test_the_past_is_one_reps_and_some_calls_reach_nobody() -> None:
    random = Random(2)
    seen = [
        item
        for place in range(50)
        for item in follow_ups(random, f"c{place}", FIRST_DAY, 365, ("r1", "r2"))
    ]
    for place in range(50):
        assert len({item.rep for item in seen if item.customer == f"c{place}"}) == 1
    missed = sum(item.outcome == "not_reached" for item in seen)
    assert 0 < missed < len(seen) / 3
    assert len({item.id for item in seen}) == len(seen)


def test_people_have_a_surname_and_a_given_name() -> None:
    random = Random(3)
    names = {person(random) for _ in range(200)}
    assert {len(name) for name in names} == {2, 3}
    assert len(names) > 150
