"""Customers are made, read, changed and listed through real gRPC on a real store."""

# ruff: noqa: ANN401 - what stands in for a method takes what it takes
from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import field_mask_pb2

from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai.archive.v1 import customer_pb2
from gonghai.type.v1 import fact_pb2
from gonghai_archive.store.customers import CustomerStore
from gonghai_chassis.store.failures import StoreUnavailable
from gonghai_chassis.testing.refusals import refused

from .archive import PARENT, archive, history_of, name

if TYPE_CHECKING:
    from gonghai_archive.store.customers import Change
    from gonghai_chassis.store import StoreSettings
    from gonghai_chassis.testing.plugin import OpenStore

PHONE = customer_pb2.IDENTIFIER_KIND_PHONE
CODE = customer_pb2.IDENTIFIER_KIND_UNIFIED_SOCIAL_CREDIT_CODE


def phone(number: str) -> customer_pb2.Identifier:
    return customer_pb2.Identifier(kind=PHONE, value=number)


def full_profile() -> customer_pb2.Customer:
    """A customer with every field that people write."""
    return customer_pb2.Customer(
        display_name="上海鲜达贸易有限公司",
        type=customer_pb2.CUSTOMER_TYPE_ORGANIZATION,
        industry="fmcg",
        region="east/shanghai",
        source="fair-2060",
        contacts=[
            customer_pb2.Contact(
                display_name="王芳",
                role="buyer",
                phone="+8613812345678",
                email="wang@example.com",
                wechat="wangfang",
                primary=True,
                contact_id="wang",
            )
        ],
        addresses=[
            customer_pb2.Address(
                label="office",
                province="上海",
                city="上海",
                district="浦东",
                street="世纪大道1号",
                postal_code="200120",
            )
        ],
        identifiers=[
            phone("+8613812345678"),
            customer_pb2.Identifier(kind=CODE, value="91110000600037341L"),
        ],
        tags=["vip", "new"],
        special_requirements="deliver before six",
        preferred_channel=customer_pb2.CONTACT_CHANNEL_WECHAT,
        dates=[customer_pb2.SpecialDate(label="birthday", month=8, day=15, lunar=True)],
        parent_customer=name("parent"),
        group="xianda",
        attributes={
            "outlets": fact_pb2.Value(int_value=12),
            "credit_note": fact_pb2.Value(string_value="good"),
        },
    )


@pytest.mark.requirement("A1")
async def test_a_profile_comes_back_as_it_was_given(store_settings: StoreSettings) -> None:
    async with archive(store_settings) as a:
        made = await a.stub.CreateCustomer(
            pb.CreateCustomerRequest(parent=PARENT, customer_id="c1", customer=full_profile())
        )
        got = await a.get("c1")
    assert made.name == name("c1")
    for field in full_profile().DESCRIPTOR.fields:
        if field.number < 30 and field.name != "name":
            assert getattr(got, field.name) == getattr(full_profile(), field.name), field.name
    assert got.tier.tier == "B"
    assert got.tier.decision.rule == "big"
    assert got.tier.decision.reason == "12 outlets"
    assert got.stage.stage == "prospect"
    assert got.create_time == got.update_time
    assert got.etag
    assert got == made


@pytest.mark.requirement("A1")
@pytest.mark.parametrize(
    ("attributes", "attribute"),
    [
        ({"outlets": fact_pb2.Value(string_value="many")}, "outlets"),
        ({"outlets": fact_pb2.Value(int_value=-1)}, "outlets"),
        ({"colour": fact_pb2.Value(string_value="red")}, "colour"),
    ],
)
async def test_an_attribute_that_breaks_its_declaration_is_refused_by_name(
    store_settings: StoreSettings, attributes: dict[str, fact_pb2.Value], attribute: str
) -> None:
    async with archive(store_settings) as a:
        error = await refused(a.create("c1", attributes=attributes))
        gone = await refused(a.get("c1"))
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.reason == "INVALID_ATTRIBUTE"
    assert error.metadata["attribute"] == attribute
    assert gone.code is grpc.StatusCode.NOT_FOUND


@pytest.mark.requirement("A2")
async def test_identifiers_are_normalised_and_those_that_do_not_check_are_refused(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings) as a:
        made = await a.create(
            "c1",
            identifiers=[phone("138 1234-5678"), phone("+86 138 12345678")],
            contacts=[customer_pb2.Contact(display_name="x", email="X@Example.COM")],
        )
        error = await refused(a.create("c2", identifiers=[phone("12")]))
    assert [each.value for each in made.identifiers] == ["+8613812345678"]
    assert made.contacts[0].email == "x@example.com"
    assert (error.reason, error.metadata["identifier"]) == ("INVALID_IDENTIFIER", "phone")


