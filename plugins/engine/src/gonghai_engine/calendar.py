"""Days as a tenant counts them: zone, working days, festivals, stop-clocks.

The public holidays of China and the weekend days worked in their place are those the State Council
announced, as the package chinese-calendar lists them. Beyond its last year the calendar is
provisional: weekends and the statutory days of the package holidays, without days worked in their
place; it says so, and its version changes when either package does.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import holidays
from chinese_calendar import constants

from gonghai_engine.outcomes import FestivalSpan, StopClock, YearlySpan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from gonghai_plugin.texts import Text

MINUTE: Final = 60_000_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
"""Microseconds."""

_SECOND: Final = 1_000_000
_ONE: Final = dt.timedelta(days=1)
_SATURDAY: Final = 5
_ANNOUNCED_YEARS: Final = frozenset(day.year for day in constants.holidays)

FESTIVALS: Final = {
    # Ours: what chinese-calendar calls it, how holidays' names of it start.
    "new_year": ("New Year's Day", "New Year's Day"),
    "spring_festival": ("Spring Festival", "Chinese New Year"),
    "tomb_sweeping": ("Tomb-sweeping Day", "Tomb-Sweeping Day"),
    "labour_day": ("Labour Day", "Labor Day"),
    "dragon_boat": ("Dragon Boat Festival", "Dragon Boat Festival"),
    "mid_autumn": ("Mid-autumn Festival", "Mid-Autumn Festival"),
    "national_day": ("National Day", "National Day"),
}
"""The festivals a stop-clock may name."""


class WorkingDays(StrEnum):
    """Which days are worked."""

    CHINA = "china"
    WEEKENDS = "weekends"
    """Monday to Friday, no public holidays."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, ``start`` in it, ``end`` not; an ``end`` of None is still open."""

    start: int
    end: int | None
    name: str = ""
    reason: Text | None = None


