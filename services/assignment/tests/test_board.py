"""The board of a simulation takes the steps that the scripts take: compared on random stories."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gonghai_assignment.customers import Custody, CustodyState, CustomerFacts, Outcome, Routing
from gonghai_assignment.simulation.board import Board, BoardProjections, BoardRoutings, BoardStaff
from gonghai_assignment.store.projections import ProjectionStore
from gonghai_assignment.store.routing import Assignment, RoutingStore, Turns, Versions
from gonghai_assignment.store.staff import StaffStore
from gonghai_chassis.events import Cursor, Step
from gonghai_chassis.store import Store
from gonghai_chassis.testing.plugin import flush

from .test_store import policy_key

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings

TENANT = "acme"
REPS = ("a", "b")
CUSTOMERS = ("c1", "c2")

LEFT = "left in the pool"
"""Not a rep: the policy leaves it to whoever claims it."""

STEP = st.one_of(
    st.tuples(
        st.just("custody"),
        st.sampled_from(CUSTOMERS),
        st.sampled_from(["pool", "pool", "pool", "a", "a", "b", "out", "locked", "as it was"]),
        st.sampled_from([500, 1500]),
    ),
    st.tuples(st.just("facts"), st.sampled_from(CUSTOMERS), st.sampled_from(["", "g1", "g2"])),
    st.tuples(
        st.just("choose"),
        st.sampled_from(CUSTOMERS),
        st.sampled_from(["a", "a", "b", "", "", LEFT]),
    ),
    st.tuples(
        st.just("answer"),
        st.sampled_from(CUSTOMERS),
        st.sampled_from(["agreed", "refused", "other rep", "full", "full"]),
    ),
    st.tuples(st.just("retried"), st.booleans()),
    st.tuples(st.just("forget full")),
)


@dataclass
class Side:
    """One of the two that are compared: the store, or the board."""

    staff: StaffStore
    routings: RoutingStore
    projections: ProjectionStore
    calls: dict[str, tuple[int, str]] = field(default_factory=dict)

    async def take_custody(self, step: Step, customer: str, custody: Custody) -> Any:  # noqa: ANN401
        return await self.projections.take_custody(step, TENANT, customer, custody)

    async def choose(self, customer: str, rep: str) -> Any:  # noqa: ANN401
        entry = await self.routings.entry(TENANT, customer)
        if entry.custody is None:
            return None
        roster = await self.staff.roster(TENANT)
        versions = Versions(
            entry.custody.term, entry.facts.version, roster.version, roster.loads_version, 0, None
        )
        routing = Routing(
            term=entry.custody.term,
            outcome=Outcome.PENDING if rep else Outcome.PARKED,
            rep=rep or None,
            weight=700,
            intent=f"{customer}-{entry.custody.term}-{rep}" if rep else "",
            reason="" if rep else "nobody",
            tried=entry.routing.tried if entry.routing is not None else (),
            detail=b"x",
        )
        if rep == LEFT:
            routed = await self.routings.route(entry, versions, None)
            return routed.status, routed.loads
        called = Assignment(routing.intent, b"call", Turns(1, 2)) if rep else None
        routed = await self.routings.route(
            entry, versions, routing, assignment=called, retry_at=None if rep else 2**50
        )
        if routed.status == "ok" and rep:
            self.calls[customer] = (routed.seq, routing.intent)
        return routed.status, routed.loads

    async def answer(self, customer: str, what: str) -> Any:  # noqa: ANN401
        call = self.calls.get(customer)
        if call is None:
            return None
        settled = await self.routings.settle(
            TENANT,
            customer,
            call,
            assigned_term=99 if what == "agreed" else None,
            again=what in {"other rep", "full"},
            full=what == "full",
            reason=what,
        )
        return settled.rep, settled.loads, settled.full

    async def retried(self, *, stale: bool) -> bool:
        roster = await self.staff.roster(TENANT)
        loads = roster.loads_version - stale
        return await self.routings.finish_retry(
            TENANT, roster=roster.version, loads=loads, next_at=None
        )

    async def state(self, store: Store) -> Any:  # noqa: ANN401
        """All that the next choice rests on."""
        roster = await self.staff.roster(TENANT)
        entries = await self.routings.entries(TENANT, CUSTOMERS)
        return (
            {rep: load for rep, load in roster.loads.items() if any(vars_of(load))},
            roster.loads_version,
            roster.full,
            roster.turns,
            roster.turn_clock,
            [customer for customer, _ in await self.routings.parked(TENANT, None, 10)],
            await self.routings.queued(store.partition(TENANT), 10),
            [
                (
                    entry.custody,
                    entry.facts,
                    entry.group_owner,
                    None
                    if entry.routing is None
                    else replace(entry.routing, seq=0, at=0, since=0, detail=b"", intent=""),
                )
                for entry in entries
            ],
        )


def vars_of(load: Any) -> tuple[int, ...]:  # noqa: ANN401
    return load.confirmed, load.holdings, load.pending, load.coming


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(story=st.lists(STEP, min_size=20, max_size=60))
async def test_the_board_does_what_the_scripts_do(
    story: list[tuple[Any, ...]], store_settings: StoreSettings
) -> None:
    flush(store_settings.url)
    store = await Store.open(store_settings, area="assignment")
    try:
        await _told(store, story)
    finally:
        await store.close()


async def _told(store: Store, story: list[tuple[Any, ...]]) -> None:
    """Let both go through a story, and compare them after each step."""
    partition = store.partition(TENANT)
    staff, routings = StaffStore(store, policy_key), RoutingStore(store, policy_key)
    living = Side(staff, routings, ProjectionStore(store))
    board = await Board.read(TENANT, 1, staff, routings)
    scratch = BoardRoutings(board, routings)
    simulated = Side(BoardStaff(board), scratch, BoardProjections(board, scratch))
    await scratch.entries(TENANT, CUSTOMERS)  # from here on they go their own ways
    truth = {each: Custody(version=0, state=CustodyState.OUT) for each in CUSTOMERS}
    heard = {"pool": 0, "archive": 0}

    def step(source: str) -> Step:
        place = heard[source]
        heard[source] += 1
        before = Cursor("life", place, "n") if place else Cursor.START
        return Step(partition, source, before, Cursor("life", place + 1, "n"))

    for action, *given_ in story:
        if action == "custody":
            customer, where, weight = given_
            truth[customer] = after = _moved(truth[customer], where, weight)
            at = step("pool")
            results = [await side.take_custody(at, customer, after) for side in (living, simulated)]
        elif action == "facts":
            customer, group = given_
            at = step("archive")
            facts = CustomerFacts(version=heard["archive"], group=group)
            results = [
                await side.projections.take_facts(at, TENANT, customer, facts)
                for side in (living, simulated)
            ]
        elif action == "choose":
            results = [await side.choose(*given_) for side in (living, simulated)]
        elif action == "answer":
            results = [await side.answer(*given_) for side in (living, simulated)]
        elif action == "retried":
            results = [await side.retried(stale=given_[0]) for side in (living, simulated)]
        else:
            for side in (living, simulated):
                await side.projections.forget_full(partition, TENANT)
            results = [None, None]
        assert results[0] == results[1], action
        assert await living.state(store) == await simulated.state(store), action


def _moved(before: Custody, where: str, weight: int) -> Custody:
    if where == "as it was":
        return replace(before, version=before.version + 1, weight=weight)
    held = where in REPS
    state = CustodyState.HELD if held else CustodyState.OUT
    if where in {"pool", "locked"}:
        state = CustodyState.POOL
    return replace(
        before,
        version=before.version + 1,
        term=before.term + 1,
        state=state,
        rep=where if held else None,
        weight=weight if held else 0,
        blocked=where == "locked",
    )
