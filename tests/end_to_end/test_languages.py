"""Reasons cross the services in both languages, and each reader is told them in his."""

from __future__ import annotations

import re
from contextlib import aclosing, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Final, cast

import pytest

from gonghai.archive.v1 import archive_service_pb2
from gonghai.assignment.v1 import assignment_service_pb2
from gonghai.pool.v1 import custody_pb2, pool_service_pb2
from gonghai.type.v1 import watch_pb2
from gonghai_chassis.errors import PeerRefused
from gonghai_cli.account.account import account_of
from gonghai_cli.language import Language
from gonghai_cli.services import Services
from tests.end_to_end.stage import small_sample
from tests.end_to_end.trio import trio

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from gonghai_chassis.store import StoreSettings

DAY: Final = 86_400_000_000
CHINESE: Final = re.compile("[\u4e00-\u9fff]")
BY_RULE: Final = ("ADMITTED", "ASSIGNED", "WARNED", "RECLAIMED")


async def histories(services: Services, customers: Sequence[str]) -> dict[str, list[str]]:
    """Why custodies changed by rule or by time, by what happened."""
    found: dict[str, list[str]] = {change: [] for change in BY_RULE}
    for customer in customers:
        answer = await services.pool.ListCustodyHistory(
            pool_service_pb2.ListCustodyHistoryRequest(parent=customer)
        )
        for entry in answer.entries:
            change = custody_pb2.CustodyChange.Name(entry.change).removeprefix("CUSTODY_CHANGE_")
            if change in found:
                found[change].append(entry.reason)
    return found


async def routed(services: Services, customers: Sequence[str]) -> str:
    """Assign the first of them who can be, and hear why it is this rep."""
    for customer in customers:
        request = assignment_service_pb2.RouteCustomerRequest(customer=customer)
        with suppress(PeerRefused):
            return (await services.assignment.RouteCustomer(request)).reason
    return ""


async def told(services: Services, parent: str) -> list[tuple[str, str]]:
    """The reasons in the first events about routings, in English and in Chinese."""
    request = assignment_service_pb2.WatchRequest(
        scope=watch_pb2.WatchScope(tenant=parent), kinds=["customer_routed"]
    )
    stream = cast(
        "AsyncGenerator[assignment_service_pb2.WatchResponse]", services.assignment.Watch(request)
    )
    async with aclosing(stream) as watching:
        async for message in watching:
            routings = [event.customer_routed for event in message.events]
            if routings:
                return [(routing.reason, routing.reason_zh) for routing in routings]
    return []


@pytest.mark.requirement("B6", "C8", "D1")
async def test_a_history_that_three_services_made_is_read_in_either_language(
    store_settings: StoreSettings,
) -> None:
    sample = small_sample(datetime(2031, 3, 3), 8)  # noqa: DTZ001 - a day of the sample's zone
    async with (
        trio(store_settings) as running,
        Services(running.addresses, language=Language.ZH) as in_chinese,
    ):
        driver = await running.open(sample)
        in_english = running.services
        request = archive_service_pb2.ListCustomersRequest(parent=driver.parent, page_size=100)
        page = await in_english.archive.ListCustomers(request)
        customers = [one.name for one in page.customers]
        assert CHINESE.search(await routed(in_chinese, customers))
        english: dict[str, list[str]] = {}
        for _ in range(30):
            await driver.advance(await driver.now() + 10 * DAY)
            english = await histories(in_english, customers)
            if all(english.values()):
                break
        chinese = await histories(in_chinese, customers)
        for change in BY_RULE:
            assert len(english[change]) == len(chinese[change]) > 0, change
            assert all(CHINESE.search(why) for why in chinese[change]), chinese[change]
            assert not any(CHINESE.search(why) for why in english[change]), english[change]

        for first, second in await told(in_chinese, driver.parent):
            assert first
            assert not CHINESE.search(first)
            assert CHINESE.search(second)

        account = await account_of(in_chinese, sample.tenant)
        reclaims = [line.why for line in account.losses]
        assert reclaims
        assert all(CHINESE.search(why) for why in reclaims)
