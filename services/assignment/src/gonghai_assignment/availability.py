"""When a rep may be given customers: state, leave, working hours in the tenant's zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from gonghai_assignment.reps import RepState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from gonghai_assignment.reps import Rep

_MICROSECONDS = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WEEK = 8
"""Days to look ahead: hours that repeat each week begin or end within them."""


def obstacle(rep: Rep, now: int, zone: ZoneInfo) -> str | None:
    """What keeps a rep from being given customers: `state`, `leave`, `hours`; None: nothing."""
    if rep.state is not RepState.ACTIVE:
        return "state"
    if any(leave.start <= now and (leave.end is None or now < leave.end) for leave in rep.leaves):
        return "leave"
    if rep.working_hours and not _at_work(rep, now, zone):
        return "hours"
    return None


def window(reps: Iterable[Rep], now: int, zone: ZoneInfo) -> tuple[int, int | None]:
    """The span around `now` in which the answer of `obstacle` is the same for each of them.

    Returns:
        Its first instant (0 if nothing began before), and the first instant after it, None if
        nothing is to begin or end.
    """
    changes = _changes([rep for rep in reps if rep.state is RepState.ACTIVE], now, zone)
    return (
        max((instant for instant in changes if instant <= now), default=0),
        min((instant for instant in changes if instant > now), default=None),
    )


def _at_work(rep: Rep, now: int, zone: ZoneInfo) -> bool:
    local = (_EPOCH + timedelta(microseconds=now)).astimezone(zone)
    minute = local.hour * 60 + local.minute
    return any(
        hours.day == local.isoweekday() and hours.start <= minute < hours.end
        for hours in rep.working_hours
    )


def _changes(reps: list[Rep], now: int, zone: ZoneInfo) -> set[int]:
    """Instants around `now` at which something begins or ends for one of them."""
    changes = set()
    for leave in (leave for rep in reps for leave in rep.leaves):
        changes.add(leave.start)
        if leave.end is not None:
            changes.add(leave.end)
    weekly = {hours for rep in reps for hours in rep.working_hours}
    today = (_EPOCH + timedelta(microseconds=now)).astimezone(zone).date()
    for day in (today + timedelta(days=ahead) for ahead in range(-_WEEK, _WEEK + 1)):
        midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
        for hours in weekly:
            if hours.day == day.isoweekday():
                for minute in (hours.start, hours.end):
                    # Wall-clock arithmetic: nine o'clock is nine on a day when clocks change, too.
                    wall = midnight + timedelta(minutes=minute)
                    changes.add((wall.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1))
    return changes
