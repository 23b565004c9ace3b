"""What is known of a tenant's customers and loads as a simulation goes on, in memory.

The stores here stand for the living ones: they take the same steps on the same records, which they
read from the living store the first time that they are asked for, and never write back.
"""

# ruff: noqa: ARG002, PLR0913 - the methods are those of the living stores
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gonghai_assignment.customers import Custody, CustodyState, CustomerFacts, Entry, Outcome
from gonghai_assignment.reps import NO_LOAD, Load
from gonghai_assignment.store.projections import CustodyTaken, ProjectionStore
from gonghai_assignment.store.routing import LoadsChange, Routed, RoutingStore, Settled
from gonghai_assignment.store.staff import RosterRecords, StaffStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_assignment.customers import Routing
    from gonghai_assignment.store.routing import Assignment, Versions
    from gonghai_chassis.events import Step
    from gonghai_chassis.store import Partition

_NOTHING = Custody(version=0, state=CustodyState.OUT)
_PAGE = 200


@dataclass(slots=True)
class Shifts:
    """Differences of loads that one step makes."""

    by_rep: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)

    def add(
        self, rep: str, confirmed: int = 0, holdings: int = 0, pending: int = 0, coming: int = 0
    ) -> None:
        """Note a difference."""
        before = self.by_rep.get(rep, (0, 0, 0, 0))
        by = (confirmed, holdings, pending, coming)
        self.by_rep[rep] = (
            before[0] + by[0], before[1] + by[1], before[2] + by[2], before[3] + by[3],
        )  # fmt: skip

    @property
    def falls(self) -> bool:
        """Whether somebody is to look after less than before."""
        return any(shift[0] + shift[2] < 0 for shift in self.by_rep.values())


@dataclass(slots=True)
class Board:
    """The state of a tenant in a simulation.

    Attributes:
        now: the moment that it stands at (µs).
        entries: of each customer asked for so far what routing rests on.
        counting: customers whose routing counts among what is on its way to a rep.
        groups: how many customers of a group each rep holds more than the entry said at first.
        parked: customers for whom nobody was eligible, each with its place in the order.
        queue: customers to be routed, in order.
        retry_at: when to look at parked ones again; None while time alone changes nothing.
    """

    tenant: str
    now: int
    roster: RosterRecords
    loads: dict[str, Load]
    loads_version: int
    full: dict[str, int]
    turns: dict[str, int]
    turn_clock: int
    parked: dict[str, int]
    retry_at: int | None = None
    entries: dict[str, Entry] = field(default_factory=dict)
    counting: set[str] = field(default_factory=set)
    groups: dict[str, Counter[str]] = field(default_factory=dict)
    queue: dict[str, int] = field(default_factory=dict)
    places: int = 0

    @classmethod
    async def read(cls, tenant: str, now: int, staff: StaffStore, routings: RoutingStore) -> Board:
        """Read how things stand."""
        roster = await staff.roster(tenant)
        parked: dict[str, int] = {}
        after: int | None = None
        while page := await routings.parked(tenant, after, _PAGE):
            parked.update(page)
            after = page[-1][1]
        return cls(
            tenant=tenant,
            now=now,
            roster=roster,
            loads=dict(roster.loads),
            loads_version=roster.loads_version,
            full=dict(roster.full),
            turns=dict(roster.turns),
            turn_clock=roster.turn_clock,
            parked=parked,
            places=max(parked.values(), default=0),
            # Who is parked waits for a moment that the first look at him finds.
            retry_at=now if parked else None,
        )

    def place(self) -> int:
        """Return the next place in an order."""
        self.places += 1
        return self.places

    def write(self, shifts: Shifts) -> LoadsChange:
        """Move loads."""
        changed = {}
        for rep, (confirmed, holdings, pending, coming) in shifts.by_rep.items():
            if confirmed < 0:
                self.full.pop(rep, None)
            before = self.loads.get(rep, NO_LOAD)
            changed[rep] = self.loads[rep] = Load(
                before.confirmed + confirmed,
                before.holdings + holdings,
                before.pending + pending,
                before.coming + coming,
            )
        if changed:
            self.loads_version += 1
        return LoadsChange(self.loads_version, changed)

    def count_group(self, group: str, rep: str | None, by: int) -> None:
        """Note that a rep holds one more, or one less, of a group."""
        if group and rep:
            self.groups.setdefault(group, Counter())[rep] += by


class BoardStaff(StaffStore):
    """Regions, teams and reps as they are, with the board's loads."""

    def __init__(self, board: Board) -> None:
        """Read this board."""
        self._board = board

    async def roster(self, tenant: str, *, deadline: float | None = None) -> RosterRecords:
        """Return a tenant's reps with what they look after by now."""
        board = self._board
        return replace(
            board.roster,
            now=board.now,
            loads=dict(board.loads),
            loads_version=board.loads_version,
            full=dict(board.full),
            turns=dict(board.turns),
            turn_clock=board.turn_clock,
            policy=None,
        )


