"""A tenant's custodies in memory, on which the living service's own code works in a simulation.

It stands for the store: it answers and takes the same steps. What a script would compare is not
compared, because nobody else changes anything; what it counts is counted here as there.
"""

# ruff: noqa: ARG002 - the methods are those of the living store
from __future__ import annotations

import heapq
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from gonghai_chassis.errors import Reason, Refusal
from gonghai_engine.calendar import HOUR
from gonghai_pool.alterations import Alteration, clock_at, reservation_at
from gonghai_pool.custody import State
from gonghai_pool.ground import Ground, Situation, local_day
from gonghai_pool.store.custodies import Changed, CustodyStore, LimitReached, Refused
from gonghai_pool.store.custody_records import pack_custody, unpack_custody

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from gonghai_chassis.events import Step
    from gonghai_chassis.leases import Lease
    from gonghai_chassis.store import Script
    from gonghai_engine import TenantPolicy
    from gonghai_pool.custody import Custody
    from gonghai_pool.store.custodies import Request
    from gonghai_pool.tenant_setup import TenantSetup

MOST_CUSTOMERS: Final = 200_000
"""Customers of a tenant whose future is simulated: their records are held in memory, packed."""
_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class Change:
    """A change that was made: what it was, and its event as the stream would have it."""

    alteration: Alteration
    event: bytes


@dataclass(slots=True)
class _Dues:
    """When something is to be done with whom; the latest word on a customer counts."""

    at: dict[str, int] = field(default_factory=dict)
    heap: list[tuple[int, str]] = field(default_factory=list)

    def put(self, customer: str, at: int | None) -> None:
        if at is None:
            self.at.pop(customer, None)
        elif self.at.get(customer) != at:
            self.at[customer] = at
            heapq.heappush(self.heap, (at, customer))

    def next(self) -> int | None:
        while self.heap and self.at.get(self.heap[0][1]) != self.heap[0][0]:
            heapq.heappop(self.heap)
        return self.heap[0][0] if self.heap else None

    def due(self, now: int, limit: int) -> list[str]:
        """Who is due, in the order in which the living service goes; they stay due."""
        found: list[tuple[int, str]] = []
        while len(found) < limit and (at := self.next()) is not None and at <= now:
            found.append(heapq.heappop(self.heap))
        for entry in found:
            heapq.heappush(self.heap, entry)
        return list(dict.fromkeys(customer for _, customer in found))


