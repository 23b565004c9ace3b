"""Facts survive the way over the wire."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from gonghai.type.v1 import fact_pb2
from gonghai_chassis.errors import InvalidRequest
from gonghai_policy_service.values import FactValue, from_value, from_values, to_value, to_values

_INT64 = st.integers(-(2**63), 2**63 - 1)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_FACTS = st.none() | st.booleans() | _INT64 | _TEXT | st.frozensets(_TEXT)


@given(_FACTS)
def test_a_value_comes_back_as_it_was(value: FactValue) -> None:
    assert from_value(to_value(value)) == value


@given(st.dictionaries(_TEXT, _FACTS))
def test_missing_values_are_left_out(facts: dict[str, FactValue]) -> None:
    known = {name: value for name, value in facts.items() if value is not None}
    assert from_values(to_values(facts)) == known


def test_times_are_microseconds() -> None:
    message = fact_pb2.Value()
    message.time_value.FromDatetime(datetime(2026, 1, 1, tzinfo=UTC))
    assert from_value(message) == 1_767_225_600_000_000
    message.duration_value.FromMicroseconds(1_500_000)
    assert from_value(message) == 1_500_000


@pytest.mark.parametrize(("seconds", "nanos"), [(10**12, 0), (-(2**63), 0), (0, -1), (0, 2**30)])
def test_a_time_that_is_none_is_refused_by_its_name(seconds: int, nanos: int) -> None:
    message = fact_pb2.Value(time_value=Timestamp(seconds=seconds, nanos=nanos))
    with pytest.raises(InvalidRequest, match=r"facts\[since\]"):
        from_values({"since": message})


def test_what_is_no_fact_is_refused() -> None:
    with pytest.raises(TypeError, match="float"):
        to_value(1.5)
