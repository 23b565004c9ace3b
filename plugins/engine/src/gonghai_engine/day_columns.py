"""A calendar's days for many instants at once: the column form of `Calendar`."""

from __future__ import annotations

import datetime as dt
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import numpy as np

from gonghai_engine.calendar import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from gonghai_engine.calendar import Calendar, Stops
    from gonghai_engine.columns import Ints, Mask

_SECOND: Final = 1_000_000
_STEP: Final = 6 * 3600
"""Seconds; no zone changed its offset twice within them."""

_EPOCH: Final = dt.date(1970, 1, 1).toordinal()


class Days:
    """The days of a calendar from one instant's to another's, as tables.

    Days are numbers, 0 being the first. An instant that the tables do not reach gives the day, or
    the midnight, nearest to it: whoever counts on asks `reaches`.
    """

    def __init__(self, calendar: Calendar, earliest: int, latest: int) -> None:
        """Make the tables; instants are microseconds UTC."""
        first = calendar.local_day(earliest).toordinal() - 1
        last = calendar.local_day(latest).toordinal() + 1
        self._calendar = calendar
        self._first = first
        self._dates = [dt.date.fromordinal(day) for day in range(first, last + 1)]
        self.midnights = np.array([calendar.midnight(day) for day in self._dates], dtype=np.int64)
        self._changes, self._offsets = _offsets(
            calendar.zone, self._dates[0].year - 1, self._dates[-1].year + 1
        )
        self.provisional = np.array([calendar.provisional(day) for day in self._dates])

    @cached_property
    def _working(self) -> Mask:
        return np.array([self._calendar.is_working(day) for day in self._dates], dtype=np.bool_)

    def of(self, instants: Ints) -> Ints:
        """Return the day of each instant."""
        if len(self._offsets) == 1:
            offsets = self._offsets
        else:
            offsets = self._offsets[np.searchsorted(self._changes, instants, side="right")]
        days: Ints = (instants + offsets) // DAY + (_EPOCH - self._first)
        return np.clip(days, 0, len(self.midnights) - 1)

    def midnight(self, days: Ints) -> Ints:
        """Return the instant at which each day begins."""
        return self.midnights[np.clip(days, 0, len(self.midnights) - 1)]

    def free(self, stops: Stops, *, working: bool = False) -> Free:
        """Return the days that are counted, where ``stops`` stand still."""
        free = np.ones(len(self.midnights), dtype=np.bool_)
        if working:
            free &= self._working
        for first, last in stops.days:
            begin, end = first - self._first, last + 1 - self._first
            free[max(begin, 0) : max(end, 0)] = False
        return Free(self, free)


class Free:
    """The days that a count takes; the others are left out."""

    def __init__(self, days: Days, free: Mask) -> None:
        """Take which days are counted."""
        self._days = days
        # The last stands for a day that there is none of.
        self._free = np.append(np.flatnonzero(free), 0)
        self._up_to = np.cumsum(free)

    def add(self, starts: Ints, counts: Ints | int) -> Ints:
        """Return the midnight that ends the n-th counted day after that of each start.

        As `Calendar.add_days`; where the tables end before it, `BEYOND`.
        """
        days = self._days
        first = days.of(starts)
        place = self._up_to[first] + counts - 1
        inside = place < len(self._free) - 1
        last = np.where(counts == 0, first, self._free[np.where(inside, place, -1)])
        there = (inside | (np.asarray(counts) == 0)) & (last + 1 < len(days.midnights))
        return np.where(there, days.midnight(last + 1), BEYOND)


BEYOND: Final = 2**62
"""In place of an instant that the tables do not reach."""


def add_hours(starts: Ints, count: Ints | int, stops: Stops) -> Ints:
    """Return the instant ``count`` hours after each start, as `Calendar.add_hours`."""
    at, left = starts, np.broadcast_to(np.asarray(count, dtype=np.int64) * HOUR, starts.shape)
    running = np.ones(len(starts), dtype=np.bool_)
    for begin, end in stops.spans:
        running &= (begin < at + left) | (end <= at)
        stopped = running & (end > at)
        left = np.where(stopped, left - np.maximum(0, begin - at), left)
        at = np.where(stopped, end, at)
    return -(-(at + left) // MINUTE) * MINUTE


@lru_cache(maxsize=64)
def _offsets(zone: str, first_year: int, last_year: int) -> tuple[Ints, Ints]:
    """Return from when on each offset of a zone holds, all but the first, and the offsets."""
    info = ZoneInfo(zone)

    def offset(second: int) -> int:
        there = dt.datetime.fromtimestamp(second, info).utcoffset()
        assert there is not None  # noqa: S101 - the datetime has a zone
        return there // dt.timedelta(microseconds=1)

    begin = int(dt.datetime(first_year, 1, 1, tzinfo=dt.UTC).timestamp())
    end = int(dt.datetime(last_year + 1, 1, 1, tzinfo=dt.UTC).timestamp())
    changes: list[int] = []
    offsets = [offset(begin)]
    for low in range(begin, end, _STEP):
        before, high = low, low + _STEP
        if offset(high) == offsets[-1]:
            continue
        while high - before > 1:
            middle = (before + high) // 2
            before, high = (middle, high) if offset(middle) == offsets[-1] else (before, middle)
        changes.append(high * _SECOND)
        offsets.append(offset(high))
    return np.array(changes, dtype=np.int64), np.array(offsets, dtype=np.int64)
