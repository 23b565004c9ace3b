"""Whom nobody takes goes on: from his sponsor's pool to the public one, and where he belongs."""

# ruff: noqa: ANN401 - fields of many messages
from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gonghai.pool.v1 import custody_pb2, pool_pb2
from gonghai.pool.v1 import pool_service_pb2 as pb
from gonghai_chassis.errors import Refusal
from gonghai_chassis.instants import instant_of
from gonghai_chassis.leases import Leases
from gonghai_chassis.names import CustomerName, RepName
from gonghai_chassis.store import Store
from gonghai_chassis.store.failures import LeaseLost
from gonghai_chassis.testing.refusals import refused
from gonghai_engine import Policy
from gonghai_pool.alterations import AFTER, clock_at
from gonghai_pool.commands.cancel_reservation import Cancellation
from gonghai_pool.commands.claim import Claim
from gonghai_pool.commands.reserve import Reserve
from gonghai_pool.consistency import audit
from gonghai_pool.custody import Onward, Purpose, State, Way
from gonghai_pool.simulation.account import Account
from gonghai_pool.simulation.forecast import Moment, Question
from gonghai_pool.store import keys
from gonghai_pool.store.custodies import MOVE_ON

from .hands import Hands, hands, order
from .sea import DAY, HOUR, MINUTE, PARENT, START, TENANT, Sea, at, customer_name, pool_name, sea
from .sea_plugin import sea_engine
from .test_forecast import _forecast
from .test_law import day, midnight
from .test_quarantine import Stumbling, retry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_chassis.store import Partition, Reply, Script, StoreSettings
    from gonghai_engine import Decision, DecisionFailure, DecisionRequest

MOVED = custody_pb2.CUSTODY_CHANGE_MOVED
IN_POOL = custody_pb2.CUSTODY_STATE_IN_POOL
STAGES: dict[str, Any] = {
    "admission_pool": pool_name("east"),
    "admission_rule": "sponsor-first",
    "admission_reason": "its sponsor comes first",
    "admission_then": pool_name("open"),
    "admission_after_days": 7,
}
"""The sponsor's pool first, then, after a week, the public one."""
OVER = at(2060, 3, 10)
"""The midnight at which a customer has been in his pool for a week who entered it at START."""


async def staffed(world: Sea) -> None:
    """Sponsor east with its rep wang, and the public pool with the house's rep hua."""
    await world.staffed("wang")
    await world.team("house")
    await world.rep("hua", team=f"{PARENT}/teams/house")
    house = [pool_pb2.PoolMember(team=f"{PARENT}/teams/house")]
    for pool in ("open", "west"):
        await world.pool(pool, members=house)


async def listed(world: Sea, rep: str, pool: str) -> list[str]:
    """Whom a rep sees in a pool."""
    request = pb.ListPoolCustomersRequest(parent=pool_name(pool))
    answer = await world.rep_stub(rep).ListPoolCustomers(request)
    return [one.customer.rpartition("/")[2] for one in answer.custodies]


