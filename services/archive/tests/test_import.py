"""Customers come in by rows, each with its result, and the same import may be sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest

from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai.archive.v1 import customer_pb2
from gonghai.type.v1 import fact_pb2
from gonghai_chassis.events import Cursor, EventStream
from gonghai_chassis.testing.refusals import refused

from .archive import PARENT, Archive, archive, name
from .test_customers import phone

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings
    from gonghai_chassis.testing.plugin import OpenStore


def row(
    number: int, ident: str = "", owner: str = "", shown: str = "", **what: object
) -> pb.ImportRow:
    customer = customer_pb2.Customer(display_name=shown or f"Row {number}")
    customer.MergeFrom(customer_pb2.Customer(**what))  # type: ignore[arg-type]
    return pb.ImportRow(
        row=number,
        customer_id=ident,
        customer=customer,
        owner=f"{PARENT}/reps/{owner}" if owner else "",
    )


async def imported(a: Archive, *parts: list[pb.ImportRow]) -> list[pb.ImportResult]:
    call = a.stub.ImportCustomers(
        iter([pb.ImportCustomersRequest(parent=PARENT, rows=part) for part in parts])
    )
    responses = [response async for response in call]
    assert len(responses) == len(parts)
    return [result for response in responses for result in response.results]


@pytest.mark.requirement("A14")
async def test_each_row_has_its_result_and_the_others_are_made(
    store_settings: StoreSettings,
) -> None:
    wrong = fact_pb2.Value(string_value="many")
    parts = (
        [
            row(1, "c1", identifiers=[phone("13812345678")]),
            row(2, "c2", identifiers=[phone("138 1234 5678")]),
            row(3, "c3", identifiers=[phone("12")]),
            row(4, "c4", attributes={"outlets": wrong}),
        ],
        [row(5), row(6, shown="Row 5"), row(7, "c1")],
    )
    async with archive(store_settings) as a:
        results = await imported(a, *parts)
        again = await imported(a, *parts)
        listed = await a.stub.ListCustomers(pb.ListCustomersRequest(parent=PARENT))
    assert [result.row for result in results] == [1, 2, 3, 4, 5, 6, 7]
    codes = [result.status.code for result in results]
    exists = grpc.StatusCode.ALREADY_EXISTS.value[0]
    invalid = grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert codes == [0, exists, invalid, invalid, 0, 0, exists]
    # Rows without an id and with the same content are one customer, sent twice.
    assert results[4].customer == results[5].customer
    assert not results[1].customer
    assert again == results
    assert {each.name for each in listed.customers} == {name("c1"), results[4].customer}


@pytest.mark.requirement("A1", "A14")
async def test_owners_get_what_their_limits_leave_in_the_order_of_the_rows(
    store_settings: StoreSettings,
) -> None:
    rows = [row(n, f"c{n}", owner="wang" if n % 2 else "li") for n in range(6)]
    async with archive(store_settings, limit=2) as a:
        results = await imported(a, rows)
        again = await imported(a, rows)
        reserved = dict(a.beside.pool.reserved)
        missing = [await refused(a.get(ident)) for ident in ("c4", "c5")]
    exhausted = grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]
    assert [result.status.code for result in results] == [0, 0, 0, 0, exhausted, exhausted]
    assert [result.status.code for result in again] == [0, 0, 0, 0, exhausted, exhausted]
    assert set(reserved) == {name(f"c{n}") for n in range(4)}
    assert [error.code for error in missing] == [grpc.StatusCode.NOT_FOUND] * 2


async def test_a_row_that_is_refused_gives_its_place_back(store_settings: StoreSettings) -> None:
    async with archive(store_settings) as a:
        await a.create("c0", identifiers=[phone("13812345678")])
        results = await imported(
            a, [row(1, "c1", owner="wang", identifiers=[phone("13812345678")]), row(2, "c2")]
        )
    assert [result.status.code for result in results] == [6, 0]
    assert a.beside.pool.cancelled == [name("c1")]
    assert not a.beside.pool.reserved


async def test_a_row_that_is_refused_leaves_its_twin_the_place(
    store_settings: StoreSettings,
) -> None:
    wrong = {"outlets": fact_pb2.Value(string_value="many")}
    async with archive(store_settings) as a:
        results = await imported(
            a,
            [
                row(1, "c1", owner="wang"),
                row(2, "c1", owner="wang"),
                row(3, "c1", owner="wang", attributes=wrong),
                row(4, "c2", owner="wang", attributes=wrong),
            ],
        )
    assert [result.status.code for result in results] == [0, 6, 3, 3]
    assert a.beside.pool.cancelled == [name("c2")]
    assert set(a.beside.pool.reserved) == {name("c1")}


async def test_others_are_told_in_the_order_of_the_rows(
    store_settings: StoreSettings, open_store: OpenStore
) -> None:
    idents = [f"c{(n * 37) % 300}" for n in range(300)]
    async with archive(store_settings) as a:
        await imported(
            a,
            [row(n, ident, owner="wang" if n % 7 == 0 else "") for n, ident in enumerate(idents)],
        )
        store = await open_store("archive")
        batch = await EventStream(store).read(store.partition("acme"), Cursor.START)
    assert [event.subject for event in batch.events] == idents
