"""What a holding knows of its activities: those it keeps, those it counted, those it took back.

However often an activity is told of, it is taken in once; and one that was corrected never was, nor
will be. That takes the memory of every activity: an archive's snapshot tells of them all again.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections import Counter
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from gonghai_pool.policies import DEALS, FOLLOW_UPS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gonghai_pool.custody import Activity, Custody

MOST_KEPT: Final = 100
"""Activities of one kind that a holding keeps: those that count before others, later before older.

The latest that counts for a clock always stays, because the clock rests on it. Of the others a mark
is left, so that they go on being counted, once.
"""
_CORRECTED: Final = ""
"""In the place of a kind: activities that were corrected."""
_MARK: Final = 12
"""Characters of a mark. It tells activities of one holding apart, of which there are thousands."""


def counted(custody: Custody, ident: str) -> bool:
    """Whether an activity counts among those of the holding, kept or not."""
    return bool(_kind(custody, ident))


def taken_in(custody: Custody, ident: str) -> bool:
    """Whether an activity counts in the holding already, or was corrected."""
    if any(ident in {one.id, one.corrects} for one in custody.activities):
        return True
    return _marked(custody.passed, ident) is not None


def with_activity(custody: Custody, activity: Activity) -> Custody:
    """Take in an activity of which nothing is known; what it corrects was taken back before."""
    known = sorted((*custody.activities, activity), key=lambda one: (one.at, one.id))
    of_kind = [one for one in known if one.kind == activity.kind]
    passed = custody.passed
    if activity.corrects:
        passed = _with_mark(passed, _CORRECTED, activity.corrects)
    if len(of_kind) > MOST_KEPT and (dropped := _dispensable(of_kind)) is not None:
        known = [one for one in known if one is not dropped]
        passed = _with_mark(passed, dropped.kind, dropped.id)
    return replace(
        custody,
        activities=tuple(known),
        passed=passed,
        follow_ups=custody.follow_ups + (activity.kind in FOLLOW_UPS),
        orders=custody.orders + (activity.kind == "purchase"),
        dealt=custody.dealt or activity.kind in DEALS,
    )


def without_activity(custody: Custody, ident: str) -> Custody:
    """Take an activity back, kept or only counted; the same custody if there is none of the id."""
    kind = _kind(custody, ident)
    if not kind:
        return custody
    rest = tuple(each for each in custody.activities if each.id != ident)
    passed = _with_mark(_without_mark(custody.passed, kind, ident), _CORRECTED, ident)
    dealt = any(each.kind in DEALS for each in rest) or any(each in DEALS for each in passed)
    return replace(
        custody,
        activities=rest,
        passed=passed,
        follow_ups=custody.follow_ups - (kind in FOLLOW_UPS),
        orders=custody.orders - (kind == "purchase"),
        dealt=dealt or (custody.dealt and kind not in DEALS),
    )


def _kind(custody: Custody, ident: str) -> str | None:
    """The kind of an activity, `_CORRECTED`, or None where nothing is known of it."""
    kept = (one.kind for one in custody.activities if one.id == ident)
    return next(kept, None) or _marked(custody.passed, ident)


def _dispensable(of_kind: Sequence[Activity]) -> Activity | None:
    """The one of a kind (oldest first) that no clock misses; None where clocks rest on them all.

    The oldest that does not count, else the oldest after which another counts for the same clocks:
    of those that most are, so that many calls do not push out the few visits.
    """
    latest = {one.clocks: one for one in of_kind if one.counts}
    idle = (one for one in of_kind if not one.counts)
    numbers = Counter(one.clocks for one in of_kind)
    passed = (one for one in of_kind if one is not latest.get(one.clocks))
    return next(idle, None) or max(passed, key=lambda one: numbers[one.clocks], default=None)


def _mark(ident: str) -> str:
    return urlsafe_b64encode(blake2b(ident.encode(), digest_size=_MARK * 3 // 4).digest()).decode()


def _marked(passed: Mapping[str, str], ident: str) -> str | None:
    """The kind under which an activity is marked, `_CORRECTED`, or None."""
    if not passed:
        return None
    mark = _mark(ident)
    return next((kind for kind, marks in passed.items() if mark in _split(marks)), None)


def _with_mark(passed: Mapping[str, str], kind: str, ident: str) -> Mapping[str, str]:
    mark, marks = _mark(ident), passed.get(kind, "")
    return passed if mark in _split(marks) else {**passed, kind: marks + mark}


def _without_mark(passed: Mapping[str, str], kind: str, ident: str) -> Mapping[str, str]:
    mark = _mark(ident)
    left = "".join(each for each in _split(passed.get(kind, "")) if each != mark)
    rest = {each: marks for each, marks in passed.items() if each != kind}
    return {**rest, kind: left} if left else rest


def _split(marks: str) -> list[str]:
    return [marks[at : at + _MARK] for at in range(0, len(marks), _MARK)]