class ScratchCustodies(CustodyStore):
    """Reads situations and takes steps, in memory.

    Attributes:
        now: the moment at which it stands (instant); whoever conducts the simulation moves it.
        changes: what was changed since they were taken last, in order.
    """

    def __init__(self, tenant: str, setup: TenantSetup, policy: TenantPolicy, now: int) -> None:
        """Begin with nobody; `read` brings the living records in.

        Args:
            tenant: whose customers.
            setup: pools, limits and reps, which stay as they are.
            policy: what decides.
            now: the moment of the start (instant).
        """
        self.now = now
        self.changes: list[Change] = []
        self._tenant = tenant
        self._setup = setup
        self._policy = policy
        self._records: dict[str, bytes] = {}
        self._names: list[str] = []
        self._weights: Counter[str] = Counter()
        self._clocks = _Dues()
        self._reservations = _Dues()
        self.holdings = 0
        """How many were held at the start."""
        self.standing_still: set[str] = set()
        """Whose clocks stand still by now, because what they are could not be decided."""

    async def read(self, living: CustodyStore) -> AsyncIterator[int]:
        """Take in the living records; yields how many there are so far.

        Raises:
            Refusal: they are more than may be simulated at once.
        """
        after = ""
        while names := await living.customers(self._tenant, after, _PAGE):
            for situation in await living.situations(self._tenant, names):
                if situation.custody is not None:
                    self._take_in(situation.custody, situation.seen)
            after = names[-1]
            if len(self._records) > MOST_CUSTOMERS:
                raise Refusal(
                    Reason.RATE_LIMIT,
                    f"the tenant has more than {MOST_CUSTOMERS} customers: too many to simulate",
                )
            yield len(self._records)

    def _take_in(self, custody: Custody, seen: bytes) -> None:
        self._records[custody.customer] = seen
        self._names.append(custody.customer)
        self.holdings += custody.state is State.HELD
        self._note_frozen(custody)
        if custody.counted is not None:
            self._weights[custody.counted.key] += custody.weight
        self._clocks.put(custody.customer, clock_at(custody))
        self._reservations.put(custody.customer, reservation_at(custody))

    def _note_frozen(self, custody: Custody) -> None:
        if custody.plan is not None and custody.plan.frozen_because is not None:
            self.standing_still.add(custody.customer)
        else:
            self.standing_still.discard(custody.customer)

    @property
    def total(self) -> int:
        """How many customers there are."""
        return len(self._records)

    def known(self, customer: str) -> Custody | None:
        """Return a customer's custody; None where nothing is known of it."""
        packed = self._records.get(customer)
        return unpack_custody(packed) if packed else None

    def next_due(self) -> int | None:
        """Return when something falls due next (instant)."""
        found = [at for at in (self._clocks.next(), self._reservations.next()) if at is not None]
        return min(found, default=None)

    def due_clocks(self, limit: int) -> list[str]:
        """Return customers whose clocks' next action is due."""
        return self._clocks.due(self.now, limit)

    def due_reservations(self, limit: int) -> list[str]:
        """Return customers whose reservations have ended."""
        return self._reservations.due(self.now, limit)

    def put_off(self, customers: Sequence[str]) -> None:
        """Look at customers again in an hour: nothing came of it now."""
        for customer in customers:
            self._clocks.put(customer, self.now + HOUR)

    def take_changes(self) -> list[Change]:
        """Return what was changed since the last time."""
        changes, self.changes = self.changes, []
        return changes

    async def situations(
        self, tenant: str, customers: Sequence[str], deadline: float | None = None
    ) -> list[Situation]:
        """Read customers, in the order asked."""
        ground = await self.ground(tenant)
        found = []
        for customer in customers:
            seen = self._records.get(customer, b"")
            custody = unpack_custody(seen) if seen else None
            found.append(Situation(ground, customer, custody, seen))
        return found

    async def ground(self, tenant: str, deadline: float | None = None) -> Ground:
        """Return the ground at the moment."""
        calendar = self._policy.calendar
        today = local_day(calendar, calendar.local_day(self.now))
        return Ground(tenant, self._setup, self._policy, b"", self.now, today)

    async def customers(
        self, tenant: str, after: str, limit: int, *, waiting: bool = False
    ) -> list[str]:
        """List customers by name."""
        place = bisect_right(self._names, after)
        if not waiting:
            return self._names[place : place + limit]
        found = (each for each in self._names[place:] if self._waits(each))
        return [each for each, _ in zip(found, range(limit), strict=False)]

    def _waits(self, customer: str) -> bool:
        custody = self.known(customer)
        return custody is not None and custody.waiting

    async def project(self, step: Step, alteration: Alteration) -> None:
        """Let an event of the archive take effect."""
        self._write(alteration)

    async def sweep(
        self, script: Script, lease: Lease, ground: Ground, alterations: Sequence[Alteration]
    ) -> list[str]:
        """Take one step for several customers."""
        for alteration in alterations:
            self._write(alteration)
        return ["ok"] * len(alterations)

    async def give(
        self,
        script: Script,
        alteration: Alteration,
        *,
        limit: int,
        request: Request,
        anew: bool | None = None,
        deadline: float | None = None,
    ) -> Changed | Refused:
        """Assign, where the holding limit (thousandths; 0: none) allows."""
        before, after = alteration.situation.custody, alteration.after
        counted = after.counted
        if limit and counted is not None and after.weight:
            used = self._weights[counted.key]
            same = before is not None and before.counted == counted
            own = before.weight if before is not None and same else 0
            if used - own + after.weight > limit:
                return Refused((LimitReached("holding", used, limit, None),))
        self._write(alteration)
        return Changed(after, "", alteration.message)

    async def recall(
        self, tenant: str, request: Request, deadline: float | None = None
    ) -> Changed | None:
        """Nothing was asked before."""
        return None

    def _write(self, alteration: Alteration) -> None:
        before, after = alteration.situation.custody, alteration.after
        args: dict[str, Any] = alteration.args()
        if after.customer not in self._records:
            self._names.insert(bisect_right(self._names, after.customer), after.customer)
        self._records[after.customer] = pack_custody(after)
        self._note_frozen(after)
        if before is not None and before.counted is not None:
            self._weights[before.counted.key] -= before.weight
        if after.counted is not None:
            self._weights[after.counted.key] += after.weight
        self._clocks.put(after.customer, clock_at(after))
        self._reservations.put(after.customer, reservation_at(after))
        if "event" in args:
            self.changes.append(Change(alteration, args["event"]))
