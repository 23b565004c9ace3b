"""The forecast beside others: who has to wait for whom, and what it could not decide."""

# ruff: noqa: N802 - the stubs' methods are named as the contract names them
from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonghai.archive.v1 import archive_service_pb2
from gonghai.archive.v1 import events_pb2 as archive_events
from gonghai.assignment.v1 import assignment_service_pb2
from gonghai.policy.v1 import policy_service_pb2
from gonghai.type.v1 import decision_pb2
from gonghai_chassis.errors import Reason, Refusal
from gonghai_chassis.instants import set_instant
from gonghai_engine.calendar import DAY
from gonghai_policy_service.trials import on_trial
from gonghai_policy_service.turns import Turns
from gonghai_pool.simulation import forecast as forecasting
from gonghai_pool.simulation.forecast import Begun, Ended, Forecast, Moment, Question
from gonghai_pool.simulation.population import Population

from .hands import Hands, hands
from .sea import PARENT, TENANT, customer_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from gonghai_chassis.store import StoreSettings

OTHER = "globex"
STRICT = "version: 1\ndefault: {plugin: standard, settings: {follow_up_days: 5}}\n"
ELSEWHERE = decision_pb2.Undecided(policy="tiering", cause="bad_facts", customers=2)


class _Archive:
    """Tells what it is given, and on whom it could not decide."""

    def __init__(self, *told: Sequence[archive_events.Event]) -> None:
        self._told = told

    async def SimulateCourse(
        self, request: archive_service_pb2.SimulateCourseRequest
    ) -> AsyncIterator[archive_service_pb2.SimulateCourseResponse]:
        del request
        yield archive_service_pb2.SimulateCourseResponse(undecided=[ELSEWHERE])
        for events in self._told:
            yield archive_service_pb2.SimulateCourseResponse(events=events)