@pytest.mark.requirement("B1", "B7", "D3")
async def test_whom_the_sponsor_does_not_take_goes_to_the_public_pool(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await staffed(world)
        entered = await world.customer("c1", **STAGES)
        assert entered.pool == pool_name("east")
        assert entered.next_pool == pool_name("open")
        assert instant_of(entered.next_pool_time) == OVER
        assert await listed(world, "wang", "east") == ["c1"]
        # Who may not see owners is not told of a pool that may not be his.
        seen = await world.rep_stub("wang").GetCustody(
            pb.GetCustodyRequest(name=f"{customer_name('c1')}/custody")
        )
        assert (seen.pool, seen.next_pool) == (pool_name("east"), "")
        assert not seen.HasField("next_pool_time")
        assert (await refused(world.claim("c1", "hua"))).reason == "NOT_POOL_MEMBER"
        explained = await world.stub.ExplainCustody(
            pb.ExplainCustodyRequest(customer=customer_name("c1"))
        )
        assert "goes on to open on 2060-03-10" in explained.reclaim_summary

        await world.move_to(OVER - MINUTE)
        assert (await world.custody("c1")).pool == pool_name("east")
        await world.move_to(OVER + HOUR)
        custody = await world.custody("c1")
        assert (custody.pool, custody.next_pool) == (pool_name("open"), "")
        assert instant_of(custody.pool_enter_time) == OVER + AFTER
        assert instant_of(custody.since) == START
        last = (await world.history("c1"))[-1]
        assert (last.change, last.rule) == (MOVED, "sponsor-first")
        assert last.reason == "after 7 days in east: its sponsor comes first"
        assert last.actor.principal == "system:pool"
        assert await listed(world, "wang", "east") == []
        assert await listed(world, "hua", "open") == ["c1"]

        # He has gone on: he does not come back when the first pool is given more time.
        await world.customer("c1", **{**STAGES, "admission_after_days": 30})
        assert (await world.custody("c1")).pool == pool_name("open")
        await world.claim("c1", "hua")
        assert await audit(world.parts.store) == []


async def test_who_is_taken_does_not_go_on_and_who_comes_back_begins_anew(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await staffed(world)
        await world.customer("c1", tags=["forever"], **STAGES)
        await world.pass_days(5)
        held = await world.claim("c1")
        assert (held.next_pool, held.HasField("next_pool_time")) == ("", False)
        await world.pass_days(10)
        await world.release("c1")
        custody = await world.custody("c1")
        assert custody.pool == pool_name("east")
        assert instant_of(custody.next_pool_time) == at(2060, 3, 25)
        await world.move_to(at(2060, 3, 25) + HOUR)
        assert (await world.custody("c1")).pool == pool_name("open")


async def test_a_move_begins_no_embargo_and_days_in_the_pool_count_anew(
    store_settings: StoreSettings,
) -> None:
    """The embargo is about having no owner; the limits of the pool that he is in count."""
    async with sea(store_settings) as world:
        await staffed(world)
        stages = {**STAGES, "admission_after_days": 1}
        custody = await world.customer("c1", tags=["slow"], **stages)
        assert instant_of(custody.embargo_time) == START + 48 * HOUR
        await world.move_to(START + 47 * HOUR)
        custody = await world.custody("c1")
        assert custody.pool == pool_name("open")
        assert instant_of(custody.embargo_time) == START + 48 * HOUR
        assert (await refused(world.claim("c1", "hua"))).reason == "EMBARGO"
        await world.move_to(START + 48 * HOUR)
        await world.claim("c1", "hua")


async def test_it_waits_until_the_archive_is_heard_out(store_settings: StoreSettings) -> None:
    """What the archive decided before that midnight counts, however late it is told."""
    async with sea(store_settings) as world:
        await staffed(world)
        for customer in ("c1", "c2"):
            await world.customer(customer, **STAGES)
        await world.move_to(OVER + HOUR, promise=False)
        assert (await world.custody("c1")).pool == pool_name("east")
        explained = await world.stub.ExplainCustody(
            pb.ExplainCustodyRequest(customer=customer_name("c1"))
        )
        assert "the archive" in explained.waits_for
        await world.customer("c1", **{**STAGES, "admission_pool": pool_name("west")})
        world.archive.promise(world.now)
        await world.quiet()
        heir, other = [await world.custody(customer) for customer in ("c1", "c2")]
        assert (heir.pool, other.pool) == (pool_name("west"), pool_name("open"))
        # The heir has its whole week.
        assert instant_of(heir.next_pool_time) == at(2060, 3, 17)


@pytest.mark.requirement("D3")
async def test_who_gets_another_sponsor_goes_to_its_pool_from_wherever_he_is(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await staffed(world)
        await world.customer("c1", **STAGES)
        await world.move_to(OVER + HOUR)
        heirs = {**STAGES, "admission_pool": pool_name("west"), "admission_rule": "heir"}
        custody = await world.customer("c1", **heirs)
        assert custody.pool == pool_name("west")
        assert instant_of(custody.pool_enter_time) == world.now
        assert instant_of(custody.next_pool_time) == at(2060, 3, 17)
        last = (await world.history("c1"))[-1]
        assert (last.change, last.rule, last.reason) == (MOVED, "heir", "its sponsor comes first")
        # The public pool is another one by now: who has gone on goes there, who has not does not.
        await world.move_to(at(2060, 3, 17) + HOUR)
        east = {**heirs, "admission_then": pool_name("east")}
        assert (await world.customer("c1", **east)).pool == pool_name("east")
        first = await world.customer("c2", **heirs)
        assert (await world.customer("c2", **east)).version == first.version + 1
        assert (await world.history("c2"))[-1].change == custody_pb2.CUSTODY_CHANGE_RESCHEDULED
        # And when none is to follow any more, he belongs to the first.
        alone = {**heirs, "admission_then": "", "admission_after_days": 0}
        assert (await world.customer("c1", **alone)).pool == pool_name("west")
        assert not (await world.customer("c2", **alone)).HasField("next_pool_time")
        assert await audit(world.parts.store) == []


async def test_where_a_pool_is_missing_the_fallback_takes_him_until_it_is_made(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed("wang")
        stays = await world.customer("c1", **STAGES)
        assert not stays.next_pool
        await world.pool("rest", fallback=True)
        custody = await world.custody("c1")
        assert custody.next_pool == pool_name("rest")
        await world.move_to(OVER + HOUR)
        assert (await world.custody("c1")).pool == pool_name("rest")
        await world.pool("open")
        await world.move_to(world.now + MINUTE)
        assert (await world.custody("c1")).pool == pool_name("open")
        # Where the heir's pool is made after he was named.
        await world.customer("c1", **{**STAGES, "admission_pool": pool_name("late")})
        assert (await world.custody("c1")).pool == pool_name("rest")
        await world.pool("late")
        await world.move_to(world.now + MINUTE)
        assert (await world.custody("c1")).pool == pool_name("late")
        assert await audit(world.parts.store) == []


async def test_whoever_the_fallback_stands_for_goes_on_however_he_came_there(
    store_settings: StoreSettings,
) -> None:
    async with sea(store_settings) as world:
        await world.staffed("wang")
        await world.pool("rest", fallback=True)
        for customer in ("c1", "c2"):
            await world.customer(customer, **STAGES)
            await world.claim(customer)
        missing = {**STAGES, "admission_pool": pool_name("late")}
        await world.customer("c1", **missing)
        assert (await world.release("c1")).pool == pool_name("rest")
        assert (await world.release("c2", pool=pool_name("rest"))).pool == pool_name("rest")
        await world.pool("late")
        await world.move_to(world.now + MINUTE)
        assert (await world.custody("c1")).pool == pool_name("late")
        assert (await world.custody("c2")).pool == pool_name("rest")
        assert await audit(world.parts.store) == []


async def test_where_he_was_put_by_hand_he_stays(store_settings: StoreSettings) -> None:
    async with sea(store_settings) as world:
        await staffed(world)
        await world.pool("hand")
        await world.customer("c1", **STAGES)
        await world.claim("c1")
        put = await world.release("c1", pool=pool_name("hand"))
        assert (put.pool, put.next_pool) == (pool_name("hand"), "")
        assert (await world.customer("c1", tier="A", **STAGES)).pool == pool_name("hand")


async def test_who_is_kept_for_an_offer_goes_on_when_it_has_ended(
    store_settings: StoreSettings,
) -> None:
    async with hands(store_settings) as world:
        await _pools(world)
        for customer in ("c1", "c2"):
            await world.customer(customer, tags=("forever",), **STAGES)
        await world.at(OVER - MINUTE)
        tokens = {}
        for customer in ("c1", "c2"):
            kept = await world.parts.commands.reserve(
                Reserve(CustomerName(TENANT, customer), RepName(TENANT, "wang"), Purpose.OFFER),
                order(f"reserve {customer}"),
            )
            assert kept.custody.reservation is not None
            tokens[customer] = kept.custody.reservation.token
        # Another sponsor for one, and time for the other: neither is pulled from under the offer.
        await world.customer("c2", **{**STAGES, "admission_pool": pool_name("west")})
        await world.at(OVER + MINUTE)
        await world.sweep()
        for customer in ("c1", "c2"):
            custody = await world.custody(customer)
            assert (custody.state, custody.pool) == (State.RESERVED, "east")
            assert custody.onward is not None
            cancel = Cancellation(CustomerName(TENANT, customer), tokens[customer])
            await world.parts.commands.cancel_reservation(cancel, order(f"cancel {customer}"))
            custody = await world.custody(customer)
            assert custody.onward is not None
            assert custody.onward.at == world.now
        await world.at(world.now + MINUTE)
        await world.sweep()
        assert [(await world.custody(each)).pool for each in ("c1", "c2")] == ["open", "west"]
        assert (await world.custody("c2")).freed == START
        assert await audit(world.store) == []


async def test_who_is_locked_or_disputed_stays(store_settings: StoreSettings) -> None:
    async with hands(store_settings) as world:
        await _pools(world)
        await world.customer("c1", **STAGES)
        custody = await world.custody("c1")
    assert clock_at(custody) == OVER + AFTER
    assert clock_at(replace(custody, locked=True)) is None
    assert clock_at(replace(custody, disputed=True)) is None


class _InTheWest(Stumbling):
    """Stumbles over who would come into the pool in the west, and over nothing else."""

    async def decide(self, requests: Sequence[DecisionRequest]) -> list[Decision | DecisionFailure]:
        if any(request.facts.get("pool") == "west" for request in requests):
            return await super().decide(requests)
        return await self._engine.decide(requests)


async def test_whose_event_is_in_quarantine_stays_until_it_is_taken_in(
    store_settings: StoreSettings,
) -> None:
    stumbling = _InTheWest(sea_engine(), Policy.CLAIM)
    async with sea(store_settings, decider=stumbling) as world:
        await staffed(world)
        for customer in ("c1", "c2"):
            await world.customer(customer, **STAGES)
        await world.pool("rest", fallback=True)
        await world.customer("c3", **{**STAGES, "admission_pool": pool_name("late")})
        stumbling.customers |= {"c1", "c3"}
        heirs = {**STAGES, "admission_pool": pool_name("west")}
        world.tell_customer("c1", **heirs)
        world.tell_customer("c3", **heirs)
        await world.taken_in()
        # The pool that the fallback stood for is made: also then nobody goes whose event waits.
        await world.pool("late")
        await world.move_to(world.now + MINUTE)
        assert (await world.custody("c3")).pool == pool_name("rest")
        await world.move_to(OVER + HOUR)
        assert (await world.custody("c2")).pool == pool_name("open")
        assert (await world.custody("c1")).pool == pool_name("east")
        stumbling.customers.clear()
        for customer in ("c1", "c3"):
            await retry(world, customer)
            await world.quiet()
            assert (await world.custody(customer)).pool == pool_name("west")
        await world.move_to(world.now + 2 * HOUR)
        assert await audit(world.parts.store) == []


async def test_a_policy_that_gives_less_time_moves_many_in_bounded_steps(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hands(store_settings) as world:
        await _pools(world)
        many = [f"c{number:03}" for number in range(120)]
        for customer in many:
            await world.customer(customer, **STAGES)
        await world.at(START + 3 * DAY)
        less = {**STAGES, "admission_after_days": 2}
        for customer in many:
            await world.customer(customer, **less)
        sizes = []
        sweep = type(world.parts.custodies).sweep

        async def counted(
            self: Any, script: Any, lease: Any, ground: Any, alterations: Sequence[Any]
        ) -> list[str]:
            sizes.append((script, len(alterations)))
            return await sweep(self, script, lease, ground, alterations)

        monkeypatch.setattr(type(world.parts.custodies), "sweep", counted)
        await world.sweep()
        assert [size for script, size in sizes if script is MOVE_ON] == [50, 50, 20]
        assert {(await world.custody(each)).pool for each in many} == {"open"}
        sizes.clear()
        await world.sweep()
        assert sizes == []
        assert await audit(world.store) == []


async def test_a_move_waits_for_the_watermark_inside_its_step(
    store_settings: StoreSettings,
) -> None:
    """Even where the sweeper believed that the archive was heard out."""
    async with hands(store_settings) as world:
        await _pools(world)
        await world.customer("c1", **STAGES)
        await world.promise(OVER)
        await world.at(OVER + AFTER, promise=False)
        await world.clocks.work(TENANT, ["c1"])
        assert (await world.custody("c1")).pool == "east"
        await world.promise(OVER + 1)
        await world.clocks.work(TENANT, ["c1"])
        assert (await world.custody("c1")).pool == "open"


@pytest.mark.requirement("B4")
@pytest.mark.parametrize("first", ["claim", "move_on"])
async def test_of_a_claim_and_a_move_the_first_has_its_way_and_the_other_decides_anew(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    """Each is let in between the decision of the other and its step."""
    async with hands(store_settings) as world:
        await _pools(world)
        await world.customer("c1", tags=("forever",), **STAGES)
        await world.at(OVER + AFTER)

        async def claim() -> str:
            seen = Claim(CustomerName(TENANT, "c1"), RepName(TENANT, "wang"), pool="east")
            try:
                await world.parts.commands.claim(seen, order())
            except Refusal as refusal:
                return refusal.reason
            return "claimed"

        between = {"claim": claim, "move_on": world.sweep}
        late, early = ("move_on", "claim") if first == "claim" else ("claim", "move_on")
        answers: list[str | None] = []
        living = Store.run

        async def run(store: Store, script: Script, partition: Partition, **given: Any) -> Reply:
            if script.name.endswith(f".{late}") and not answers:
                answers.append(None)
                answers.append(await between[early]())
            return await living(store, script, partition, **given)

        monkeypatch.setattr(Store, "run", run)
        answers.append(await between[late]())
        custody = await world.custody("c1")
        if first == "claim":
            assert answers[1] == "claimed"
            assert (custody.state, custody.pool, custody.version) == (State.HELD, "east", 2)
            assert custody.onward is None
        else:
            assert answers[2] == "CUSTOMER_NOT_IN_POOL"
            assert (custody.state, custody.pool, custody.version) == (State.IN_POOL, "open", 2)
        assert await audit(world.store) == []


async def test_a_sweeper_that_lost_its_lease_moves_nobody_and_the_next_one_does_once(
    store_settings: StoreSettings,
) -> None:
    async with hands(store_settings) as world:
        await _pools(world)
        await world.customer("c1", **STAGES)
        await world.at(OVER + AFTER)
        due = await world.due(keys.CLOCK)
        await world.leases.release([world.lease])
        other = Leases(world.store, ttl=600.0)
        await other.acquire(other.share)
        with pytest.raises(LeaseLost):
            await world.clocks.handle(due, world.now)
        assert (await world.custody("c1")).pool == "east"
        world.lease = other.held[world.lease.partition.index]
        for _ in range(2):
            await world.clocks.handle(due, world.now)
        custody = await world.custody("c1")
        assert (custody.pool, custody.version, custody.way) == ("open", 2, Way.WENT_ON)
        assert await audit(world.store) == []


@pytest.mark.requirement("B11")
async def test_a_forecast_has_the_moves_that_come(store_settings: StoreSettings) -> None:
    async with hands(store_settings) as world:
        await _pools(world)
        for customer, days in (("c1", 7), ("c2", 9), ("c3", 30)):
            await world.customer(customer, **{**STAGES, "admission_after_days": days})
        account = Account(TENANT, sea_engine().tenant(TENANT).calendar, 0)
        foreseen = []
        async for part in _forecast(world)(Question(TENANT, "", None, 20)):
            for change in part.changes if isinstance(part, Moment) else ():
                entry = change.alteration.entry()
                account.count(entry)
                foreseen.append((change.alteration.after.customer, entry))
        summary = account.summary(shortened=False)
        assert summary.moved == 2
        assert {day.key: day.moved for day in summary.days} == {"2060-03-10": 1, "2060-03-12": 1}
        await world.pass_to(START + 20 * DAY)
        for customer, entry in foreseen:
            (latest, *_), _ = await world.parts.custodies.history(
                TENANT, customer, below=None, limit=1
            )
            assert latest == entry
        assert (await world.custody("c3")).pool == "east"


async def _pools(world: Hands) -> None:
    await world.team("sales")
    await world.rep("wang")
    for pool in ("east", "west", "open"):
        await world.pool(pool)


# The law.

customers = st.sampled_from(("c1", "c2"))
firsts = st.sampled_from(("east", "west"))
thens = st.sampled_from(("", "open", "west"))
operations = st.one_of(
    st.tuples(st.just("tell"), customers, st.tuples(firsts, thens, st.integers(1, 4))),
    st.tuples(st.just("claim"), customers, st.none()),
    st.tuples(st.just("release"), customers, st.none()),
    st.tuples(st.just("pass"), st.just(""), st.integers(1, 60)),
)


@dataclass
class Known:
    """What the model knows of one customer."""

    first: str = "east"
    then: str = ""
    days: int = 0
    pool: str = "east"
    entered: int = START
    held: bool = False
    went_on: bool = False

    @property
    def next(self) -> Onward | None:
        """Where he goes next, as a person would tell it."""
        there = self.held or self.went_on or self.pool != self.first
        if there or self.then in {"", self.pool}:
            return None
        return Onward(self.then, midnight(day(self.entered) + self.days))

    def enter(self, pool: str, now: int, *, went_on: bool = False) -> None:
        """Come into a pool."""
        self.pool, self.entered, self.held, self.went_on = pool, now, False, went_on

    def told(self, first: str, then: str, days: int, now: int) -> None:
        """The policy says something else, or the same."""
        another = first != self.first
        self.first, self.then, self.days = first, then, days
        if self.held:
            return
        if another and self.pool != first:
            self.enter(first, now)
        elif another:
            self.went_on = False
        elif self.went_on and self.pool != (then or first):
            self.enter(then or first, now, went_on=bool(then))
        self.pass_to(now)

    def pass_to(self, now: int) -> None:
        """Let time pass."""
        onward = self.next
        if onward is not None and onward.at + AFTER <= now:
            self.enter(onward.pool, max(onward.at, self.entered), went_on=True)


async def story(store: StoreSettings, told: list[tuple[str, str, Any]]) -> None:
    """Live a story, and compare after each sentence."""
    async with hands(store) as world:
        await _pools(world)
        known = {name: Known() for name in ("c1", "c2")}
        for name in known:
            await world.customer(name, tags=("forever",))
        for verb, subject, what in told:
            await _step(world, known, verb, subject, what)
            await world.sweep()
            for name, one in known.items():
                custody = await world.custody(name)
                assert (custody.state is State.HELD) is one.held, (verb, subject, what)
                if not one.held:
                    assert (custody.pool, custody.onward) == (one.pool, one.next), (verb, what)
        assert await audit(world.store) == []


async def _step(world: Hands, known: dict[str, Known], verb: str, subject: str, what: Any) -> None:
    if verb == "pass":
        until = world.now + what * HOUR
        await world.pass_to(until)
        for each in known.values():
            each.pass_to(until)
        return
    one = known[subject]
    if verb == "tell":
        first, then, days = what
        await world.customer(
            subject,
            tags=("forever",),
            admission_pool=pool_name(first),
            admission_rule="rule",
            admission_then=pool_name(then) if then else "",
            admission_after_days=days if then else 0,
        )
        # Time alone is seen to by the sweep, a moment later.
        one.told(first, then, days if then else 0, world.now)
    elif verb == "claim" and not one.held:
        await world.claim(subject, "wang")
        one.held = True
    elif verb == "release" and one.held:
        await world.release(subject)
        one.enter(one.first, world.now)


@pytest.mark.requirement("B1", "D3")
@pytest.mark.timeout(200)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(told=st.lists(operations, min_size=5, max_size=25))
def test_he_is_always_where_the_policy_says_for_so_long(
    store_settings: StoreSettings, told: list[tuple[str, str, Any]]
) -> None:
    with redis.Redis.from_url(store_settings.url) as client:
        client.flushall()
    asyncio.run(story(store_settings, told))
