"""Any story of claims, assignments, transfers, releases and time, against a simple model of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gonghai_chassis.errors import Reason, Refusal
from gonghai_pool.consistency import audit
from gonghai_pool.custody import Holder, State
from gonghai_pool.pools import ClaimLimits, Limits

from .hands import Hands, hands, order
from .sea import HOUR, START, TENANT

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings

CUSTOMERS = ("c1", "c2", "c3")
REPS = ("wang", "zhao")
PER_DAY, HOLDING, COOL_DOWN, FOLLOW_UP = 2, 2, 2, 10
SHANGHAI = timedelta(hours=8)

REASONS = {
    "",
    Reason.CUSTOMER_NOT_IN_POOL,
    Reason.CUSTOMER_NOT_HELD,
    Reason.WRONG_STATE,
    Reason.COOL_DOWN,
    Reason.CLAIM_LIMIT,
    Reason.HOLDING_LIMIT,
}

customers = st.sampled_from(CUSTOMERS)
reps = st.sampled_from(REPS)
operations = st.one_of(
    st.tuples(st.just("claim"), customers, reps),
    st.tuples(st.just("assign"), customers, reps),
    st.tuples(st.just("transfer"), customers, reps),
    st.tuples(st.just("release"), customers, st.none()),
    st.tuples(st.just("follow_up"), customers, st.integers(0, 72)),
    st.tuples(st.just("pass"), st.none(), st.integers(1, 24 * 6)),
)


def day(instant: int) -> int:
    """The number of the local day: found without the engine's calendar."""
    local = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant) + SHANGHAI
    return local.toordinal()


def midnight(number: int) -> int:
    """The instant at which a local day begins."""
    local = datetime.fromordinal(number).replace(tzinfo=UTC) - SHANGHAI
    return int(local.timestamp()) * 1_000_000


@dataclass
class Known:
    """What the model knows of one customer."""

    holder: str = ""
    since: int = 0
    follow_ups: list[int] = field(default_factory=list)
    lost: dict[str, int] = field(default_factory=dict)

    @property
    def due(self) -> int:
        """The midnight that ends the tenth day after the last follow-up, or after it was taken."""
        return midnight(day(max([self.since, *self.follow_ups])) + FOLLOW_UP + 1)


@dataclass
class Model:
    """The rules, as a person would tell them."""

    now: int = START
    known: dict[str, Known] = field(default_factory=lambda: {one: Known() for one in CUSTOMERS})
    claims: list[tuple[str, int]] = field(default_factory=list)

    def may(self, verb: str, customer: str, rep: str) -> bool:
        """Whether a verb succeeds."""
        known = self.known[customer]
        if verb == "release":
            return bool(known.holder)
        room = sum(one.holder == rep for one in self.known.values()) < HOLDING
        if verb == "transfer":
            return bool(known.holder) and known.holder != rep and room
        if known.holder:
            return False
        if verb == "assign":
            return room
        lost = known.lost.get(rep)
        cool = lost is None or self.now >= midnight(day(lost) + COOL_DOWN + 1)
        today = sum(who == rep and day(when) == day(self.now) for who, when in self.claims)
        return room and cool and today < PER_DAY

    def do(self, verb: str, customer: str, rep: str) -> None:
        """Let it happen."""
        known = self.known[customer]
        if known.holder:
            known.lost[known.holder] = self.now
        known.holder = "" if verb == "release" else rep
        known.since, known.follow_ups = self.now, []
        if verb == "claim":
            self.claims.append((rep, self.now))

    def follow_up(self, customer: str, when: int) -> None:
        """Something happened, perhaps some time ago."""
        known = self.known[customer]
        if known.holder and when >= known.since:
            known.follow_ups.append(when)

    def pass_to(self, until: int) -> None:
        """Let time pass; what is neglected goes back at the midnight at which it is due."""
        for known in self.known.values():
            if known.holder and known.due < until:
                known.lost[known.holder] = known.due
                known.holder, known.follow_ups = "", []
        self.now = until


async def story(store: StoreSettings, told: list[tuple[str, str | None, object]]) -> None:
    """Live a story, and compare after each sentence."""
    async with hands(store) as world:
        await world.team("sales")
        for rep in REPS:
            await world.rep(rep)
        await world.pool("east")
        limits = Limits(
            holding_limit=HOLDING,
            claim_limits=ClaimLimits(per_day=PER_DAY, cool_down_days=COOL_DOWN),
        )
        await world.parts.commands.limits.update(TENANT, lambda _: limits, order())
        for customer in CUSTOMERS:
            await world.customer(customer)
        await world.sweep()
        model = Model()
        for verb, subject, what in told:
            await step(world, model, verb, subject or "", what)
            for name, known in model.known.items():
                custody = await world.custody(name)
                expected = Holder.rep(known.holder) if known.holder else None
                assert custody.holder == expected, (verb, subject, what)
                assert custody.state is (State.HELD if known.holder else State.IN_POOL)
                if known.holder:
                    assert custody.plan is not None
                    assert custody.plan.due_at == known.due
        assert await audit(world.store) == []


async def step(world: Hands, model: Model, verb: str, customer: str, what: object) -> None:
    """One sentence of the story."""
    if verb == "pass":
        assert isinstance(what, int)
        until = model.now + what * HOUR
        await world.pass_to(until)
        model.pass_to(until)
        return
    if verb == "follow_up":
        assert isinstance(what, int)
        when = model.now - what * HOUR
        await world.activity(customer, when=when)
        model.follow_up(customer, when)
        await world.sweep()
        return
    rep = str(what or "")
    may = model.may(verb, customer, rep)
    call = world.release(customer) if verb == "release" else getattr(world, verb)(customer, rep)
    refused = ""
    try:
        await call
    except Refusal as refusal:
        refused = refusal.reason
    assert bool(refused) is not may, (verb, customer, rep, refused)
    assert refused in REASONS
    if may:
        model.do(verb, customer, rep)


@pytest.mark.requirement("B2", "B3", "B7")
@pytest.mark.timeout(300)
@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(told=st.lists(operations, min_size=10, max_size=40))
def test_every_story_goes_as_the_rules_say(
    store_settings: StoreSettings, told: list[tuple[str, str | None, object]]
) -> None:
    with redis.Redis.from_url(store_settings.url) as client:
        client.flushall()
    asyncio.run(story(store_settings, told))
