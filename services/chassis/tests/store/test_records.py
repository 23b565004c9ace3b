"""Records go through Lua and come back as they were, but for what is written in `records`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gonghai_chassis.store import records

if TYPE_CHECKING:
    from collections.abc import Iterator

EXACT = 2**53

scalars = (
    st.booleans()
    | st.integers(-EXACT, EXACT)
    | st.floats(allow_nan=False, allow_infinity=False).map(lambda x: 0.5 if x.is_integer() else x)
    | st.text()
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, min_size=1) | st.dictionaries(st.text(min_size=1), inner, min_size=1)
    ),
    max_leaves=20,
)


@pytest.fixture
def lua(store_server: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(store_server) as client:
        yield client


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=40,
)
@given(record=st.dictionaries(st.text(min_size=1), values))
def test_what_lua_packs_again_is_what_was_packed(lua: redis.Redis, record: dict[str, Any]) -> None:
    script = "return cmsgpack.pack(cmsgpack.unpack(ARGV[1]))"
    packed = lua.eval(script, 0, records.pack(record))
    assert isinstance(packed, bytes)
    assert records.mapping(records.unpack(packed)) == record


@given(st.binary())
def test_bytes_come_back_as_they_were(data: bytes) -> None:
    assert records.blob(records.unpack(records.pack({"payload": data}))["payload"]) == data


def test_empty_containers_are_read_as_what_they_are_meant_to_be() -> None:
    assert records.mapping([]) == records.mapping(None) == records.mapping({}) == {}
    assert records.sequence([]) == records.sequence(None) == []
    with pytest.raises(TypeError):
        records.mapping("text")
    with pytest.raises(TypeError):
        records.sequence("text")


def test_an_older_record_is_brought_up_to_the_present_schema() -> None:
    first = records.RecordType("custody", schema=1)
    third = records.RecordType(
        "custody",
        schema=3,
        upgrades={
            1: lambda record: {**record, "holder": record["rep"]},
            2: lambda record: {key: value for key, value in record.items() if key != "rep"},
        },
    )
    assert third.unpack(first.pack({"rep": "li"})) == {"holder": "li", "schema": 3}
    with pytest.raises(ValueError, match="newer"):
        first.unpack(third.pack({}))
    with pytest.raises(ValueError, match="no way up"):
        records.RecordType("custody", schema=2).unpack(first.pack({}))
