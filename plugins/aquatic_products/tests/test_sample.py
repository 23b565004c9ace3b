"""The made-up business lives with the sea; what all samples promise is tested for all."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from zoneinfo import ZoneInfo

import pytest

from gonghai_aquatic.sample import sample
from gonghai_plugin.sample import Feedback, Interest, Purchase, Return

START = 1_795_222_800_000_000  # 2026-11-21T01:00Z
BEFORE_THE_SEASON = 1_807_751_000_000_000  # the middle of April 2027
LAST_DAY = {
    "north_of_35": (9, 1),
    "between_35_and_26_30": (9, 16),
    "south_of_26_30": (8, 16),
}


def test_it_does_not_depend_on_how_sets_are_ordered() -> None:
    # Written down: what changes this changes every account and benchmark that is told of.
    digest = hashlib.sha256(repr(sample(start=START)).encode()).hexdigest()
    assert digest[:12] == "2a68f3427623"


@pytest.mark.requirement("D2")
def test_nobody_buys_the_catch_in_the_closed_season() -> None:
    data = sample(start=BEFORE_THE_SEASON)
    customers = {customer.id: customer.attributes for customer in data.customers}
    in_season = Counter[str]()
    coming = (event for event in data.script if isinstance(event, Purchase))
    for purchase in (*data.purchases, *coming):
        attributes = customers[purchase.customer]
        day = dt.datetime.fromtimestamp(purchase.at / 1e6, ZoneInfo("Asia/Shanghai"))
        if (5, 1) <= (day.month, day.day) <= LAST_DAY[str(attributes["sea_area"])]:
            in_season[str(attributes["supply"])] += 1
    assert set(in_season) == {"farmed", "frozen_stock", "imported"}
    assert min(in_season.values()) > 100


@pytest.mark.requirement("D2")
def test_there_is_something_of_everything() -> None:
    data = sample(start=START)
    for name, kinds in {"business": 5, "supply": 4, "sea_area": 3, "standing": 3}.items():
        found = {customer.attributes.get(name) for customer in data.customers} - {None}
        assert len(found) == kinds, name
    assert {type(item) for item in data.others} == {Feedback, Interest, Return}
    complaints = [item for item in data.others if getattr(item, "kind", "") == "complaint"]
    assert len(complaints) > 50


def test_what_is_given_back_was_bought() -> None:
    data = sample(start=START)
    bought = {purchase.id: purchase for purchase in data.purchases}
    for item in data.others:
        if isinstance(item, Return):
            purchase = bought[item.purchase]
            assert purchase.customer == item.customer
            assert purchase.at < item.at
            assert 0 < item.amount <= purchase.amount
