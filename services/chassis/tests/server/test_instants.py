"""Timestamps of the contracts: what is none is the caller's fault, not ours."""

from __future__ import annotations

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from gonghai_chassis.errors import InvalidRequest, Reason
from gonghai_chassis.instants import instant_of, timestamp

FIRST, LAST = -62_135_596_800, 253_402_300_799


@given(st.integers(FIRST * 1_000_000, LAST * 1_000_000 + 999_999))
def test_an_instant_comes_back_from_its_timestamp(instant: int) -> None:
    stamp = timestamp(instant)
    assert stamp is not None
    assert instant_of(stamp) == instant


@pytest.mark.parametrize(
    ("seconds", "nanos"),
    [(FIRST - 1, 0), (LAST + 1, 0), (-(2**63), 0), (2**63 - 1, 0), (0, -1), (0, 1_000_000_000)],
)
def test_what_is_no_timestamp_is_refused_by_its_field(seconds: int, nanos: int) -> None:
    with pytest.raises(InvalidRequest) as raised:
        instant_of(Timestamp(seconds=seconds, nanos=nanos), "leave.end_time")

    assert raised.value.reason is Reason.INVALID_FIELD
    assert raised.value.fields[0].field == "leave.end_time"
