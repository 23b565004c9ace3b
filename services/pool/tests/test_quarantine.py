"""Quarantine freezes: nobody of whom an event could not be taken in is reclaimed or claimed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gonghai.pool.v1 import custody_pb2
from gonghai.pool.v1 import pool_service_pb2 as pb
from gonghai.upkeep.v1 import upkeep_service_pb2 as upkeep
from gonghai.upkeep.v1.upkeep_service_pb2_grpc import UpkeepServiceStub
from gonghai_chassis.instants import instant_of
from gonghai_chassis.store.partitions import partition_index
from gonghai_chassis.testing.eventually import eventually
from gonghai_chassis.testing.plugin import PARTITIONS
from gonghai_chassis.testing.refusals import refused
from gonghai_engine import Policy
from gonghai_pool.consistency import audit

from .sea import DAY, HOUR, PARENT, START, Sea, at, customer_name, rep_name, sea
from .sea_plugin import sea_engine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_chassis.store import StoreSettings
    from gonghai_engine import Decision, DecisionFailure, DecisionRequest, Engine, Explanation

WARN, DUE = at(2060, 3, 11), at(2060, 3, 14)
"""Of a customer who was claimed on the 3rd of March."""


class Stumbling:
    """Decides as the engine does, but breaks off at some policies of some customers."""

    def __init__(self, engine: Engine, *policies: Policy) -> None:
        self._engine = engine
        self._policies = policies
        self.customers: set[str] = set()

    async def decide(self, requests: Sequence[DecisionRequest]) -> list[Decision | DecisionFailure]:
        for request in requests:
            customer = request.subject.rpartition("/")[2]
            if request.policy in self._policies and customer in self.customers:
                raise RuntimeError("stumbled, and named the customer 王老板")
        return await self._engine.decide(requests)

    async def explain(self, request: DecisionRequest) -> Explanation | DecisionFailure:
        return await self._engine.explain(request)


def upkeep_stub(world: Sea, principal: str = "admin:ann@acme") -> Any:  # noqa: ANN401 - a stub
    return world.served.stub(UpkeepServiceStub, principal=principal)


async def quarantined(world: Sea) -> list[upkeep.QuarantinedEvent]:
    request = upkeep.ListQuarantinedEventsRequest(parent=PARENT)
    return list((await upkeep_stub(world).ListQuarantinedEvents(request)).events)


async def retry(world: Sea, subject: str, source: str = "archive") -> Any:  # noqa: ANN401 - a message
    request = upkeep.RetryQuarantinedEventsRequest(parent=PARENT, source=source, subject=subject)
    return await upkeep_stub(world).RetryQuarantinedEvents(request, timeout=20)


async def test_an_activity_in_quarantine_keeps_its_customer_and_no_other(
    store_settings: StoreSettings,
) -> None:
    stumbling = Stumbling(sea_engine(), Policy.QUALIFICATION)
    async with sea(store_settings, decider=stumbling) as world:
        await world.staffed()
        for customer in ("c1", "c2"):
            await world.customer(customer)
            await world.claim(customer)
        await world.pass_days(5)
        stumbling.customers.add("c1")
        world.tell_activity("c1", rep=rep_name("wang"))
        world.tell_activity("c1", rep=rep_name("wang"))
        await world.taken_in()

        first, second = await quarantined(world)
        assert (first.source, first.kind, first.subject) == ("archive", "activity_recorded", "c1")
        assert (first.attempts, second.attempts) == (3, 0)
        assert first.cursor.position + 1 == second.cursor.position
        assert "RuntimeError (incident " in first.problem
        assert "王老板" not in first.problem
        assert second.problem == ""
        assert instant_of(first.event_time) == START + 5 * DAY

        # Warning and due time pass, and a day more: the other one is taken back, he is not.
        await world.move_to(DUE + DAY)
        assert (await world.custody("c2")).state == custody_pb2.CUSTODY_STATE_IN_POOL
        custody = await world.custody("c1")
        assert custody.holder.rep == rep_name("wang")
        assert not custody.warned
        assert "quarantine" in custody.frozen_because
        explained = await world.stub.ExplainCustody(
            pb.ExplainCustodyRequest(customer=customer_name("c1"))
        )
        assert "quarantine" in explained.waits_for

        stumbling.customers.clear()
        answer = await retry(world, "c1")
        assert (answer.processed, answer.left) == (2, 0)
        assert not answer.HasField("failed")
        await world.quiet()
        custody = await world.custody("c1")
        # As if it had come in time: ten days after the 8th.
        assert instant_of(custody.due_time) == at(2060, 3, 19)
        assert custody.frozen_because == ""
        await world.move_to(at(2060, 3, 19))
        assert (await world.custody("c1")).holder.rep == rep_name("wang")
        await world.move_to(at(2060, 3, 19) + HOUR)
        assert (await world.custody("c1")).state == custody_pb2.CUSTODY_STATE_IN_POOL
        assert await audit(world.parts.store) == []


async def test_an_activity_that_keeps_nobody_ends_the_freeze_all_the_same(
    store_settings: StoreSettings,
) -> None:
    stumbling = Stumbling(sea_engine(), Policy.QUALIFICATION)
    async with sea(store_settings, decider=stumbling) as world:
        await world.staffed()
        await world.customer("c1")
        await world.claim("c1")
        await world.move_to(WARN + HOUR)
        stumbling.customers.add("c1")
        world.tell_activity("c1", kind="purchase")
        await world.taken_in()
        await world.move_to(DUE + HOUR)
        assert (await world.custody("c1")).state == custody_pb2.CUSTODY_STATE_HELD
        stumbling.customers.clear()
        await retry(world, "c1")
        await world.pass_days(1)
        assert (await world.custody("c1")).state == custody_pb2.CUSTODY_STATE_IN_POOL


async def test_a_retry_that_fails_says_so_and_changes_nothing(
    store_settings: StoreSettings,
) -> None:
    stumbling = Stumbling(sea_engine(), Policy.QUALIFICATION)
    async with sea(store_settings, decider=stumbling) as world:
        await world.staffed()
        await world.customer("c1")
        await world.claim("c1")
        stumbling.customers.add("c1")
        world.tell_activity("c1")
        world.tell_customer("c1", tier="A", tier_rank=9)
        await world.taken_in()
        answer = await retry(world, "c1")
        assert (answer.processed, answer.left, answer.failed.attempts) == (0, 2, 4)
        assert answer.failed.kind == "activity_recorded"
        assert (await world.custody("c1")).tier == ""
        nothing = await retry(world, "c2")
        assert (nothing.processed, nothing.left) == (0, 0)
        assert (await refused(retry(world, "c1", "pool"))).reason == "INVALID_FIELD"


async def test_nobody_claims_a_customer_of_whom_events_are_quarantined(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        for customer in ("c1", "c2"):
            await world.customer(customer)
        world.archive.tell("acme", "customer_changed", "c1", 2, b"\xff", world.now)
        await world.taken_in()
        refusal = await refused(world.claim("c1"))
        assert refusal.reason == "CUSTOMER_FROZEN"
        assert refusal.metadata["customer"] == customer_name("c1")
        assert (await refused(world.claim("c1", validate_only=True))).reason == "CUSTOMER_FROZEN"
        explained = await world.stub.ExplainCustody(
            pb.ExplainCustodyRequest(customer=customer_name("c1"), rep=rep_name("wang"))
        )
        assert "CUSTOMER_FROZEN" in str(explained)
        await world.claim("c2")
        # Who gives it to somebody judges for himself.
        await world.assign("c1")
        assert (await world.custody("c1")).holder.rep == rep_name("wang")


async def test_a_quarantined_leave_and_policy_freeze_whom_they_concern(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed()
        for customer, rep in (("c1", "wang"), ("c2", "zhao")):
            await world.customer(customer)
            await world.claim(customer, rep)
        world.assignment.tell("acme", "rep_changed", "wang", 99, b"\xff", world.now)
        await world.taken_in()
        await world.move_to(DUE + HOUR)
        assert (await world.custody("c1")).state == custody_pb2.CUSTODY_STATE_HELD
        assert (await world.custody("c2")).state == custody_pb2.CUSTODY_STATE_IN_POOL

        await world.claim("c2", "wang")
        await world.customer("c3")
        await world.claim("c3", "zhao")
        world.archive.tell("acme", "policy_applied", "acme", 99, b"\xff", world.now)
        await world.taken_in()
        await world.pass_days(12)
        assert (await world.custody("c3")).state == custody_pb2.CUSTODY_STATE_HELD
        sources = [(event.source, event.subject) for event in await quarantined(world)]
        assert sources == [("archive", "acme"), ("assignment", "wang")]


async def test_only_the_tenants_admins_see_and_retry(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        world.archive.tell("acme", "customer_changed", "c1", 1, b"\xff", world.now)
        for number in range(4):
            world.archive.tell("acme", "customer_changed", f"d{number}", 1, b"\xff", world.now)
            world.archive.tell("acme", "customer_changed", f"d{number}", 2, b"\xff", world.now)
        # In the same partition, so that only the names of keys and members keep the two apart.
        assert partition_index("globex", PARTITIONS) == partition_index("acme", PARTITIONS)
        world.archive.tell("globex", "customer_changed", "c1", 1, b"\xff", world.now)
        await world.taken_in()
        request = upkeep.ListQuarantinedEventsRequest(parent=PARENT, page_size=2)
        seen: list[tuple[str, int]] = []
        while True:
            page = await upkeep_stub(world).ListQuarantinedEvents(request)
            seen += [(event.subject, event.attempts) for event in page.events]
            assert len(page.events) <= 2
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        assert seen == [("c1", 3), *((f"d{n}", tries) for n in range(4) for tries in (3, 0))]

        for principal, tenant in (("rep:wang@acme", "acme"), ("admin:ann@acme", "globex")):
            stub, parent = upkeep_stub(world, principal), f"tenants/{tenant}"
            listing = upkeep.ListQuarantinedEventsRequest(parent=parent)
            retrying = upkeep.RetryQuarantinedEventsRequest(
                parent=parent, source="archive", subject="c1"
            )
            for call in (
                stub.ListQuarantinedEvents(listing),
                stub.RetryQuarantinedEvents(retrying),
            ):
                assert (await refused(call)).reason == "NOT_ALLOWED"

        registry = world.served.assembly.metrics.registry
        labels = {"service": "pool", "source": "archive"}
        counted = registry.get_sample_value("gonghai_events_quarantined_total", labels)
        assert counted == 6

        async def stands() -> bool:
            found = registry.get_sample_value("gonghai_quarantined_subjects", labels)
            return found == 6

        await retry(world, "c1")
        await eventually(stands)

        # Who was not asked about was not tried.
        foreign = upkeep.ListQuarantinedEventsRequest(parent="tenants/globex")
        page = await upkeep_stub(world, "admin:bo@globex").ListQuarantinedEvents(foreign)
        assert [(event.subject, event.attempts) for event in page.events] == [("c1", 3)]
        tried = {event.subject: event.attempts for event in await quarantined(world)}
        assert tried["c1"] == 4
