"""Ids in the order of making, and estimates of the store's time that no wall clock disturbs."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonghai_chassis.clock import StoreClock
from gonghai_chassis.ids import new_holder, new_id
from gonghai_chassis.store import Partition

P = Partition(1, "pool")


def test_ids_are_uuids_of_version_7_in_the_order_of_making(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([1_700_000_000_000_000_000, 1_700_000_000_001_000_000, 2**61])
    monkeypatch.setattr("time.time_ns", lambda: next(moments))
    ids = [new_id() for _ in range(3)]
    assert sorted(ids) == ids
    assert all(re.fullmatch(r"[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}", one) for one in ids)
    assert int(ids[0][:12], 16) == 1_700_000_000_000


def test_ids_and_holders_do_not_meet() -> None:
    assert len({new_id() for _ in range(1000)}) == 1000
    assert new_holder() != new_holder()


@given(
    real=st.integers(1, 2**52),
    passed=st.floats(0, 1e6),
    left=st.floats(-10, 10),
)
def test_a_deadline_is_told_as_what_was_seen_and_what_is_left(
    real: int, passed: float, left: float
) -> None:
    clock = StoreClock(2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gonghai_chassis.clock.monotonic", lambda: 1000.0)
        clock.seen(P, real, 5)
        patch.setattr("gonghai_chassis.clock.monotonic", lambda: 1000.0 + passed)
        assert abs(clock.real(P) - (real + passed * 1e6)) <= 2
        told = clock.deadline(P, 1000.0 + passed + left)
    assert abs(told - (real + (passed + left) * 1e6)) <= 2
    assert clock.now(P) == 5


def test_keys_name_partition_area_tenant_and_kind() -> None:
    assert P.key("custody", "acme", "c1") == "gh:{p01}:pool:acme:custody:c1"
    assert P.key("custody", "acme", "c1", "x") == "gh:{p01}:pool:acme:custody:c1:x"
    assert P.key("done") == "gh:{p01}:pool:-:done"
    assert P.request_key("acme", "a:b") == "gh:{p01}:pool:acme:request:a:b"
    assert P.cursor_key("archive") == "gh:{p01}:pool:-:cursor:archive"
    assert P.due_key("reclaim") == "gh:{p01}:pool:-:due:reclaim"
    assert P.keys.clock == "gh:{p01}:clock:-:clock"
