"""Etags, page tokens and fingerprints: bound to what they were made for."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonghai.archive.v1 import archive_service_pb2 as archive
from gonghai.pool.v1 import pool_service_pb2 as pool
from gonghai_chassis import context
from gonghai_chassis.context import RequestContext
from gonghai_chassis.errors import EtagMismatch, InvalidRequest, Reason
from gonghai_chassis.etags import check_etag, etag_of, expected_version
from gonghai_chassis.fingerprints import content, digest_of, fingerprint
from gonghai_chassis.page_tokens import page_place, page_size, page_token
from gonghai_chassis.seals import PAGES, Seal

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "tenants/acme/customers/c1"
versions = st.integers(min_value=1, max_value=2**53)
places = st.lists(st.one_of(st.text(), st.integers(0, 2**53)), max_size=5)
packable = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**64 - 1),
        st.floats(),
        st.text(),
        st.binary(),
        st.builds(msgpack.ExtType, st.integers(1, 127), st.binary(max_size=12)),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.text(), st.integers(0, 9)), inner, max_size=3),
    ),
)


@given(versions)
def test_an_etag_gives_its_version_back(version: int) -> None:
    assert expected_version(etag_of(version), NAME) == version
    check_etag(etag_of(version), version, NAME)


@given(versions, versions)
def test_another_version_has_another_etag(one: int, other: int) -> None:
    if one == other:
        return
    with pytest.raises(EtagMismatch):
        check_etag(etag_of(one), other, NAME)


@given(st.text(min_size=1))
def test_what_is_no_etag_of_ours_is_not_the_current_one(text: str) -> None:
    try:
        version = expected_version(text, NAME)
    except EtagMismatch:
        return
    assert version is not None
    assert etag_of(version) == text


def test_no_etag_means_that_any_version_will_do() -> None:
    assert expected_version("", NAME) is None
    check_etag("", 7, NAME)


SECRET = b"the secret of an installation"


@pytest.fixture(autouse=True, scope="module")
def a_call() -> Iterator[None]:
    """Answer a call, at a service of an installation."""
    token = context._current.set(RequestContext("/list", "call-1", pages=Seal(SECRET, PAGES)))
    yield
    context._current.reset(token)


def a_list(**fields: object) -> archive.ListCustomersRequest:
    told: dict[str, Any] = {"parent": "tenants/acme", "filter": 'tier = "A"', **fields}
    return archive.ListCustomersRequest(**told)


@given(places)
def test_a_page_token_leads_back_to_its_place(place: list[int | str]) -> None:
    token = page_token(a_list(), place)

    kinds = [type(part) for part in place]
    assert page_place(a_list(page_token=token, page_size=7), *kinds) == place


def opened(token: str) -> bytes:
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))


@given(st.from_regex(r"[a-z0-9]{6,20}", fullmatch=True), st.integers(2**33, 2**53))
def test_a_page_token_tells_nothing_of_its_place(ident: str, score: int) -> None:
    token = page_token(a_list(), [score, ident])

    assert ident.encode() not in opened(token)
    assert msgpack.packb(score)[1:] not in opened(token)
    assert len(token) == len(page_token(a_list(), [score, "c1"]))


def test_every_replica_reads_the_tokens_of_the_others_and_no_other_installation_does() -> None:
    token = page_token(a_list(), [7, "c1"])
    replica, stranger = Seal(SECRET, PAGES), Seal(b"another secret", PAGES)
    call = context.current()

    call.pages = replica
    assert page_place(a_list(page_token=token), int, str) == [7, "c1"]
    call.pages = stranger
    with pytest.raises(InvalidRequest):
        page_place(a_list(page_token=token), int, str)
    call.pages = Seal(SECRET, "something else")
    with pytest.raises(InvalidRequest):
        page_place(a_list(page_token=token), int, str)
    call.pages = replica


def test_there_is_no_seal_without_a_secret() -> None:
    with pytest.raises(ValueError, match="needs a secret"):
        Seal(b"", PAGES)


def a_token(body: bytes) -> str:
    """A token of the installation around whatever, as another release may make it."""
    about = (a_list().DESCRIPTOR.full_name.encode(), content(a_list(), ("page_token", "page_size")))
    sealed = context.current().pages.close(body, about)
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


@given(st.one_of(packable.map(msgpack.packb), st.binary(max_size=40)))
def test_whatever_a_token_holds_is_a_place_or_refused(body: bytes) -> None:
    try:
        place = page_place(a_list(page_token=a_token(body)), int, str)
    except InvalidRequest:
        return
    assert place is not None
    score, member = place
    assert type(score) is int
    assert 0 <= score <= 2**53
    assert type(member) is str


@pytest.mark.parametrize(
    "place", [[], ["c1"], [1], [1, "c1", "c2"], [-1, "c1"], [2**53 + 1, "c1"], [True, "c1"], [1, 2]]
)
def test_a_place_of_another_shape_is_refused(place: list[object]) -> None:
    with pytest.raises(InvalidRequest) as raised:
        page_place(a_list(page_token=page_token(a_list(), place)), int, str)

    assert raised.value.reason is Reason.INVALID_PAGE_TOKEN


def test_the_first_page_has_no_place() -> None:
    assert page_place(a_list()) is None


@pytest.mark.parametrize(
    "changed", [{"parent": "tenants/other"}, {"filter": ""}, {"order_by": "create_time"}]
)
def test_a_page_token_of_another_request_is_refused(changed: dict[str, str]) -> None:
    token = page_token(a_list(), ["c1"])
    with pytest.raises(InvalidRequest) as raised:
        page_place(a_list(page_token=token, **changed))

    assert raised.value.reason is Reason.INVALID_PAGE_TOKEN


def test_a_page_token_of_another_list_is_refused() -> None:
    token = page_token(archive.ListCustomersRequest(parent="tenants/acme"), ["c1"])
    with pytest.raises(InvalidRequest):
        page_place(pool.ListPoolsRequest(parent="tenants/acme", page_token=token))


@given(st.data())
def test_a_page_token_that_was_tampered_with_is_refused(data: st.DataObject) -> None:
    token = page_token(a_list(), ["customer-1", 1_767_225_600_000_000])
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    forged = base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()
    with pytest.raises(InvalidRequest):
        page_place(a_list(page_token=forged))


@given(st.text(min_size=1))
def test_nonsense_is_no_page_token(text: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        page_place(a_list(page_token=text))

    assert raised.value.reason is Reason.INVALID_PAGE_TOKEN


@pytest.mark.parametrize(("asked", "given_"), [(0, 50), (1, 1), (1000, 1000), (5000, 1000)])
def test_page_sizes_have_a_default_and_a_bound(asked: int, given_: int) -> None:
    assert page_size(a_list(page_size=asked)) == given_


def test_a_negative_page_size_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        page_size(a_list(page_size=-1))


def claim(**fields: str) -> pool.ClaimCustomerRequest:
    told: dict[str, Any] = {
        "customer": NAME,
        "rep": "tenants/acme/reps/b",
        "request_id": "r1",
        **fields,
    }
    return pool.ClaimCustomerRequest(**told)


def test_a_fingerprint_covers_method_principal_and_content_but_not_the_request_id() -> None:
    base = fingerprint("/x/Claim", "rep:b", claim())

    assert fingerprint("/x/Claim", "rep:b", claim(request_id="r2")) == base
    others = [
        fingerprint("/x/Assign", "rep:b", claim()),
        fingerprint("/x/Claim", "rep:b for rep:c", claim()),
        fingerprint("/x/Claim", "rep:b", claim(customer="tenants/acme/customers/c2")),
        fingerprint("/x/Claim", "rep:b", claim(etag="v1")),
    ]
    assert len({base, *others}) == 5


def test_taking_a_fingerprint_changes_nothing() -> None:
    request = claim()
    fingerprint("/x/Claim", "rep:b", request)

    assert request == claim()


@given(st.lists(st.text()), st.lists(st.text()))
def test_where_one_part_ends_counts(one: list[str], other: list[str]) -> None:
    assert (digest_of(*one) == digest_of(*other)) == (one == other)