@dataclass(frozen=True)
class Calendar:
    """A tenant's days. Instants are microseconds UTC; everything is counted in the zone."""

    zone: str = "Asia/Shanghai"
    working_days: WorkingDays = WorkingDays.CHINA
    holidays: frozenset[dt.date] = frozenset()
    """Days off that the tenant added."""
    workdays: frozenset[dt.date] = frozenset()
    """Days worked that the tenant added."""

    @property
    def version(self) -> str:
        """Return what changes when any day of this calendar may have."""
        corrections = ",".join(
            [*map(str, sorted(self.holidays)), "/", *map(str, sorted(self.workdays))]
        )
        tables = f"{version('chinese-calendar')}+{version('holidays')}"
        mark = hashlib.sha256(f"{self.zone}:{corrections}".encode()).hexdigest()[:8]
        return f"{self.working_days}-{tables}-{mark}"

    def local_day(self, instant: int) -> dt.date:
        """Return the local day of ``instant``."""
        return dt.datetime.fromtimestamp(instant // _SECOND, _zone(self.zone)).date()

    def midnight(self, day: dt.date) -> int:
        """Return the instant at which ``day`` begins."""
        return _midnight(self.zone, day)

    def next_midnight(self, instant: int) -> int:
        """Return the first midnight after ``instant``."""
        return self.midnight(self.local_day(instant) + _ONE)

    def midnight_after(self, instant: int, days: int) -> int:
        """Return the midnight that begins the day ``days`` days after that of ``instant``."""
        return self.midnight(self.local_day(instant) + days * _ONE)

    def days_between(self, earlier: int, later: int) -> int:
        """Return how many midnights lie between: 0 on the same day, negative when turned round."""
        return (self.local_day(later) - self.local_day(earlier)).days

    def is_working(self, day: dt.date) -> bool:
        """Say whether ``day`` is worked; the tenant's corrections come first."""
        if day in self.holidays:
            return False
        if day in self.workdays:
            return True
        if self.working_days is WorkingDays.WEEKENDS:
            return day.weekday() < _SATURDAY
        if day.year in _ANNOUNCED_YEARS:
            off = day in constants.holidays or (
                day.weekday() >= _SATURDAY and day not in constants.workdays
            )
            return not off
        return day.weekday() < _SATURDAY and day not in _statutory(day.year)

    def provisional(self, day: dt.date) -> bool:
        """Say whether ``day`` lies in a year whose holidays are not announced yet."""
        return self.working_days is WorkingDays.CHINA and day.year not in _ANNOUNCED_YEARS

    def add_days(
        self, start: int, count: int, *, working: bool = False, stops: Sequence[Span] = ()
    ) -> int:
        """Return the midnight that ends the ``count``-th counted day after that of ``start``.

        Counted are all days, or the worked ones; never one that a stop touches, be it for an hour.
        Raises ValueError for an open stop: nothing ends then.
        """
        day = self.local_day(start)
        if not working and not stops:
            return self.midnight(day + (count + 1) * _ONE)
        stopped = _Stops(self, stops)
        while count > 0:
            day += _ONE
            if (not working or self.is_working(day)) and not stopped.touch(day):
                count -= 1
        return self.midnight(day + _ONE)

    def add_hours(self, start: int, count: int, stops: Sequence[Span] = ()) -> int:
        """Return the instant ``count`` hours after ``start``, stops left out, at a full minute.

        It is rounded up. Raises ValueError for an open stop.
        """
        at, left = start, count * HOUR
        for span in sorted(_closed(stops), key=lambda span: span.start):
            end = span.end or 0
            if end <= at:
                continue
            if span.start >= at + left:
                break
            left -= max(0, span.start - at)
            at = end
        return -(-(at + left) // MINUTE) * MINUTE

    def spans(self, stop: StopClock, start: int, end: int) -> tuple[Span, ...]:
        """Return the spans of a stop-clock that touch the time from ``start`` to ``end``."""
        years = range(self.local_day(start).year - 1, self.local_day(end).year + 2)
        found = (
            Span(first, last, stop.name, stop.reason)
            for span in stop.spans
            for year in years
            for first, last in self._spans_of(span, year)
        )
        return tuple(
            sorted(
                (span for span in found if span.start < end and (span.end or 0) > start),
                key=lambda span: span.start,
            )
        )

    def festival(self, name: str, year: int) -> tuple[dt.date, dt.date]:
        """Return the first and last day off of a festival in ``year``.

        Raises ValueError for a festival that is none of `FESTIVALS`.
        """
        if name not in FESTIVALS:
            raise ValueError(f"{name!r} is none of {', '.join(FESTIVALS)}")
        days = _festival_days(name, year)
        return days[0], days[-1]

    def _spans_of(self, span: YearlySpan | FestivalSpan, year: int) -> Iterator[tuple[int, int]]:
        if isinstance(span, FestivalSpan):
            first, last = self.festival(span.festival, year)
            yield (
                self.midnight(first - span.days_before * _ONE),
                self.midnight(last + (span.days_after + 1) * _ONE),
            )
            return
        begin = _moment(self.zone, year, span.start_month, span.start_day, span.start_hour)
        end = _moment(self.zone, year, span.end_month, span.end_day, span.end_hour)
        if end <= begin:
            end = _moment(self.zone, year + 1, span.end_month, span.end_day, span.end_hour)
        yield begin, end


def warm_up() -> None:
    """Read the tables now: the first look at a year not announced yet takes half a second."""
    _statutory(max(_ANNOUNCED_YEARS) + 1)


class _Stops:
    """Which days are touched by one of several stops."""

    def __init__(self, calendar: Calendar, stops: Sequence[Span]) -> None:
        self._days = [
            (calendar.local_day(span.start), calendar.local_day((span.end or 0) - 1))
            for span in _closed(stops)
            if (span.end or 0) > span.start
        ]

    def touch(self, day: dt.date) -> bool:
        return any(first <= day <= last for first, last in self._days)


def _closed(stops: Iterable[Span]) -> list[Span]:
    spans = list(stops)
    if any(span.end is None for span in spans):
        raise ValueError("a stop that is still open: nothing ends")
    return spans


@lru_cache(maxsize=32)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=16384)
def _midnight(zone: str, day: dt.date) -> int:
    return _moment(zone, day.year, day.month, day.day, 0)


def _moment(zone: str, year: int, month: int, day: int, hour: int) -> int:
    # 29 February stands for the last day of the month where there is none.
    while day > 28:  # noqa: PLR2004 - every month has as many
        try:
            dt.date(year, month, day)
        except ValueError:
            day -= 1
        else:
            break
    local = dt.datetime(year, month, day, hour, tzinfo=_zone(zone))
    return int(local.timestamp()) * _SECOND


@lru_cache(maxsize=64)
def _statutory(year: int) -> dict[dt.date, str]:
    # The dictionary of that package adds years when it is asked for them; ours must not change.
    return dict(holidays.country_holidays("CN", years=year, language="en_US").items())


@lru_cache(maxsize=256)
def _festival_days(name: str, year: int) -> tuple[dt.date, ...]:
    announced, statutory = FESTIVALS[name]
    if year in _ANNOUNCED_YEARS:
        days = sorted(
            day
            for day, festival in constants.holidays.items()
            if festival == announced and day.year == year
        )
    else:
        days = sorted(day for day, text in _statutory(year).items() if text.startswith(statutory))
    return tuple(days)