class _Assignment:
    """Gives nobody to anybody; notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[list[str], list[str]]] = []

    async def SimulateRouting(
        self, requests: AsyncIterator[Any]
    ) -> AsyncIterator[assignment_service_pb2.SimulateRoutingResponse]:
        async for request in requests:
            archive, pool = request.archive_events, request.pool_events
            self.told.append(([each.subject for each in archive], [each.subject for each in pool]))
            yield assignment_service_pb2.SimulateRoutingResponse()


def _forecast(
    by: Hands,
    turns: Turns | None = None,
    archive: _Archive | None = None,
    assignment: _Assignment | None = None,
) -> Forecast:
    parts, archive, assignment = by.parts, archive or _Archive(), assignment or _Assignment()
    return Forecast(
        parts.custodies, parts.book, parts.engine, archive, assignment, turns  # type: ignore[arg-type] # they stand for stubs
    )  # fmt: skip


async def _all(forecast: Forecast, tenant: str = TENANT) -> list[Begun | Moment | Ended]:
    return [part async for part in forecast(Question(tenant, "", None, 20))]


async def _held(by: Hands, *customers: str) -> None:
    await by.rep("ann")
    await by.pool()
    for customer in customers:
        await by.customer(customer)
        await by.claim(customer, "ann")


async def _unreadable(by: Hands, customer: str) -> None:
    """The archive says something of a customer that no policy can read."""
    message = archive_events.CustomerFacts(customer=customer_name(customer), version=9)
    message.facts["tags"].int_value = 5
    await by._archive("customer_changed", customer, 9, message)


async def test_a_tenant_who_does_not_read_keeps_nobody_else_waiting(
    store_settings: StoreSettings,
) -> None:
    async with hands(store_settings) as by:
        forecast = _forecast(by)
        async with aclosing(forecast(Question(TENANT, "", None, 20))) as unread:
            assert isinstance(await anext(unread), Begun)
            async with asyncio.timeout(5):
                told = await _all(forecast, OTHER)
        assert isinstance(told[-1], Ended)


async def test_a_tenants_second_simulation_is_refused_after_a_wait(
    store_settings: StoreSettings,
) -> None:
    async with hands(store_settings) as by:
        forecast = _forecast(by, Turns(wait=0.05))
        async with aclosing(forecast(Question(TENANT, "", None, 20))) as first:
            await anext(first)
            with pytest.raises(Refusal, match="a simulation of this tenant is running") as refused:
                await _all(forecast)
            assert refused.value.reason is Reason.RATE_LIMIT
        assert isinstance((await _all(forecast))[-1], Ended)


async def test_more_tenants_than_a_process_bears_are_refused_after_a_wait(
    store_settings: StoreSettings,
) -> None:
    async with hands(store_settings) as by:
        forecast = _forecast(by, Turns(1, wait=0.05))
        async with aclosing(forecast(Question(TENANT, "", None, 20))) as first:
            await anext(first)
            with pytest.raises(Refusal, match="simulations of others are running"):
                await _all(forecast, OTHER)


async def test_who_does_not_read_in_time_loses_the_turn(store_settings: StoreSettings) -> None:
    async with hands(store_settings) as by:
        await _held(by, "c1", "c2")
        forecast = _forecast(by, Turns(1, patience=0.05))
        async with aclosing(forecast(Question(TENANT, "", None, 20))) as unread:
            assert isinstance(await anext(unread), Begun)
            async with asyncio.timeout(5):
                await _all(forecast, OTHER)
            assert not [name for name in by.parts.engine._tenants if "/trial-" in name]
            with pytest.raises(Refusal, match="was not read within"):
                async for _ in unread:
                    pass


async def test_what_could_not_be_decided_is_said(store_settings: StoreSettings) -> None:
    async with hands(store_settings) as by:
        await _held(by, "c1", "c2")
        await _unreadable(by, "c2")
        told = await _all(_forecast(by))
    ended = told[-1]
    assert isinstance(ended, Ended)
    assert ELSEWHERE in ended.undecided
    own = {one.policy: one for one in ended.undecided if one != ELSEWHERE}
    assert own["reclaim"].cause == "bad_facts"
    assert "tags" in own["reclaim"].message
    assert own["reclaim"].customers == 1
    assert list(own["reclaim"].examples) == [customer_name("c2")]
    assert ended.frozen == 1


async def test_where_all_is_decided_nothing_is_said(store_settings: StoreSettings) -> None:
    async with hands(store_settings) as by:
        await _held(by, "c1")
        ended = (await _all(_forecast(by)))[-1]
    assert isinstance(ended, Ended)
    assert list(ended.undecided) == [ELSEWHERE]
    assert ended.frozen == 0


async def test_a_population_names_on_whom_it_could_not_be_decided(
    store_settings: StoreSettings,
) -> None:
    async with hands(store_settings) as by:
        await _held(by, "c1", "c2", "c3")
        await _unreadable(by, "c2")
        engine = by.parts.engine
        present = engine.tenant(TENANT)
        async with (
            on_trial(engine, present, "") as before,
            on_trial(engine, present, STRICT) as trial,
        ):
            told = [one async for one in Population(by.parts.custodies)(before, trial, "en")]
    changed = [one for one in told if one.customer]
    assert [one.customer for one in changed] == [customer_name("c1"), customer_name("c3")]
    assert {(one.before.revision, one.after.revision) for one in changed} == {(0, 1)}
    last = told[-1]
    assert (last.evaluated, last.total) == (3, 3)
    for undecided in (last.undecided, last.undecided_before):
        assert [(one.policy, one.cause, one.customers) for one in undecided] == [
            ("reclaim", "bad_facts", 1)
        ]
        assert list(undecided[0].examples) == [f"{PARENT}/customers/c2"]
    assert not any(one.undecided for one in told[:-1])
    assert isinstance(last, policy_service_pb2.SimulateResponse)


def _events(at: int, *customers: str) -> list[archive_events.Event]:
    """Something happens with customers, and raises their tier."""
    made = []
    for customer in customers:
        facts = archive_events.CustomerFacts(customer=customer_name(customer), version=9, tier="a")
        for event in (
            archive_events.Event(activity_recorded=archive_events.ActivityFacts()),
            archive_events.Event(customer_changed=facts),
        ):
            event.tenant, event.subject, event.version, event.schema = PARENT, customer, 9, 1
            set_instant(event.time, at)
            made.append(event)
    return made


async def test_an_activity_is_the_cause_also_where_a_message_ends_behind_it(
    store_settings: StoreSettings,
) -> None:
    async with hands(store_settings) as by:
        await _held(by, "c1")
        now = (await by.parts.custodies.ground(TENANT)).now
        activity, facts = _events(now + DAY, "c1")
        told = await _all(_forecast(by, archive=_Archive([activity], [facts])))
    standings = [one for each in told if isinstance(each, Moment) for one in each.standings]
    assert [(one.customer, one.cause) for one in standings] == [("c1", "activity")]


async def test_all_of_archives_news_comes_before_the_first_of_pools(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pool tells of the last one alone, and assignment waits for what archive says of him."""
    monkeypatch.setattr(forecasting, "_TOLD_AT_ONCE", 2)
    assignment = _Assignment()
    names = [f"c{place}" for place in range(7)]
    async with hands(store_settings) as by:
        await _held(by, *names[:-1])
        now = (await by.parts.custodies.ground(TENANT)).now
        events = _events(now + 1, *names)
        events[-1].customer_changed.admission_pool = f"{PARENT}/pools/east"
        archive = _Archive(events)
        await _all(_forecast(by, archive=archive, assignment=assignment))
    first = next(place for place, (_, pool) in enumerate(assignment.told) if "c6" in pool)
    before = [name for archive_, _ in assignment.told[: first + 1] for name in archive_]
    assert before == names
    assert all(len(part) <= 2 for told in assignment.told for part in told)


@pytest.mark.parametrize("moments", [1, 2])
async def test_another_policy_that_comes_into_force_meanwhile_ends_it(
    store_settings: StoreSettings, moments: int
) -> None:
    async with hands(store_settings) as by:
        await _held(by, "c1", "c2")
        engine = by.parts.engine
        async with aclosing(_forecast(by)(Question(TENANT, STRICT, None, 60))) as running:
            for _ in range(moments):
                await anext(running)
            engine.activate(TENANT, 1, engine.parse(STRICT))
            with pytest.raises(Refusal, match="another revision of the policy") as refused:
                async for _ in running:
                    pass
        assert refused.value.reason is Reason.CONTENTION
        engine.forget(TENANT)
        assert isinstance((await _all(_forecast(by)))[-1], Ended)


@given(archive=st.integers(0, 30), pool=st.integers(0, 30), at_once=st.integers(1, 12))
def test_what_is_told_is_told_whole_and_in_order(archive: int, pool: int, at_once: int) -> None:
    parts: Any = list(forecasting._parts(range(archive), range(pool), at_once))  # type: ignore[arg-type]
    assert [one for facts, _ in parts for one in facts] == list(range(archive))
    assert [one for _, news in parts for one in news] == list(range(pool))
    assert all(len(part) <= at_once for told in parts for part in told)
    assert not any(news for facts, news in parts if facts and facts[-1] != archive - 1)
    assert parts, "a look at those who are parked is told of also where there is no news"
