"""Update masks do what AIP-134 says, with the behaviours that the contract declares."""

from __future__ import annotations

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from hypothesis import given
from hypothesis import strategies as st

from gonghai.archive.v1.customer_pb2 import Customer
from gonghai.assignment.v1.rep_pb2 import Region
from gonghai.pool.v1.pool_pb2 import Limits
from gonghai_chassis.errors import InvalidRequest
from gonghai_chassis.field_masks import apply_update, strip_output_only


def stored() -> Customer:
    customer = Customer(
        name="tenants/acme/customers/c1",
        display_name="上海海鲜行",
        industry="fmcg",
        tags=["old"],
        etag="v1",
    )
    customer.tier.tier = "A"
    customer.attributes["outlets"].int_value = 3
    customer.attributes["cold"].bool_value = True
    return customer


def mask(*paths: str) -> FieldMask:
    return FieldMask(paths=paths)


def test_only_what_the_mask_names_is_taken() -> None:
    change = Customer(display_name="新名", industry="aquatic", tags=["new"])
    before = stored()
    updated = apply_update(before, change, mask("display_name", "tags"))

    assert updated.display_name == "新名"
    assert updated.industry == "fmcg"
    assert list(updated.tags) == ["new"]
    assert before == stored()


def test_a_named_field_that_is_empty_is_cleared() -> None:
    assert not apply_update(stored(), Customer(), mask("tags")).tags


def test_without_a_mask_what_is_not_empty_is_taken() -> None:
    updated = apply_update(stored(), Customer(industry="aquatic"), FieldMask())

    assert updated.industry == "aquatic"
    assert updated.display_name == "上海海鲜行"
    assert list(updated.tags) == ["old"]


def test_a_star_replaces_everything_that_callers_may_write() -> None:
    updated = apply_update(stored(), Customer(display_name="新名"), mask("*"))

    assert updated.display_name == "新名"
    assert not updated.tags
    assert not updated.attributes
    assert updated.tier.tier == "A"
    assert updated.name == "tenants/acme/customers/c1"
    assert updated.etag == "v1"


def test_what_callers_may_not_write_is_left_alone_even_when_named() -> None:
    change = Customer(name="tenants/acme/customers/other", etag="v9")
    change.tier.tier = "Z"

    assert apply_update(stored(), change, mask("name", "etag", "tier", "tier.tier")) == stored()


def test_one_entry_of_a_map_can_be_set_and_taken_out() -> None:
    change = Customer()
    change.attributes["outlets"].int_value = 9
    updated = apply_update(stored(), change, mask("attributes.outlets", "attributes.cold"))

    assert updated.attributes["outlets"].int_value == 9
    assert "cold" not in updated.attributes


def test_maps_of_scalars_work_too() -> None:
    limits = Limits(name="tenants/acme/limits")
    limits.tier_weights_milli["A"] = 2000
    change = Limits()
    change.tier_weights_milli["B"] = 500

    one = apply_update(limits, change, mask("tier_weights_milli.B"))
    assert dict(one.tier_weights_milli) == {"A": 2000, "B": 500}
    assert dict(apply_update(limits, change, mask("tier_weights_milli")).tier_weights_milli) == {
        "B": 500
    }


@pytest.mark.parametrize("path", ["nickname", "tags.first", "display_name.zh", "*.x", ""])
def test_a_path_that_leads_nowhere_is_refused(path: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        apply_update(stored(), Customer(), mask(path))

    assert [violation.field for violation in raised.value.fields] == ["update_mask"]


def test_an_immutable_field_may_be_repeated_but_not_changed() -> None:
    region = Region(name="tenants/acme/regions/r", parent_region="tenants/acme/regions/top")
    same = Region(parent_region="tenants/acme/regions/top")
    other = Region(parent_region="tenants/acme/regions/else")

    assert apply_update(region, same, mask("parent_region")) == region
    with pytest.raises(InvalidRequest) as raised:
        apply_update(region, other, mask("parent_region"), prefix="region")
    assert [violation.field for violation in raised.value.fields] == ["region.parent_region"]


def test_create_reads_nothing_that_callers_may_not_write() -> None:
    asked = stored()
    stripped = strip_output_only(asked)

    assert not stripped.name
    assert not stripped.etag
    assert not stripped.HasField("tier")
    assert stripped.display_name == "上海海鲜行"
    assert stripped.attributes["outlets"].int_value == 3
    assert asked == stored()


writable = st.sampled_from(
    ["display_name", "industry", "tags", "attributes", "source", "addresses"]
)


@given(st.lists(writable, unique=True), st.text(max_size=9), st.lists(st.text(max_size=9)))
def test_an_update_applied_twice_is_the_same_as_once(
    paths: list[str], name: str, tags: list[str]
) -> None:
    change = Customer(display_name=name, tags=tags)
    once = apply_update(stored(), change, mask(*paths, "etag"))

    assert apply_update(once, change, mask(*paths, "etag")) == once