class BoardRoutings(RoutingStore):
    """How customers are routed, on a board."""

    def __init__(self, board: Board, living: RoutingStore) -> None:
        """Keep it on this board, and read from the living store what is not there yet."""
        self._board = board
        self._living = living
        self._intents = 0

    async def entry(self, tenant: str, customer: str, *, deadline: float | None = None) -> Entry:
        """Return all that routing a customer rests on."""
        (entry,) = await self.entries(tenant, [customer], deadline=deadline)
        return entry

    async def entries(
        self, tenant: str, customers: Sequence[str], *, deadline: float | None = None
    ) -> list[Entry]:
        """Return the same for several customers, in their order."""
        board = self._board
        missing = [each for each in customers if each not in board.entries]
        if missing:
            for entry in await self._living.entries(tenant, missing, deadline=deadline):
                board.entries[entry.customer] = replace(entry, policy=None)
        return [self._counted(board.entries[each]) for each in customers]

    def _counted(self, entry: Entry) -> Entry:
        moved = self._board.groups.get(entry.facts.group)
        if not moved:
            return entry
        held = Counter(entry.group_holdings)
        held.update(moved)
        return replace(entry, group_holdings=dict(held))

    async def route(
        self,
        entry: Entry,
        versions: Versions,
        routing: Routing | None,
        *,
        assignment: Assignment | None = None,
        event: bytes = b"",
        retry_at: int | None = None,
        step: Step | None = None,
        deadline: float | None = None,
    ) -> Routed:
        """Take in a choice, as the script `route` does."""
        board, customer = self._board, entry.customer
        known = board.entries.get(customer, entry)
        custody = known.custody
        if step is not None or custody is None:
            # What is taken in together with its event elsewhere, is taken in first here.
            return Routed("moved", 0, None)
        if custody.open and self._moved(known, versions):
            return Routed("moved", 0, None)
        before = known.routing
        pending = (
            before is not None
            and before.term == custody.term
            and before.outcome in {Outcome.PENDING, Outcome.ASSIGNED}
        )
        board.queue.pop(customer, None)
        if not custody.open:
            board.parked.pop(customer, None)
            return Routed("gone", 0, None)
        if pending:
            return Routed("pending", 0, None)
        if routing is None or routing.outcome is Outcome.PENDING:
            board.parked.pop(customer, None)
        if routing is None:
            board.entries[customer] = _left(known)
            return Routed("ok", 0, board.write(Shifts()))
        shifts = Shifts()
        if assignment is not None:
            self._intents += 1
            routing = replace(routing, seq=self._intents)
            if routing.rep is not None:
                board.counting.add(customer)
                shifts.add(routing.rep, pending=routing.weight, coming=1)
                board.turns[routing.rep] = assignment.turns.turn
                board.turn_clock = assignment.turns.clock
        else:
            board.parked.setdefault(customer, board.place())
            if retry_at is not None and (board.retry_at is None or retry_at < board.retry_at):
                board.retry_at = retry_at
        board.entries[customer] = replace(known, routing=replace(routing, at=board.now))
        return Routed("ok", routing.seq, board.write(shifts))

    def _moved(self, known: Entry, versions: Versions) -> bool:
        board = self._board
        return (
            known.custody is None
            or known.custody.term != versions.term
            or known.facts.version != versions.facts
            or board.loads_version != versions.loads
            or board.now < versions.valid_from
            or (versions.valid_before is not None and board.now >= versions.valid_before)
        )

    async def settle(
        self,
        tenant: str,
        customer: str,
        call: tuple[int, str],
        *,
        assigned_term: int | None,
        again: bool = False,
        full: bool = False,
        reason: str = "",
        request: tuple[str, str] = ("", ""),
        deadline: float | None = None,
    ) -> Settled:
        """Note how pool answered, as the script `settle` does."""
        board = self._board
        entry = board.entries[customer]
        routing, custody = entry.routing, entry.custody
        shifts = Shifts()
        if routing is None or (routing.seq, routing.intent) != call:
            return Settled(None, assigned_term or 0, b"", board.write(shifts))
        if assigned_term is not None:
            after = replace(routing, outcome=Outcome.ASSIGNED, assigned_term=assigned_term)
            board.entries[customer] = replace(entry, routing=after)
            return Settled(routing.rep, assigned_term, b"", board.write(shifts))
        rep = routing.rep
        if customer in board.counting and rep is not None:
            board.counting.discard(customer)
            shifts.add(rep, pending=-routing.weight, coming=-1)
        least = min(board.full.get(rep, routing.weight), routing.weight) if full and rep else None
        retry = shifts.falls and not again and bool(board.parked)
        after = replace(routing, outcome=Outcome.REFUSED, reason=reason)
        if custody is not None and custody.open and custody.term == routing.term and again:
            if least is None and rep is not None:
                after = replace(after, tried=(*routing.tried, rep))
            board.queue.setdefault(customer, board.place())
        if least is not None and rep is not None:
            board.full[rep] = least
            shifts.add(rep)
        board.entries[customer] = replace(entry, routing=after)
        if retry:
            board.retry_at = board.now
        return Settled(rep, 0, b"", board.write(shifts), full=least)

    async def queued(self, partition: Partition, limit: int) -> list[tuple[str, str]]:
        """Return the first customers that wait to be routed."""
        return [(self._board.tenant, customer) for customer in list(self._board.queue)[:limit]]

    async def parked(self, tenant: str, after: int | None, limit: int) -> list[tuple[str, int]]:
        """Return parked customers after a place."""
        found = sorted(self._board.parked.items(), key=lambda item: item[1])
        return [item for item in found if after is None or item[1] > after][:limit]

    async def finish_retry(
        self,
        tenant: str,
        *,
        roster: int,
        loads: int,
        next_at: int | None,
    ) -> bool:
        """Note that all parked customers were tried on these versions."""
        if loads != self._board.loads_version:
            return False
        self._board.retry_at = next_at
        return True


