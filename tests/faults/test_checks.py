"""The checker notices what is wrong: a true story passes, and each way to bend it is found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.checks import LAWS, check
from tests.faults.record import Attempt, Beat, Heard, History, Recorder, State
from tests.faults.tenant import DUE_DAYS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.record import Entry

ASKED = {"from": 1.0, "to": 3.0, "within": 2.0, "code": "OK", "what": "pool: a policy"}
DUE = DUE_DAYS * 86_400_000_000 + 2

ROWS: tuple[tuple[str, str, str, str, int], ...] = (
    ("ADMITTED", "IN_POOL", "", "", 1),
    ("CLAIMED", "HELD", "ann", "", 2),
    ("WARNED", "HELD", "ann", "ann", 2),
    ("RECLAIMED", "IN_POOL", "", "ann", 3),
    ("CLAIMED", "HELD", "bob", "", 4),
)


def told(version: int) -> dict[str, Any]:
    change, state, holder, former, term = ROWS[version - 1]
    return {
        "customer": "c",
        "version": version,
        "term": term,
        "state": state,
        "change": change,
        "holder": holder,
        "former": former,
        "time": version,
    }


def answer(version: int) -> dict[str, Any]:
    return {key: told(version)[key] for key in told(version) if key not in {"former", "time"}}


def call(
    method: str,
    request_id: str,
    start: float,
    *,
    code: str = "OK",
    reason: str = "",
    rep: str = "",
    version: int = 0,
    **more: str,
) -> Attempt:
    request = {"customer": "c", **({"rep": rep} if rep else {}), **more}
    got = answer(version) if version else {}
    return Attempt(
        "t", "x", method, request_id, request, start, start + 0.5, 3.0, code, reason, got
    )


def true_story() -> list[Entry]:
    entries: list[Entry] = [
        call("CreateCustomer", "r1", 1),
        call("RecordFollowUp", "r2", 2, activity="f-1"),
        call("ClaimCustomer", "r3", 3, rep="ann", version=2),
        call("ClaimCustomer", "r3", 4, rep="ann", version=2),
        call("ReleaseCustomer", "r4", 5, code="FAILED_PRECONDITION", reason="WRONG_STATE"),
        call("ClaimCustomer", "r5", 6, rep="bob", version=5),
        call("GetCustody", "", 7, version=5),
        State("t", "history", "c", [told(version) for version in range(1, 6)]),
        State("t", "custody", "c", {**answer(5), "archive_version": 1}),
        State("t", "customer", "c", {"owner": "bob", "state": "HELD", "version": 5, "amount": 5}),
        State("t", "activities", "c", [{"activity": "f-1", "occurred": 1, "amount": 5}]),
        State("t", "quota", "ann", {"holdings": 0, "claimed": 1, "limit": 1}),
        State("t", "quota", "bob", {"holdings": 1, "claimed": 1, "limit": 1, "weight": 1000}),
        State("t", "holdings", "", {"c": "bob"}),
        State("t", "audit", "pool", []),
        State("t", "rep", "bob", {"holdings": 1, "load": 1000}),
        State("t", "away", "archive", {"from": 10, "to": 20}),
        State("t", "unconcerned", "plugin", {}),
        State("t", "watched", "pool", {"head": 5, "reached": 5, "breaks": 1, "why": ""}),
        State("t", "watched", "archive", {"head": 4, "reached": 4, "breaks": 0, "why": ""}),
        call("GetCustody", "", 31, code="UNAVAILABLE"),
        State("t", "still", "stop 0", {"from": 30, "to": 40}),
        State("t", "drained", "pool-1", {"from": 5.1, "to": 8.1}),
        State("t", "evidence", "rebuilt", {"seen": 1, "least": 1}),
        State("t", "comparison", "pool of archive 0", []),
        State("t", "asked", "pool-1", ASKED),
    ]
    for live in (True, False):
        entries += [
            Heard("t", "pool", live, number, f"n{number}", "custody_changed", "c", number,
                  {**told(number), "due": DUE})
            for number in range(1, 6)
        ]  # fmt: skip
        entries.append(Heard("t", "archive", live, 1, "a1", "customer_changed", "c", 1))
    return entries


def broken(entries: list[Entry]) -> set[str]:
    return {violation.law for violation in check(History.of(entries), ["t"])}


def test_a_true_story_passes_and_survives_the_disk(tmp_path: Path) -> None:
    with Recorder(tmp_path / "record.jsonl") as recorder:
        for entry in true_story():
            recorder.add(entry)
    history = History.read(tmp_path / "record.jsonl")
    assert history == History.of(true_story())
    assert check(history, ["t"]) == []


def changed(kind: type[Any], number: int, **fields: Any) -> Callable[[list[Entry]], None]:  # noqa: ANN401
    def bend(entries: list[Entry]) -> None:
        found = [place for place, entry in enumerate(entries) if isinstance(entry, kind)]
        entries[found[number]] = replace(entries[found[number]], **fields)

    return bend


def dropped(kind: type[Any], number: int) -> Callable[[list[Entry]], None]:
    def bend(entries: list[Entry]) -> None:
        found = [place for place, entry in enumerate(entries) if isinstance(entry, kind)]
        del entries[found[number]]

    return bend


def read_before(entries: list[Entry]) -> None:
    """Somebody read, before it was made, what was made later."""
    entries.append(call("GetCustody", "", 2.1, version=5))


def claimed_elsewhere(*, at: int) -> Callable[[list[Entry]], None]:
    """Another customer is claimed after all else, at a moment that its history tells."""

    def bend(entries: list[Entry]) -> None:
        request = call("ClaimCustomer", "r9", 9, rep="ann", version=2)
        entries.append(replace(request, request=request.request | {"customer": "d"}))
        history = [told(1), told(2) | {"time": at}]
        entries.append(State("t", "history", "d", [each | {"customer": "d"} for each in history]))

    return bend


@pytest.mark.parametrize(
    ("law", "bend"),
    [
        ("no_defects", changed(Attempt, 4, code="INTERNAL")),
        ("nothing_hangs", changed(Attempt, 4, end=60.0)),
        ("the_same_answer", changed(Attempt, 3, answer=answer(5))),
        ("the_same_answer", changed(Attempt, 3, code="FAILED_PRECONDITION", answer={})),
        ("one_version_each", changed(Attempt, 5, answer=answer(2))),
        ("what_comes_later_is_later", changed(Attempt, 6, answer=answer(2))),
        ("what_comes_later_is_later", changed(Attempt, 5, answer=answer(2))),
        ("what_was_read_stays", read_before),
        ("time_goes_on", claimed_elsewhere(at=4)),
        ("no_acknowledged_write_lost", changed(Attempt, 5, answer={**answer(5), "version": 6})),
        ("no_acknowledged_write_lost", changed(Attempt, 5, answer={**answer(5), "holder": "eve"})),
        ("no_acknowledged_record_lost", changed(State, 2, content={"refused": "NOT_FOUND"})),
        ("no_acknowledged_record_lost", changed(State, 3, content=[])),
        ("nothing_invented_and_nothing_twice", dropped(Attempt, 5)),
        (
            "nothing_invented_and_nothing_twice",
            changed(State, 3, content=[{"activity": "f-1", "occurred": 1, "amount": 5}] * 2),
        ),
        (
            "one_owner_at_a_time",
            changed(State, 0, content=[told(1), told(2), {**told(5), "version": 3}]),
        ),
        ("one_owner_at_a_time", changed(State, 0, content=[told(1), told(2), told(4), told(5)])),
        ("one_owner_at_a_time", changed(State, 1, content={**answer(4), "archive_version": 1})),
        ("no_event_missing_or_out_of_order", dropped(Heard, 2)),
        ("no_event_missing_or_out_of_order", dropped(Heard, 8)),
        ("no_event_missing_or_out_of_order", changed(Heard, 1, nonce="another")),
        (
            "quotas_are_what_history_says",
            changed(State, 5, content={"holdings": 0, "claimed": 1, "limit": 1, "weight": 1000}),
        ),
        ("quotas_are_what_history_says", changed(State, 6, content={})),
        (
            "services_know_of_each_other",
            changed(State, 2, content={"owner": "ann", "state": "HELD", "version": 2}),
        ),
        (
            "services_know_of_each_other",
            changed(State, 1, content={**answer(5), "archive_version": 0}),
        ),
        (
            "warned_before_reclaimed",
            changed(State, 0, content=[told(1), told(2), {**told(4), "version": 3}]),
        ),
        ("loads_are_what_the_pool_says", changed(State, 8, content={"holdings": 1, "load": 0})),
        (
            "loads_are_what_the_pool_says",
            changed(State, 1, content={**answer(5), "reserved_for": "bob", "weight": 1000}),
        ),
        (
            "figures_are_what_activities_say",
            changed(State, 3, content=[{"activity": "f-1", "occurred": 1, "amount": 4}]),
        ),
        (
            "who_is_worked_stays",
            changed(State, 3, content=[{"activity": "f-1", "occurred": DUE, "amount": 5}]),
        ),
        ("nothing_is_reclaimed_unseen", changed(State, 9, content={"from": 4, "to": 5})),
        (
            "who_is_not_concerned_is_served_in_time",
            changed(Attempt, 4, code="DEADLINE_EXCEEDED", end=8.0),
        ),
        ("who_is_asked_answers_in_time", changed(State, 17, content=ASKED | {"to": 3.1})),
        ("who_is_asked_answers_in_time", changed(State, 17, content=ASKED | {"code": "ABORTED"})),
        ("who_listened_heard_to_the_end", dropped(Heard, 4)),
        ("who_listened_heard_to_the_end", dropped(Heard, 5)),
        (
            "who_listened_heard_to_the_end",
            changed(State, 12, content={"head": 9, "reached": 4, "breaks": 0, "why": ""}),
        ),
        ("who_asks_a_store_that_stands_still_is_told", changed(Attempt, 7, code="CANCELLED")),
        ("who_asks_a_store_that_stands_still_is_told", changed(Attempt, 7, end=34.6)),
        ("who_asks_a_store_that_stands_still_is_told", dropped(Attempt, 7)),
        (
            "who_asks_a_store_that_stands_still_is_told",
            changed(State, 13, content={"from": 5.9, "to": 40}),
        ),
        ("who_is_drained_sends_nobody_away", changed(Attempt, 4, code="DEADLINE_EXCEEDED")),
        ("who_is_drained_sends_nobody_away", changed(Attempt, 4, reason="")),
        (
            "the_fault_did_what_it_should",
            changed(State, 15, content={"seen": 0, "least": 1}),
        ),
        (
            "what_is_kept_of_others_is_what_they_have",
            changed(State, 16, content=["something differs"]),
        ),
        ("the_stores_agree", changed(State, 7, content=["something differs"])),
    ],
)
def test_each_way_to_bend_it_is_noticed(law: str, bend: Callable[[list[Entry]], None]) -> None:
    entries = true_story()
    bend(entries)
    assert law in broken(entries)


def test_what_a_fail_over_may_lose_is_only_what_was_read() -> None:
    entries = true_story()
    read_before(entries)
    assert broken(entries) == {"what_was_read_stays"}


def test_moments_are_compared_where_the_order_is_known() -> None:
    entries = true_story()
    claimed_elsewhere(at=5)(entries)
    assert "time_goes_on" not in broken(entries)
    # It may have been before the last one of the true story, that was not yet answered.
    entries = true_story()
    claimed_elsewhere(at=4)(entries)
    changed(Attempt, 5, end=9.1)(entries)
    assert "time_goes_on" not in broken(entries)


def test_every_law_has_such_a_case() -> None:
    marks = test_each_way_to_bend_it_is_noticed.pytestmark  # type: ignore[attr-defined]
    bent = {case[0] for case in marks[0].args[1]}
    assert bent == {law.__name__ for law in LAWS}


def slow(since: float, ended: float, share: float) -> list[Entry]:
    """Return the beats of a machine that gives a share of its time to who asks for it."""
    return [Beat(since, ended, (ended - since) * share)]


@pytest.mark.parametrize(
    ("bend", "law"),
    [
        (
            changed(Attempt, 4, code="DEADLINE_EXCEEDED", end=8.0),
            "who_is_not_concerned_is_served_in_time",
        ),
        (changed(State, 17, content=ASKED | {"to": 5.0}), "who_is_asked_answers_in_time"),
        (changed(Attempt, 4, end=12.0), "nothing_hangs"),
        (changed(Attempt, 7, end=34.9), "who_asks_a_store_that_stands_still_is_told"),
    ],
)
def test_seconds_are_those_that_the_machine_gives(
    bend: Callable[[list[Entry]], None], law: str
) -> None:
    entries = true_story()
    bend(entries)
    assert law in broken(entries + slow(0, 50, 0.9))
    assert law not in broken(entries + slow(0, 50, 0.4))
