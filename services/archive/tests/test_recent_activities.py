"""Which activities a snapshot tells of: those that clocks may need, never without corrections."""

from __future__ import annotations

from typing import Final

from gonghai_archive.activities import Activity, FollowUp, Kind
from gonghai_archive.snapshot import recent
from gonghai_engine.calendar import DAY

NOW: Final = 1000 * DAY


def called(ident: str, days_ago: int, corrects: str = "") -> Activity:
    content = FollowUp("phone", "reached")
    return Activity(ident, Kind.FOLLOW_UP, NOW - days_ago * DAY, content, corrects=corrects)


def ids(*activities: Activity) -> list[str]:
    return [each.id for each in recent(list(activities), NOW)]


def test_what_is_long_ago_is_left_out_but_for_the_last() -> None:
    assert ids(called("a", 500), called("b", 450), called("c", 600)) == ["b"]
    assert ids(called("a", 500), called("b", 300), called("c", 200)) == ["b", "c"]


def test_a_correction_goes_with_what_it_corrects_however_old_it_makes_it() -> None:
    # Without the correction what it corrects would count for whoever reads the snapshot.
    corrected = (called("wrong", 3), called("old", 700, "wrong"), called("older", 900, "old"))
    assert ids(*corrected) == ["wrong", "old", "older"]


def test_the_last_of_a_kind_is_the_last_that_counts() -> None:
    assert ids(called("real", 500), called("wrong", 450), called("right", 600, "wrong")) == ["real"]
