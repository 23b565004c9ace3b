"""Whom the account names for a new product: those who buy it often, the most valuable first."""

# ruff: noqa: N802 - methods as in the contract
from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from gonghai.archive.v1 import activity_pb2, archive_service_pb2, customer_pb2
from gonghai.policy.v1 import policy_service_pb2
from gonghai_chassis.filters import Field, Kind, parse_filter
from gonghai_chassis.instants import set_instant
from gonghai_cli.account.goods import DAYS, Goods, goods_of
from gonghai_cli.account.reading import Findings

NOW = 2_845_418_400_000_000
DAY = 86_400_000_000
ODD = 'crab "live" \\ice'


def customer(ident: str, *often: str, rank: int = 0, interests: int = 0) -> customer_pb2.Customer:
    made = customer_pb2.Customer(
        name=f"tenants/acme/customers/{ident}", display_name=ident.upper(), buys_often=often
    )
    made.tier.rank = rank
    made.metrics.facts["interests_90d"].int_value = interests
    return made


class Archive:
    """Lists as the archive does, one customer a page."""

    def __init__(self, *customers: customer_pb2.Customer) -> None:
        self.customers = {each.name: each for each in customers}

    async def ListCustomers(
        self, request: archive_service_pb2.ListCustomersRequest
    ) -> archive_service_pb2.ListCustomersResponse:
        (term,) = parse_filter(request.filter, {"buys_often": Field(Kind.STRING)})
        assert (request.parent, request.order_by, term.op) == ("tenants/acme", "tier desc", "=")
        found = [each for each in self.customers.values() if term.value in each.buys_often]
        found.sort(key=lambda each: -each.tier.rank)
        place = int(request.page_token or 0)
        more = str(place + 1) if place + 1 < len(found) else ""
        return archive_service_pb2.ListCustomersResponse(
            customers=found[place : place + 1], next_page_token=more
        )

    async def ListActivities(
        self, request: archive_service_pb2.ListActivitiesRequest
    ) -> archive_service_pb2.ListActivitiesResponse:
        assert request.filter == 'kind = "interest"'
        assert self.customers[request.parent].metrics.facts["interests_90d"].int_value
        page = archive_service_pb2.ListActivitiesResponse()
        for age, category in ((DAYS - 1, "squid"), (DAYS + 1, "eel"), (1, "")):
            interest = activity_pb2.Interest(product="p", category=category)
            set_instant(page.activities.add(interest=interest).occur_time, NOW - age * DAY)
        return page


@pytest.mark.requirement("D2")
async def test_who_buys_often_and_who_asked_is_told_by_category() -> None:
    archive = Archive(
        customer("c1", ODD, rank=10),
        customer("c2", ODD, "squid", rank=90, interests=1),
        customer("c3", ODD, rank=50),
        customer("c4", ODD, rank=60),
        customer("c5", rank=100, interests=2),
    )
    found = Findings(
        NOW,
        {each.name[-2:]: each for each in archive.customers.values()},
        {},
        [],
        [],
        {},
        {},
        [],
        {},
    )
    species = policy_service_pb2.AttributeDeclaration(attribute="species")
    species.values.add(value="squid", label_en="Squid", label_zh="鱿鱼")
    services = cast("Any", SimpleNamespace(archive=archive))
    assert await goods_of(services, "acme", found, [species]) == [
        Goods("squid", ("Squid", "鱿鱼"), 1, 2, ("C2",)),
        Goods(ODD, (ODD, ODD), 4, 0, ("C2", "C4", "C3")),
    ]
