"""Days as a tenant counts them."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gonghai_engine.calendar import DAY, FESTIVALS, HOUR, MINUTE, Calendar, Span, WorkingDays
from gonghai_engine.outcomes import FestivalSpan, StopClock, YearlySpan

SHANGHAI = Calendar()
NEW_YORK = Calendar("America/New_York", WorkingDays.WEEKENDS)
FIRST = 1_577_836_800_000_000  # 2020-01-01
LAST = 1_893_456_000_000_000  # 2030-01-01
instants = st.integers(FIRST, LAST)
calendars = st.sampled_from((SHANGHAI, NEW_YORK, Calendar("Europe/Berlin"), Calendar("UTC")))
counts = st.integers(1, 60)


def at(text: str, zone: str = "+08:00") -> int:
    """Return an instant of local time."""
    return int(dt.datetime.fromisoformat(text + zone).timestamp()) * 1_000_000


@given(calendars, instants)
@settings(deadline=None)
def test_a_midnight_begins_the_day_it_names(calendar: Calendar, instant: int) -> None:
    day = calendar.local_day(instant)
    assert calendar.midnight(day) <= instant < calendar.next_midnight(instant)
    assert calendar.local_day(calendar.midnight(day)) == day
    assert calendar.local_day(calendar.next_midnight(instant)) == day + dt.timedelta(days=1)
    assert calendar.days_between(instant, calendar.next_midnight(instant)) == 1


@given(calendars, instants, counts)
@settings(deadline=None)
def test_n_days_end_at_the_midnight_after_the_nth(
    calendar: Calendar, start: int, count: int
) -> None:
    end = calendar.add_days(start, count)
    assert end == calendar.midnight_after(start, count + 1)
    assert calendar.days_between(start, end) == count + 1


@given(calendars, instants, counts)
@settings(deadline=None)
def test_working_days_are_counted_one_by_one(calendar: Calendar, start: int, count: int) -> None:
    end = calendar.add_days(start, count, working=True)
    day, last = calendar.local_day(start) + dt.timedelta(days=1), calendar.local_day(end - 1)
    worked = 0
    while day <= last:
        worked += calendar.is_working(day)
        day += dt.timedelta(days=1)
    assert worked == count
    assert calendar.is_working(last)


@given(calendars, instants, counts, st.lists(st.tuples(instants, st.integers(0, 40)), max_size=3))
@settings(deadline=None)
def test_stops_only_ever_delay_and_no_stopped_day_counts(
    calendar: Calendar, start: int, count: int, raw: list[tuple[int, int]]
) -> None:
    stops = [Span(begin, begin + days * DAY + HOUR) for begin, days in raw]
    end = calendar.add_days(start, count, stops=stops)
    assert end >= calendar.add_days(start, count)
    last = calendar.midnight(calendar.local_day(end - 1))
    assert not any(stop.start < end and (stop.end or 0) > last for stop in stops)
    assert end <= calendar.add_days(start, count + sum(days + 2 for _, days in raw))


@given(
    instants,
    st.integers(1, 500),
    st.lists(st.tuples(st.integers(0, 600), st.integers(0, 90)), max_size=4),
)
@settings(deadline=None)
def test_hours_run_outside_of_stops_only(
    start: int, count: int, raw: list[tuple[int, int]]
) -> None:
    stops = [Span(start + after * HOUR, start + (after + span) * HOUR) for after, span in raw]
    end = SHANGHAI.add_hours(start, count, stops)
    assert end % MINUTE == 0
    stopped = sum(
        any(stop.start <= moment < (stop.end or 0) for stop in stops)
        for moment in range(start, end - MINUTE, HOUR)
    )
    assert 0 <= end - start - (count + stopped) * HOUR < MINUTE


def test_the_days_china_shifted_are_as_announced() -> None:
    # State Council, notice on the holidays of 2026: off 15 to 23 February, worked on 14 and 28.
    assert not SHANGHAI.is_working(dt.date(2026, 2, 16))
    assert SHANGHAI.is_working(dt.date(2026, 2, 14))
    assert SHANGHAI.is_working(dt.date(2026, 2, 28))
    assert not SHANGHAI.is_working(dt.date(2026, 3, 1))
    assert not SHANGHAI.provisional(dt.date(2026, 12, 31))


def test_beyond_the_announced_years_it_is_provisional_and_knows_the_festivals() -> None:
    far = dt.date(2029, 2, 13)  # the lunar new year of 2029
    assert SHANGHAI.provisional(far)
    assert not SHANGHAI.is_working(far)
    assert SHANGHAI.is_working(dt.date(2029, 3, 1))
    assert not NEW_YORK.provisional(far)


@pytest.mark.parametrize("year", [2025, 2026, 2027, 2030])
@pytest.mark.parametrize("festival", sorted(FESTIVALS))
def test_every_festival_is_found_in_every_year(festival: str, year: int) -> None:
    first, last = SHANGHAI.festival(festival, year)
    assert first.year == last.year == year
    assert dt.timedelta() <= last - first < dt.timedelta(days=12)


def test_a_festival_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="none of"):
        SHANGHAI.festival("carnival", 2026)


def test_a_tenant_corrects_days_and_the_version_tells() -> None:
    corrected = Calendar(
        holidays=frozenset({dt.date(2026, 3, 2)}), workdays=frozenset({dt.date(2026, 3, 1)})
    )
    assert not corrected.is_working(dt.date(2026, 3, 2))
    assert corrected.is_working(dt.date(2026, 3, 1))
    assert corrected.version != SHANGHAI.version


def test_a_span_of_each_year_may_run_over_its_turn() -> None:
    summer = StopClock((YearlySpan(5, 1, 9, 16, start_hour=12, end_hour=12),), "moratorium")
    (span,) = SHANGHAI.spans(summer, at("2026-06-01T00:00"), at("2026-12-01T00:00"))
    assert (span.start, span.end, span.name) == (
        at("2026-05-01T12:00"),
        at("2026-09-16T12:00"),
        "moratorium",
    )
    winter = StopClock((YearlySpan(12, 20, 1, 10),))
    (span,) = SHANGHAI.spans(winter, at("2026-01-05T00:00"), at("2026-03-01T00:00"))
    assert (span.start, span.end) == (at("2025-12-20T00:00"), at("2026-01-10T00:00"))


def test_a_festival_stops_clocks_on_the_days_around_it_too() -> None:
    stop = StopClock((FestivalSpan("spring_festival", 3, 2),))
    (span,) = SHANGHAI.spans(stop, at("2026-01-01T00:00"), at("2026-06-01T00:00"))
    assert (span.start, span.end) == (at("2026-02-12T00:00"), at("2026-02-26T00:00"))


def test_an_open_stop_ends_nothing() -> None:
    with pytest.raises(ValueError, match="open"):
        SHANGHAI.add_days(FIRST, 1, stops=[Span(FIRST, None)])
