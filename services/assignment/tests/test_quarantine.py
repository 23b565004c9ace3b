"""A customer whose facts are in quarantine waits for them alone; nobody waits for him."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from gonghai.upkeep.v1 import upkeep_service_pb2 as upkeep
from gonghai.upkeep.v1.upkeep_service_pb2_grpc import UpkeepServiceStub
from gonghai_assignment.projections import archive
from gonghai_assignment.waits import Waits
from gonghai_chassis.testing import eventually

from .staffing import PARENT, serving_all
from .test_assigning import at_rest

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Customers whose facts cannot be read, as if by a defect."""
    customers: set[str] = set()
    read = archive.facts_of

    def facts_of(payload: bytes) -> Any:  # noqa: ANN401
        customer, facts = read(payload)
        if customer in customers:
            raise KeyError(customer)
        return customer, facts

    monkeypatch.setattr(archive, "facts_of", facts_of)
    return customers


async def test_a_customer_whose_facts_are_quarantined_is_parked_until_they_are_taken_in(
    store_settings: StoreSettings, poisoned: set[str]
) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.region("east")
        await assignment.rep("li", capacity=5, regions=["east"])
        peers = assignment.peers
        poisoned.add("c1")
        for customer in ("c1", "c2"):
            peers.archive.tell(customer, region="east")
            peers.pool.admit(customer)
        await eventually(lambda: peers.pool.holder("c2") == "li")
        peers.pool.tell_held()
        # Neither owed nor due: the virtual clock does not wait for him.
        await at_rest(assignment)
        assert peers.pool.holder("c1") == ""

        # Whatever else happens, he stays parked.
        await assignment.rep("wu", capacity=5, regions=["east"])
        peers.archive.tell("c3", region="east")
        peers.pool.admit("c3")
        await eventually(lambda: peers.pool.holder("c3"))
        await at_rest(assignment)
        assert peers.pool.holder("c1") == ""

        poisoned.clear()
        stub = assignment.served.stub(UpkeepServiceStub)
        answer = await stub.RetryQuarantinedEvents(
            upkeep.RetryQuarantinedEventsRequest(parent=PARENT, source="archive", subject="c1"),
            timeout=20,
        )
        assert (answer.processed, answer.left) == (1, 0)
        await eventually(lambda: peers.pool.holder("c1"))


async def test_how_long_facts_are_awaited_is_told() -> None:
    now = 100.0
    waits = Waits(lambda: now)
    registry = CollectorRegistry()
    registry.register(waits)

    def seconds() -> float | None:
        return registry.get_sample_value("gonghai_facts_awaited_seconds")

    with waits.noted(0, "acme", "c1") as still:
        assert seconds() == 0.0
        still()
        now += 11.0
        still()
        assert seconds() == 11.0
    assert seconds() == 0.0
