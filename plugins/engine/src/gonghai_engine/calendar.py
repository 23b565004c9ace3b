"""Days as a tenant counts them: zone, working days, festivals, stop-clocks.

The public holidays of China and the weekend days worked in their place are those the State Council
announced, as the package chinese-calendar lists them. Beyond its last year the calendar is
provisional: weekends and the statutory days of the package holidays, without days worked in their
place; it says so, and its version changes when either package does.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, lru_cache
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

_TABLES: Final = f"{version('chinese-calendar')}+{version('holidays')}"
_REMEMBERED: Final = 256
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
    _stopped: dict[tuple[tuple[StopClock, ...], int, int], Stops] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @cached_property
    def version(self) -> str:
        """Return what changes when any day of this calendar may have."""
        corrections = ",".join(
            [*map(str, sorted(self.holidays)), "/", *map(str, sorted(self.workdays))]
        )
        mark = hashlib.sha256(f"{self.zone}:{corrections}".encode()).hexdigest()[:8]
        return f"{self.working_days}-{_TABLES}-{mark}"

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
        self,
        start: int,
        count: int,
        *,
        working: bool = False,
        stops: Sequence[Span] | Stops = (),
    ) -> int:
        """Return the midnight that ends the ``count``-th counted day after that of ``start``.

        Counted are all days, or the worked ones; never one that a stop touches, be it for an hour.
        Raises ValueError for an open stop: nothing ends then.
        """
        day = self.local_day(start)
        if working:
            stopped = self._made(stops).days
            while count > 0:
                day += _ONE
                if self.is_working(day) and not _touched(stopped, day.toordinal()):
                    count -= 1
        elif stops:
            last = _nth_free(self._made(stops).days, day.toordinal(), count)
            day = dt.date.fromordinal(last)
        else:
            day += count * _ONE
        return self.midnight(day + _ONE)

    def add_hours(self, start: int, count: int, stops: Sequence[Span] | Stops = ()) -> int:
        """Return the instant ``count`` hours after ``start``, stops left out, at a full minute.

        It is rounded up. Raises ValueError for an open stop.
        """
        at, left = start, count * HOUR
        for begin, end in self._made(stops).spans:
            if end <= at:
                continue
            if begin >= at + left:
                break
            left -= max(0, begin - at)
            at = end
        return -(-(at + left) // MINUTE) * MINUTE

    def stops(
        self, clocks: tuple[StopClock, ...], start: int, end: int, others: Sequence[Span] = ()
    ) -> Stops:
        """Return what stands still by ``clocks`` in the years from ``start`` to ``end``.

        ``others`` are stops of one customer, all closed. Raises ValueError for an open one.
        """
        if others:
            spans = [span for clock in clocks for span in self.spans(clock, start, end)]
            return Stops(self, [*spans, *others])
        years = clocks, self.local_day(start).year, self.local_day(end).year
        found = self._stopped.get(years)
        if found is None:
            if len(self._stopped) >= _REMEMBERED:
                self._stopped.clear()
            spans = [span for clock in clocks for span in self._in_years(clock, *years[1:])]
            found = self._stopped[years] = Stops(self, spans)
        return found

    def spans(self, stop: StopClock, start: int, end: int) -> tuple[Span, ...]:
        """Return the spans of a stop-clock that touch the time from ``start`` to ``end``."""
        found = self._in_years(stop, self.local_day(start).year, self.local_day(end).year)
        touching = (span for span in found if span.start < end and (span.end or 0) > start)
        return tuple(sorted(touching, key=lambda span: span.start))

    def festival(self, name: str, year: int) -> tuple[dt.date, dt.date]:
        """Return the first and last day off of a festival in ``year``.

        Raises ValueError for one that is none of `FESTIVALS`, or a year that no table reaches.
        """
        if name not in FESTIVALS:
            raise ValueError(f"{name!r} is none of {', '.join(FESTIVALS)}")
        days = _festival_days(name, year)
        if not days:
            raise ValueError(f"nobody knows when {name} is in {year}")
        return days[0], days[-1]

    def _made(self, stops: Sequence[Span] | Stops) -> Stops:
        return stops if isinstance(stops, Stops) else Stops(self, stops)

    def _in_years(self, stop: StopClock, first: int, last: int) -> Iterator[Span]:
        # A span may begin in the year before, and a festival's may reach into the year after.
        for span in stop.spans:
            for year in range(first - 1, last + 2):
                for begin, end in self._spans_of(span, year):
                    yield Span(begin, end, stop.name, stop.reason)

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


class Stops:
    """Spans in which nothing is counted, ready to count around them."""

    __slots__ = ("days", "spans")

    def __init__(self, calendar: Calendar, spans: Iterable[Span]) -> None:
        """Take closed spans, in any order. Raises ValueError for an open one."""
        closed = sorted(_closed(spans))
        self.spans = tuple(closed)
        """(start, end), by start."""
        days: list[tuple[int, int]] = []
        for start, end in closed:
            first = calendar.local_day(start).toordinal()
            last = calendar.local_day(end - 1).toordinal()
            if days and first <= days[-1][1] + 1:
                days[-1] = days[-1][0], max(days[-1][1], last)
            else:
                days.append((first, last))
        self.days = tuple(days)
        """(first, last) ordinals of the days touched, apart from each other, by the first."""

    def __bool__(self) -> bool:
        """Say whether anything stands still at all."""
        return bool(self.spans)


def _closed(spans: Iterable[Span]) -> Iterator[tuple[int, int]]:
    for span in spans:
        if span.end is None:
            raise ValueError("a stop that is still open: nothing ends")
        if span.end > span.start:
            yield span.start, span.end


def _touched(days: Sequence[tuple[int, int]], day: int) -> bool:
    return any(first <= day <= last for first, last in days)


def _nth_free(days: Sequence[tuple[int, int]], day: int, count: int) -> int:
    """Return the ``count``-th day after ``day`` that is in none of ``days``."""
    for first, last in days:
        if last <= day:
            continue
        free = max(first, day + 1) - day - 1
        if count <= free:
            break
        count -= free
        day = last
    return day + count


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