@pytest.mark.requirement("A3")
async def test_peer_23_of_many_creates_with_one_identifier_exactly_one_succeeds(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings) as a:
        stub = a.stub

        async def create(number: int) -> str:
            request = pb.CreateCustomerRequest(
                parent=PARENT,
                customer_id=f"c{number}",
                customer=customer_pb2.Customer(
                    display_name="one", identifiers=[phone("13812345678")]
                ),
            )
            try:
                made: customer_pb2.Customer = await stub.CreateCustomer(request)
            except grpc.aio.AioRpcError as error:
                return error.code().name
            return made.name

        answers = await asyncio.gather(*map(create, range(64)))
        made = [each for each in answers if each != "ALREADY_EXISTS"]
        listed = await a.stub.ListCustomers(pb.ListCustomersRequest(parent=PARENT))
        error = await refused(a.create("late", identifiers=[phone("13812345678")]))
    assert len(made) == 1
    assert [each.name for each in listed.customers] == made
    assert error.reason == "DUPLICATE_CUSTOMER"
    # Whose it is stays untold: the metadata and the message name the kind alone.
    assert error.metadata == {"identifier": "phone"}
    assert made[0] not in str(error.status)


@pytest.mark.requirement("A3")
async def test_an_identifier_that_was_given_up_is_free_again(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings) as a:
        await a.create("c1", identifiers=[phone("13812345678")])
        await a.create("c2", identifiers=[phone("13900000000")])
        update = pb.UpdateCustomerRequest(
            customer=customer_pb2.Customer(name=name("c2"), identifiers=[phone("13812345678")]),
            update_mask=field_mask_pb2.FieldMask(paths=["identifiers"]),
        )
        taken = await refused(a.stub.UpdateCustomer(update))
        clear = pb.UpdateCustomerRequest(
            customer=customer_pb2.Customer(name=name("c1")),
            update_mask=field_mask_pb2.FieldMask(paths=["identifiers"]),
        )
        await a.stub.UpdateCustomer(clear)
        moved = await a.stub.UpdateCustomer(update)
        await a.create("c3", identifiers=[phone("13900000000")])
    assert taken.reason == "DUPLICATE_CUSTOMER"
    assert moved.identifiers[0].value == "+8613812345678"


async def test_a_create_that_is_repeated_answers_the_same_and_makes_one(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings) as a:
        first = await a.create("", request_id="r1", owner=f"{PARENT}/reps/wang")
        again = await a.create("", request_id="r1", owner=f"{PARENT}/reps/wang")
        other = await refused(a.create("", request_id="r1", source="elsewhere"))
        listed = await a.stub.ListCustomers(pb.ListCustomersRequest(parent=PARENT))
    assert again == first
    assert (other.code, other.reason) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "REQUEST_ID_REUSED",
    )
    assert [each.name for each in listed.customers] == [first.name]
    # The retry met what was made, and took no second place.
    assert list(a.beside.pool.reserved) == [first.name]
    assert not a.beside.pool.cancelled


@pytest.mark.requirement("A1")
async def test_an_owner_whose_limit_is_reached_refuses_the_create(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings, limit=1) as a:
        wang = f"{PARENT}/reps/wang"
        await a.create("c1", owner=wang)
        error = await refused(a.create("c2", owner=wang))
        gone = await refused(a.get("c2"))
    assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "HOLDING_LIMIT")
    assert gone.code is grpc.StatusCode.NOT_FOUND


@pytest.mark.requirement("A1")
async def test_a_create_that_is_refused_gives_the_place_back(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings) as a:
        await a.create("c1", identifiers=[phone("13812345678")])
        wang = f"{PARENT}/reps/wang"
        duplicate = await refused(a.create("c2", owner=wang, identifiers=[phone("13812345678")]))
        exists = await refused(a.create("c1", owner=wang))
    assert duplicate.reason == "DUPLICATE_CUSTOMER"
    assert exists.reason == "RESOURCE_EXISTS"
    assert a.beside.pool.cancelled == [name("c2")]
    assert not a.beside.pool.reserved


