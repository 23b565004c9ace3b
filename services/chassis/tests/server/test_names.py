"""Resource names are read strictly and written back the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonghai_chassis.errors import InvalidRequest
from gonghai_chassis.names import (
    ID_PATTERN,
    ActivityName,
    CustodyName,
    CustomerName,
    ExtensionName,
    LimitsName,
    OfferName,
    PlanName,
    PoolName,
    RegionName,
    RepName,
    TeamName,
    TenantName,
    check_id,
    same_tenant,
)

ids = st.from_regex(ID_PATTERN, fullmatch=True)
FLAT = [CustomerName, PoolName, RepName, TeamName, RegionName, PlanName, OfferName]
names = st.one_of(
    st.builds(TenantName, ids),
    *(st.builds(kind, ids, ids) for kind in FLAT),
    st.builds(ActivityName, ids, ids, ids),
    st.builds(ExtensionName, ids, ids, ids),
    st.builds(CustodyName, ids, ids),
    st.builds(LimitsName, ids),
)


@given(names)
def test_what_is_written_is_read_back(name: CustomerName) -> None:
    assert type(name).parse(str(name)) == name


@given(names, st.sampled_from(FLAT))
def test_a_name_of_one_kind_is_none_of_another(name: CustomerName, kind: type[RepName]) -> None:
    if isinstance(name, kind):
        return
    with pytest.raises(InvalidRequest):
        kind.parse(str(name))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tenants/acme",
        "tenants/acme/customers/",
        "tenants//customers/c1",
        "tenants/acme/customers/c1/",
        "/tenants/acme/customers/c1",
        "tenants/acme/customers/C1",
        "tenants/acme/customers/-c",
        "tenants/acme/customers/c1\n",
        "tenants/ac me/customers/c1",
        "tenants/acme/customers/" + "c" * 64,
        "tenants/acme/customers/客户",
    ],
)
def test_what_is_no_customer_name_is_refused_naming_the_field(text: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        CustomerName.parse(text, "customer.name")

    assert [violation.field for violation in raised.value.fields] == ["customer.name"]


def test_an_optional_name_may_be_empty_but_not_wrong() -> None:
    assert RepName.parse_optional("", "rep") is None
    assert RepName.parse_optional("tenants/a/reps/b", "rep") == RepName("a", "b")
    with pytest.raises(InvalidRequest):
        RepName.parse_optional("b", "rep")


def test_names_know_what_they_are_below() -> None:
    assert CustomerName("a", "c").parent == TenantName("a")
    assert ActivityName("a", "c", "x").parent == CustomerName("a", "c")
    assert CustodyName("a", "c").parent == CustomerName("a", "c")


def test_a_name_of_another_tenant_is_noticed() -> None:
    same_tenant("a", RepName("a", "b"), "rep")
    with pytest.raises(InvalidRequest, match="does not belong to tenants/a"):
        same_tenant("a", RepName("z", "b"), "rep")


@given(st.text())
def test_an_id_is_an_id_or_refused(text: str) -> None:
    try:
        accepted = check_id(text, "customer_id")
    except InvalidRequest:
        accepted = None
    assert accepted in {None, text}
    if accepted is not None:
        assert CustomerName.parse(f"tenants/a/customers/{accepted}").id == text
