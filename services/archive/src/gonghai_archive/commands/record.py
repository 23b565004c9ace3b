"""Activities are recorded: one, many, or a stream of them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gonghai_archive.commands.deciding import AT_ONCE, ATTEMPTS, Desk
from gonghai_archive.customers import Actor, Customer, Request
from gonghai_archive.derived import derived_id
from gonghai_chassis.errors import (
    AlreadyExists,
    Contention,
    FieldViolation,
    InvalidRequest,
    NotFound,
    Reason,
    Refusal,
    RequestIdReused,
    WrongState,
)
from gonghai_chassis.ids import new_id
from gonghai_chassis.names import CustomerName

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from gonghai_archive.activities import Activity


@dataclass(frozen=True, slots=True)
class NewActivity:
    """An activity to record.

    Attributes:
        customer: id of the customer.
        activity: what happened; its `id` may be "" for one made here.
        whenever: the caller did not say when, which means now.
        unless_own: what to answer when it corrects one that the caller neither recorded nor did;
            None when he may correct any.
    """

    customer: str
    activity: Activity
    whenever: bool = False
    unless_own: Refusal | None = None


@dataclass(slots=True)
class Recording:
    """An activity on its way, and what became of it."""

    place: int
    new: NewActivity
    outcome: Activity | Refusal | None = None


class _Turns:
    """One at a time for each customer in this process, so that callers do not move each other."""

    def __init__(self) -> None:
        self._turns: dict[tuple[str, str], _Turn] = {}

    @asynccontextmanager
    async def of(self, tenant: str, customer: str) -> AsyncIterator[None]:
        turn = self._turns.setdefault((tenant, customer), _Turn())
        turn.wanted += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.wanted -= 1
            if not turn.wanted:
                del self._turns[tenant, customer]


@dataclass(slots=True)
class _Turn:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    wanted: int = 0


class RecordActivities:
    """Records activities, each once, and decides anew on the customers they are of."""

    def __init__(self, desk: Desk) -> None:
        """Work at this desk."""
        self._desk = desk
        self._turns = _Turns()

    async def one(
        self,
        tenant: str,
        new: NewActivity,
        *,
        actor: Actor,
        request: Request,
        deadline: float | None = None,
    ) -> Activity:
        """Record one activity; the same id with the same content again answers the same.

        Raises:
            NotFound: there is no such customer, or none to correct.
            AlreadyExists: (ACTIVITY_EXISTS) the id was used for something else.
            InvalidRequest: it lies in the future, or corrects one of another kind.
            NotAllowed: it corrects what others recorded, and he may not.
            WrongState: it corrects one that was corrected already.
            Contention: the customer changed again and again meanwhile.
        """
        made = not new.activity.id
        if made:
            ident = _made_for(tenant, new, request) or new_id()
            new = replace(new, activity=new.activity._replace(id=ident))
        item = Recording(0, new)
        async with self._turns.of(tenant, new.customer):
            await self._record(tenant, [item], actor, request, deadline)
        outcome = item.outcome
        if isinstance(outcome, AlreadyExists) and made:
            raise RequestIdReused(request.id)
        if isinstance(outcome, Refusal):
            raise outcome
        if outcome is None:
            raise Contention(CustomerName(tenant, new.customer))
        return outcome

    async def recorded_before(
        self,
        tenant: str,
        new: NewActivity,
        *,
        actor: Actor,
        request: Request,
        deadline: float | None = None,
    ) -> Activity | None:
        """Return the activity if this very caller recorded just this before; else None.

        For a caller who may not record it any more: it tells him nothing but what he said.
        """
        ident = new.activity.id or _made_for(tenant, new, request)
        got = await self._desk.customers.load(tenant, [new.customer], deadline=deadline)
        for stored in got.activities[0]:
            if (
                stored.id == ident
                and (stored.actor, stored.on_behalf_of) == actor
                and new.activity.same_as(stored, whenever=new.whenever)
            ):
                return stored
        return None

    async def many(
        self,
        tenant: str,
        news: Sequence[NewActivity],
        *,
        actor: Actor,
        deadline: float | None = None,
    ) -> list[Activity | Refusal]:
        """Record activities; those of one customer in one step, in the order given.

        Returns:
            What became of each, in the order given.
        """
        items = [Recording(place, new) for place, new in enumerate(news)]
        await self._record(tenant, items, actor, Request(), deadline)
        return [
            item.outcome or Contention(CustomerName(tenant, item.new.customer)) for item in items
        ]

    async def _record(
        self,
        tenant: str,
        items: list[Recording],
        actor: Actor,
        request: Request,
        deadline: float | None,
    ) -> None:
        open_items = items
        for _ in range(ATTEMPTS):
            by_customer: dict[str, list[Recording]] = defaultdict(list)
            for item in open_items:
                by_customer[item.new.customer].append(item)
            customers = list(by_customer)
            for start in range(0, len(customers), AT_ONCE):
                chosen = {
                    customer: by_customer[customer]
                    for customer in customers[start : start + AT_ONCE]
                }
                await self._attempt(tenant, chosen, actor, request, deadline)
            open_items = [item for item in open_items if item.outcome is None]
            if not open_items:
                return

    async def _attempt(
        self,
        tenant: str,
        groups: dict[str, list[Recording]],
        actor: Actor,
        request: Request,
        deadline: float | None,
    ) -> None:
        desk = self._desk
        got = await desk.customers.load(tenant, list(groups), deadline=deadline)
        policy = await desk.policy(tenant, got.stamp, deadline)
        wanted: list[tuple[Customer, Customer, list[Activity]]] = []
        fresh: list[list[Recording]] = []
        for (ident, items), customer, known in zip(
            groups.items(), got.customers, got.activities, strict=True
        ):
            if customer is None:
                for item in items:
                    item.outcome = NotFound(CustomerName(tenant, ident))
                continue
            news = admit(customer, known, items, actor, got.now)
            if news:
                wanted.append((customer, customer, known))
                fresh.append(news)
        if not wanted:
            return
        changes = await desk.decide(policy, wanted, now=got.now, actor=actor, what="record")
        answers = await asyncio.gather(
            *(
                desk.customers.record(
                    change,
                    [item.new.activity for item in news],
                    request,
                    deadline=deadline,
                )
                for change, news in zip(changes, fresh, strict=True)
            ),
            return_exceptions=True,
        )
        for answer, news in zip(answers, fresh, strict=True):
            if isinstance(answer, BaseException):
                raise answer
            reply, recorded = answer
            if reply.status == "ok" and not reply.replayed:
                for item, activity in zip(news, recorded, strict=True):
                    item.outcome = activity
            # Else it moved, or another attempt of the same request was faster: look again.


def _made_for(tenant: str, new: NewActivity, request: Request) -> str:
    """Return the id that each attempt of a request makes; "" where nothing tells attempts."""
    return derived_id(tenant, new.customer, request.id) if request.id else ""


def admit(
    customer: Customer, known: list[Activity], items: list[Recording], actor: Actor, now: int
) -> list[Recording]:
    """Settle what is known or wrong, add the others to what is known, and return those."""
    by_id = {activity.id: activity for activity in known}
    corrected = {activity.corrects: activity.id for activity in known if activity.corrects}
    fresh = []
    for item in items:
        activity = item.new.activity
        stored = by_id.get(activity.id)
        if stored is not None:
            same = activity.same_as(stored, whenever=item.new.whenever)
            item.outcome = stored if same else _exists(customer, activity)
            continue
        if item.new.whenever:
            activity = activity._replace(occurred=now)
        refusal = _refusal(customer, activity, by_id, corrected, now) or _none_of_his(
            item.new, by_id.get(activity.corrects), actor
        )
        if refusal is not None:
            item.outcome = refusal
            continue
        activity = activity._replace(
            actor=actor.principal, on_behalf_of=actor.on_behalf_of, recorded=0
        )
        item.new = replace(item.new, activity=activity)
        by_id[activity.id] = activity
        if activity.corrects:
            corrected[activity.corrects] = activity.id
        known.append(activity)
        fresh.append(item)
    return fresh


def _refusal(
    customer: Customer,
    activity: Activity,
    by_id: dict[str, Activity],
    corrected: dict[str, str],
    now: int,
) -> Refusal | None:
    if activity.occurred > now:
        return InvalidRequest(
            FieldViolation("occur_time", "lies in the future: record what has happened")
        )
    if not activity.corrects:
        return None
    name = f"{customer.name}/activities/{activity.corrects}"
    target = by_id.get(activity.corrects)
    if target is None:
        return NotFound(name)
    if target.kind != activity.kind:
        return InvalidRequest(
            FieldViolation("corrects", f"names a {target.kind}, not a {activity.kind}")
        )
    if activity.corrects in corrected:
        return WrongState(
            name,
            "corrected",
            f"{corrected[activity.corrects]} has corrected it already: correct that one",
        )
    return None


def _none_of_his(new: NewActivity, target: Activity | None, actor: Actor) -> Refusal | None:
    """The refusal of a correction of what somebody else recorded, unless the caller did it."""
    if target is None or new.unless_own is None:
        return None
    person = actor.on_behalf_of or actor.principal
    if (target.on_behalf_of or target.actor) == person:
        return None
    # The rep is known by the same id as the person, whatever he is called for.
    if target.rep and target.rep == person.partition(":")[2]:
        return None
    return new.unless_own


def _exists(customer: Customer, activity: Activity) -> AlreadyExists:
    name = f"{customer.name}/activities/{activity.id}"
    return AlreadyExists(
        name,
        f"{name} was recorded with other content: record a new one that corrects it",
        reason=Reason.ACTIVITY_EXISTS,
        metadata={"activity": name},
    )