@pytest.mark.parametrize("stored", [False, True])
async def test_a_create_whose_answer_was_lost_is_repeated_with_the_same_place(
    store_settings: StoreSettings,
    monkeypatch: pytest.MonkeyPatch,
    stored: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    create = CustomerStore.create
    lost: list[str] = []

    async def once_lost(self: CustomerStore, change: Change, *args: Any, **more: Any) -> Any:
        if lost:
            return await create(self, change, *args, **more)
        lost.append(change.after.id)
        if stored:
            await create(self, change, *args, **more)
        raise StoreUnavailable("the answer was lost")

    monkeypatch.setattr(CustomerStore, "create", once_lost)
    async with archive(store_settings) as a:
        wang = f"{PARENT}/reps/wang"
        unknown = await refused(a.create("", owner=wang, request_id="r1"))
        made = await a.create("", owner=wang, request_id="r1")
    assert (unknown.code, unknown.reason) == (grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE")
    assert made.name == name(lost[0])
    assert len(set(a.beside.pool.requests)) == 1
    assert list(a.beside.pool.reserved) == [made.name]
    assert not a.beside.pool.cancelled


async def test_validate_only_makes_nothing(store_settings: StoreSettings) -> None:
    async with archive(store_settings) as a:
        answer = await a.stub.CreateCustomer(
            pb.CreateCustomerRequest(
                parent=PARENT, customer_id="c1", customer=full_profile(), validate_only=True
            )
        )
        gone = await refused(a.get("c1"))
        await a.create("c2", identifiers=[phone("13812345678")])
        error = await refused(
            a.stub.CreateCustomer(
                pb.CreateCustomerRequest(
                    parent=PARENT, customer_id="c1", customer=full_profile(), validate_only=True
                )
            )
        )
    assert answer.tier.tier == "B"
    assert gone.code is grpc.StatusCode.NOT_FOUND
    assert error.reason == "DUPLICATE_CUSTOMER"


@pytest.mark.requirement("A1", "A15")
async def test_an_update_changes_what_its_mask_names_and_leaves_a_trace(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    async with archive(store_settings) as a:
        made = await a.stub.CreateCustomer(
            pb.CreateCustomerRequest(parent=PARENT, customer_id="c1", customer=full_profile())
        )
        changed = await a.as_("integrator:erp@acme").UpdateCustomer(
            pb.UpdateCustomerRequest(
                customer=customer_pb2.Customer(
                    name=made.name,
                    etag=made.etag,
                    source="website",
                    tags=["ignored"],
                    attributes={"outlets": fact_pb2.Value(int_value=3)},
                ),
                update_mask=field_mask_pb2.FieldMask(paths=["source", "attributes.outlets"]),
            )
        )
        stale = await refused(
            a.stub.UpdateCustomer(
                pb.UpdateCustomerRequest(
                    customer=customer_pb2.Customer(name=made.name, etag=made.etag, source="fair")
                )
            )
        )
        empty = await refused(
            a.stub.UpdateCustomer(
                pb.UpdateCustomerRequest(
                    customer=customer_pb2.Customer(name=made.name),
                    update_mask=field_mask_pb2.FieldMask(paths=["display_name"]),
                )
            )
        )
        missing = await refused(
            a.stub.UpdateCustomer(
                pb.UpdateCustomerRequest(
                    customer=customer_pb2.Customer(name=name("nobody"), source="fair")
                )
            )
        )
        create, update, tier = await history_of(await open_store("archive"), "c1")
    assert changed.source == "website"
    assert list(changed.tags) == ["vip", "new"]
    assert changed.attributes["outlets"].int_value == 3
    assert changed.attributes["credit_note"].string_value == "good"
    assert changed.tier.tier == "C"
    assert changed.etag != made.etag
    assert (stale.code, stale.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
    assert empty.code is grpc.StatusCode.INVALID_ARGUMENT
    assert missing.code is grpc.StatusCode.NOT_FOUND
    assert create[1][:3] == ("admin:local", "", "create")
    time, (principal, _, what, before, after) = update
    assert time == changed.update_time.seconds * 1_000_000
    assert (principal, what) == ("integrator:erp", "update")
    assert before["source"] == "fair-2060"
    assert after["source"] == "website"
    assert tier[1][2] == "tier"
    assert (tier[1][3]["tier"][0], tier[1][4]["tier"]) == ("B", "C")


async def test_an_update_that_is_repeated_answers_the_same(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings) as a:
        made = await a.create("c1")
        request = pb.UpdateCustomerRequest(
            customer=customer_pb2.Customer(name=made.name, etag=made.etag, source="fair"),
            request_id="u1",
        )
        first = await a.stub.UpdateCustomer(request)
        await a.stub.UpdateCustomer(
            pb.UpdateCustomerRequest(customer=customer_pb2.Customer(name=made.name, group="later"))
        )
        again = await a.stub.UpdateCustomer(request)
        got = await a.get("c1")
    assert again == first
    assert (got.source, got.group) == ("fair", "later")


async def test_batch_get_keeps_the_order_and_fails_whole(store_settings: StoreSettings) -> None:
    async with archive(store_settings) as a:
        for ident in ("c1", "c2", "c3"):
            await a.create(ident)
        wanted = [name("c3"), name("c1")]
        got = await a.stub.BatchGetCustomers(
            pb.BatchGetCustomersRequest(parent=PARENT, names=wanted)
        )
        missing = await refused(
            a.stub.BatchGetCustomers(
                pb.BatchGetCustomersRequest(parent=PARENT, names=[*wanted, name("nobody")])
            )
        )
        foreign = await refused(
            a.stub.BatchGetCustomers(
                pb.BatchGetCustomersRequest(parent=PARENT, names=["tenants/other/customers/c1"])
            )
        )
    assert [each.name for each in got.customers] == wanted
    assert missing.metadata["resource"] == name("nobody")
    assert foreign.code is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.requirement("A14")
async def test_lists_filter_by_every_field_and_go_on_page_by_page(
    store_settings: StoreSettings,
) -> None:
    async with archive(store_settings) as a:
        for number in range(7):
            # The clock stands still: all were made at the same moment, and the id orders them.
            await a.create(
                f"c{number}",
                region="east/shanghai" if number % 2 else "east",
                tags=["vip"] if number < 3 else ["plain"],
                industry="fmcg" if number != 6 else "aquatic",
                source="fair" if number != 5 else "web",
                attributes={"outlets": fact_pb2.Value(int_value=20 if number == 4 else 1)},
            )

        async def listed(filter_: str = "", order: str = "", size: int = 50) -> list[str]:
            names, token = [], ""
            for _ in range(20):
                page = await a.stub.ListCustomers(
                    pb.ListCustomersRequest(
                        parent=PARENT,
                        filter=filter_,
                        order_by=order,
                        page_size=size,
                        page_token=token,
                    )
                )
                assert len(page.customers) <= size
                names += [each.name.rpartition("/")[2] for each in page.customers]
                token = page.next_page_token
                if not token:
                    return names
            raise AssertionError("the list has no end")

        everything = [f"c{number}" for number in range(7)]
        assert await listed() == everything[::-1]
        assert await listed(order="create_time") == everything
        assert await listed(size=2) == everything[::-1]
        assert await listed(order="create_time", size=3) == everything
        assert (await listed(order="tier desc", size=2))[0] == "c4"
        assert sorted(await listed(order="tier desc", size=2)) == everything
        assert await listed('region = "east"', "create_time") == everything
        assert await listed('region = "east/shanghai"', "create_time") == ["c1", "c3", "c5"]
        assert await listed('tag = "vip" AND region = "east/shanghai"') == ["c1"]
        assert await listed('tag != "vip" AND industry = "fmcg"', "create_time", 1) == [
            "c3",
            "c4",
            "c5",
        ]
        assert await listed('source = "web"') == ["c5"]
        assert await listed('tier = "B"') == ["c4"]
        assert await listed('stage = "prospect"', "create_time") == everything
        assert await listed('stage = "active"') == []
        page = await a.stub.ListCustomers(pb.ListCustomersRequest(parent=PARENT, page_size=2))
        for wrong in (
            {"page_token": page.next_page_token, "filter": 'tag = "vip"'},
            {"page_token": "nonsense"},
            {"filter": 'phone = "1"'},
            {"filter": 'tier = "A" OR tier = "B"'},
            {"order_by": "tier"},
            {"order_by": "display_name"},
        ):
            error = await refused(
                a.stub.ListCustomers(pb.ListCustomersRequest(parent=PARENT, **wrong))
            )
            assert error.reason in {"INVALID_PAGE_TOKEN", "INVALID_FILTER"}


async def test_tenants_do_not_see_each_other(store_settings: StoreSettings) -> None:
    async with archive(store_settings) as a:
        await a.create("c1", identifiers=[phone("13812345678")])
        other = a.as_("admin:li@other")
        stranger = await refused(other.GetCustomer(pb.GetCustomerRequest(name=name("c1"))))
        mine = await other.CreateCustomer(
            pb.CreateCustomerRequest(
                parent="tenants/other",
                customer_id="c1",
                customer=customer_pb2.Customer(
                    display_name="x", identifiers=[phone("13812345678")]
                ),
            )
        )
        listed = await other.ListCustomers(pb.ListCustomersRequest(parent="tenants/other"))
    assert stranger.code is grpc.StatusCode.PERMISSION_DENIED
    assert [each.name for each in listed.customers] == [mine.name]


async def test_what_is_not_built_says_so(store_settings: StoreSettings) -> None:
    async with archive(store_settings) as a:
        deleting = await refused(a.stub.DeleteCustomer(pb.DeleteCustomerRequest(name=name("c1"))))
        exporting = a.stub.ExportCustomers(pb.ExportCustomersRequest(parent=PARENT))
        streaming = await refused(exporting.read())
    for error, method in ((deleting, "DeleteCustomer"), (streaming, "ExportCustomers")):
        assert (error.code, error.reason) == (
            grpc.StatusCode.UNIMPLEMENTED,
            "NOT_IMPLEMENTED",
        )
        assert error.metadata["method"] == method
