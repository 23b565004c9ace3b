"""What every plugin's sample promises: the same each time, valid, nothing refers to nothing."""

from __future__ import annotations

import hashlib
from collections import Counter
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import phonenumbers
import pytest
from stdnum.cn import uscc

from gonghai.pool.v1 import pool_pb2
from gonghai_engine import Engine
from gonghai_engine.calendar import DAY, Calendar
from gonghai_plugin.sample import ClaimBack, Claims, SampleData
from gonghai_plugin.sample.tables import write
from gonghai_pool.reading import pool_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

START = 1_795_222_800_000_000  # 2026-11-21T01:00Z
CALENDAR = Calendar()
OFFERED = {point.name: point for point in entry_points(group="gonghai.samples")}


@pytest.fixture(scope="module", params=sorted(OFFERED))
def plugin(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def make(plugin: str) -> Callable[..., SampleData]:
    maker: Callable[..., SampleData] = OFFERED[plugin].load()
    return maker


@pytest.fixture(scope="module")
def data(make: Callable[..., SampleData]) -> SampleData:
    return make(seed=7, start=START)


def _digest(data: SampleData) -> str:
    return hashlib.sha256(repr(data).encode()).hexdigest()


def test_the_same_seed_makes_the_same_and_another_another(
    make: Callable[..., SampleData], data: SampleData
) -> None:
    assert _digest(make(seed=7, start=START)) == _digest(data)
    assert _digest(make(seed=8, start=START)) != _digest(data)


def test_there_are_as_many_customers_as_were_asked_for(make: Callable[..., SampleData]) -> None:
    for count in (1, 20, 400):
        assert len(make(seed=3, start=START, customers=count).customers) == count


def test_identifiers_are_valid_and_nobody_has_anothers(data: SampleData) -> None:
    for customer in data.customers:
        assert uscc.is_valid(customer.credit_code)
        for phone in (customer.phone, *(contact.phone for contact in customer.contacts)):
            assert phonenumbers.is_valid_number(phonenumbers.parse(phone))
    for field in ("id", "name", "credit_code", "phone"):
        values = [getattr(customer, field) for customer in data.customers]
        assert len(set(values)) == len(values)


def test_its_document_binds_the_plugin_and_its_attributes_are_as_declared(
    plugin: str, data: SampleData
) -> None:
    engine = Engine.load()
    engine.activate(data.tenant, 1, engine.parse(data.policy_yaml))
    policy = engine.tenant(data.tenant).industry(data.industry)
    assert policy.plugin == plugin
    for customer in data.customers:
        assert policy.attributes.validate(customer.attributes)
    engine.close()


def test_everything_refers_to_something_that_is_there(data: SampleData) -> None:
    regions = {region.id for region in data.regions}
    teams = {team.id for team in data.teams}
    reps = {rep.id: rep for rep in data.reps}
    customers = {customer.id for customer in data.customers}
    known: set[str] = set()
    for region in data.regions:
        assert region.parent is None or region.parent in known  # parents come first
        known.add(region.id)
    for rep in data.reps:
        assert rep.team in teams
        assert regions.issuperset(rep.regions)
    for team in data.teams:
        assert team.region in regions
        assert reps[team.manager].manager
        assert reps[team.manager].team == team.id
    for pool in data.pools:
        assert teams.issuperset(pool.teams)
        assert set(pool.managers) <= reps.keys()
        assert pool.id in data.policy_yaml
    assert {customer.region for customer in data.customers} <= regions
    assert {item.rep for item in data.follow_ups} <= reps.keys()
    past = (*data.purchases, *data.follow_ups, *data.others)
    assert {item.customer for item in past} <= customers
    for event in data.script:
        if isinstance(event, Claims):
            assert event.rep in reps
            assert customers.issuperset(event.customers)
        elif isinstance(event, ClaimBack):
            assert event.count > 0
        else:
            assert event.customer in customers


def test_what_its_pools_hide_the_pool_service_takes(data: SampleData) -> None:
    for pool in data.pools:
        message = pool_pb2.Pool(display_name=pool.name, hidden_fields=pool.hidden_fields)
        assert pool_of(message, pool.id, "acme").hidden_fields == pool.hidden_fields


def test_history_lies_before_the_start_and_the_script_after_it(data: SampleData) -> None:
    today = CALENDAR.midnight(CALENDAR.local_day(START))
    for past in (data.purchases, data.follow_ups, data.others):
        moments = [item.at for item in past]
        assert moments == sorted(moments)
        if moments:
            assert today - 365 * DAY <= moments[0]
            assert moments[-1] < today
    script = [event.at for event in data.script]
    assert script == sorted(script)
    assert script[0] > START
    assert script[-1] <= today + data.days * DAY
    assert all(customer.created_at < today for customer in data.customers)


def test_every_id_is_used_once(data: SampleData) -> None:
    ids = Counter(
        item.id
        for item in (*data.purchases, *data.follow_ups, *data.others, *data.script)
        if not isinstance(item, (Claims, ClaimBack))
    )
    assert max(ids.values()) == 1


def test_amounts_are_whole_and_positive(data: SampleData) -> None:
    assert len(data.customers) == 300
    assert 2_500 < len(data.purchases) < 8_000
    for purchase in data.purchases:
        assert purchase.lines
        assert all(line.amount > 0 and line.quantity > 0 for line in purchase.lines)


def test_it_can_be_looked_at_as_tables(data: SampleData, tmp_path: Path) -> None:
    files = write(data, tmp_path)
    rows = {file.name: file.read_text("utf-8").count("\n") for file in files}
    assert rows == {
        "customers.csv": 1 + len(data.customers),
        "purchases.csv": 1 + sum(len(purchase.lines) for purchase in data.purchases),
        "follow_ups.csv": 1 + len(data.follow_ups),
    }