class BoardProjections(ProjectionStore):
    """What archive and pool say, on a board."""

    def __init__(self, board: Board, routings: BoardRoutings) -> None:
        """Keep it on this board."""
        self._board = board
        self._routings = routings

    async def facts(
        self,
        partition: Partition,
        tenant: str,
        customer: str,
    ) -> CustomerFacts | None:
        """Return what archive said of a customer."""
        return (await self._routings.entry(tenant, customer)).facts

    async def take_facts(
        self,
        step: Step,
        tenant: str,
        customer: str,
        facts: CustomerFacts,
    ) -> bool:
        """Take in facts, as the script `project_customer` does."""
        board = self._board
        await self._routings.entry(tenant, customer)
        entry = board.entries[customer]
        if facts.version <= entry.facts.version:
            return False
        if entry.custody is not None and entry.facts.group != facts.group:
            board.count_group(entry.facts.group, entry.custody.rep, -1)
            board.count_group(facts.group, entry.custody.rep, 1)
        board.entries[customer] = replace(entry, facts=facts)
        retry = customer in board.parked
        if retry:
            board.retry_at = board.now
        return retry

    async def take_custody(
        self,
        step: Step,
        tenant: str,
        customer: str,
        custody: Custody,
    ) -> CustodyTaken:
        """Take in a custody, as the script `project_custody` does."""
        board, shifts = self._board, Shifts()
        await self._routings.entry(tenant, customer)
        entry = board.entries[customer]
        before = entry.custody or _NOTHING
        if custody.version <= before.version:
            return CustodyTaken(news=False, open=False, retry=False, loads=board.write(shifts))
        if before.rep:
            shifts.add(before.rep, -before.weight, -1)
        if custody.rep:
            shifts.add(custody.rep, custody.weight, 1)
        routing = self._arrived(customer, entry.routing, custody, shifts)
        was_parked = customer in board.parked
        retry = shifts.falls and bool(board.parked)
        if before.rep != custody.rep:
            board.count_group(entry.facts.group, before.rep, -1)
            board.count_group(entry.facts.group, custody.rep, 1)
        board.entries[customer] = replace(entry, custody=custody, routing=routing)
        if not custody.open:
            board.parked.pop(customer, None)
            board.queue.pop(customer, None)
        if retry:
            board.retry_at = board.now
        to_route = custody.open and (custody.term != before.term or not before.open or was_parked)
        if to_route:
            board.queue.setdefault(customer, board.place())
        return CustodyTaken(news=True, open=to_route, retry=retry, loads=board.write(shifts))

    def _arrived(
        self, customer: str, routing: Routing | None, custody: Custody, shifts: Shifts
    ) -> Routing | None:
        """What was on its way to a rep has arrived, or never will."""
        if routing is None or routing.term >= custody.term:
            return routing
        if customer in self._board.counting and routing.rep is not None:
            self._board.counting.discard(customer)
            shifts.add(routing.rep, pending=-routing.weight, coming=-1)
        if routing.outcome is not Outcome.PENDING:
            return routing
        came = custody.state is CustodyState.HELD and (custody.rep, custody.team) == (
            routing.rep,
            routing.team,
        )
        return replace(routing, outcome=Outcome.ASSIGNED if came else Outcome.OVERTAKEN)

    async def forget_full(self, partition: Partition, tenant: str) -> None:
        """Ask reps again whom pool found full."""
        if self._board.full:
            self._board.full.clear()
            self._board.loads_version += 1


def _left(entry: Entry) -> Entry:
    """Return a customer whom the policy leaves in the pool: it is not parked any more."""
    routing = entry.routing
    if routing is None or routing.outcome is not Outcome.PARKED:
        return entry
    return replace(entry, routing=replace(routing, outcome=Outcome.OVERTAKEN))
