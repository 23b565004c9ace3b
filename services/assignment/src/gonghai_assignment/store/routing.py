"""Routing in the store: what is known of a customer, the choice made, and how pool answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gonghai_assignment.customers import (
    Custody,
    CustodyState,
    CustomerFacts,
    Entry,
    Outcome,
    Routing,
)
from gonghai_assignment.reps import Load
from gonghai_assignment.store import keys
from gonghai_chassis.store import Script, records

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gonghai_chassis.events import Step
    from gonghai_chassis.store import Partition, Store

_READ_CUSTOMERS = Script("gonghai_assignment.store", "read_customers")
_READ_QUEUE = Script("gonghai_assignment.store", "read_queue")
_READ_PARKED = Script("gonghai_assignment.store", "read_parked")
_ROUTE = Script("gonghai_assignment.store", "route")
_ENTER = Script("gonghai_assignment.store", "enter")
_SETTLE = Script("gonghai_assignment.store", "settle")
_RECALL = Script("gonghai_assignment.store", "recall")
_FINISH_RETRY = Script("gonghai_assignment.store", "finish_retry")

FACTS = records.RecordType("customer's facts", schema=1)
CUSTODY = records.RecordType("custody", schema=1)
ROUTING = records.RecordType("routing", schema=1)

TENANT_COOL_DOWN = "-"
"""Field of the tenant's own cool-down, beside those of pools."""


@dataclass(frozen=True, slots=True)
class LoadsChange:
    """What a step did to the loads of a tenant.

    Attributes:
        version: of the loads after it.
        changed: the new loads of those that changed.
    """

    version: int
    changed: Mapping[str, Load]

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> LoadsChange:
        """Read it from a step's answer."""
        loads = fields["loads"]
        changed = {rep: Load(*load) for rep, *load in records.sequence(loads["changed"])}
        return cls(loads["version"], changed)


@dataclass(frozen=True, slots=True)
class Versions:
    """What a choice was made on, for the step to compare.

    Attributes:
        term: of the custody.
        facts: version of archive's.
        roster: how often regions, teams and reps were changed.
        loads: how often loads were changed.
        valid_from: first instant of the span in which the same reps are there.
        valid_before: first instant after it, None for ever.
    """

    term: int
    facts: int
    roster: int
    loads: int
    valid_from: int
    valid_before: int | None


@dataclass(frozen=True, slots=True)
class Turns:
    """Where the round stands after a choice.

    Attributes:
        clock: how far the round has come.
        turn: of the rep chosen: where in the round he is next.
    """

    clock: int
    turn: int


@dataclass(frozen=True, slots=True)
class Assignment:
    """A choice to be carried out.

    Attributes:
        intent: id of the call to pool.
        payload: the call.
        turns: whose turn it was, and is from then on.
    """

    intent: str
    payload: bytes
    turns: Turns


@dataclass(frozen=True, slots=True)
class Routed:
    """How a choice was taken in.

    Attributes:
        status: `ok`, `pending` (a choice is on its way already), `gone` (it is in no pool any more)
            or `moved` (decide again).
        seq: number of the intent.
        loads: what it did to loads; None when nothing was done.
    """

    status: str
    seq: int
    loads: LoadsChange | None


@dataclass(frozen=True, slots=True)
class Settled:
    """How pool's answer was taken in.

    Attributes:
        rep: id of the rep whom it was about.
        term: the custody term that the assignment made.
        detail: the explanation of the choice, packed; for a routing that a call asked for.
        loads: what it did to loads; None when nothing was done.
        full: the least weight that the rep has no room for; None when that was not the matter.
    """

    rep: str | None
    term: int
    detail: bytes
    loads: LoadsChange | None
    full: int | None = None


ASSIGN = "assign_customer"
"""Kind of the intents: a call of pool's AssignCustomer."""


class RoutingStore:
    """Keeps how customers are routed."""

    def __init__(self, store: Store, policy_key: Callable[[Partition, str], str]) -> None:
        """Take the service's store, and where a tenant's policy stamp is."""
        self._store = store
        self._policy_key = policy_key

    async def entry(self, tenant: str, customer: str, *, deadline: float | None = None) -> Entry:
        """Read all that routing a customer rests on, at one moment."""
        (entry,) = await self.entries(tenant, [customer], deadline=deadline)
        return entry

    async def entries(
        self, tenant: str, customers: Sequence[str], *, deadline: float | None = None
    ) -> list[Entry]:
        """Read the same for several customers of a tenant, in their order."""
        partition = self._store.partition(tenant)
        reply = await self._store.run(
            _READ_CUSTOMERS,
            partition,
            keys={
                "custody": keys.custody(partition, tenant),
                "facts": keys.facts(partition, tenant),
                "routing": keys.routing(partition, tenant),
                "groups": keys.groups(partition, tenant),
                "cool_downs": keys.cool_downs(partition, tenant),
                "policy": self._policy_key(partition, tenant),
            },
            args={"customers": list(customers)},
            deadline=deadline,
        )
        cool_downs = _counts(reply.fields["cool_downs"])
        policy = reply.fields.get("policy")
        stamp = records.blob(policy) if policy else None
        return [
            _entry(tenant, fields, cool_downs, stamp)
            for fields in records.sequence(reply.fields["entries"])
        ]

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
        """Take in a choice: an assignment, that the customer is parked, or (None) that it stays.

        Args:
            entry: whom it is about.
            versions: what it was made on.
            routing: the choice.
            assignment: the call to pool that follows.
            event: what the others are told.
            retry_at: when to try a parked one again at the latest (µs).
            step: takes in the event, too, by which pool told of the customer for the first time.
            deadline: in seconds of `time.monotonic`.
        """
        tenant = entry.tenant
        partition = self._store.partition(tenant)
        intent = None
        if assignment is not None:
            intent = {"id": assignment.intent, "kind": ASSIGN, "payload": assignment.payload}
        named = {
            "custody": keys.custody(partition, tenant),
            "facts": keys.facts(partition, tenant),
            "routing": keys.routing(partition, tenant),
            "roster": keys.roster(partition, tenant),
            "loads": keys.loads(partition, tenant),
            "parked": keys.parked(partition, tenant),
            "queue": keys.queue(partition),
            "due": keys.due_parked(partition),
        }
        args = {
            "tenant": tenant,
            "customer": entry.customer,
            "term": versions.term,
            "facts_version": versions.facts,
            "roster_version": versions.roster,
            "loads_version": versions.loads,
            "valid_from": versions.valid_from,
            "valid_before": versions.valid_before,
            "routing": None if routing is None else _routing_record(routing),
            "intent": intent,
            "event": event,
            "retry_at": retry_at,
            "turn": assignment.turns.turn if assignment else None,
            "turn_clock": assignment.turns.clock if assignment else None,
        }
        if step is not None and entry.custody is not None:
            named |= {
                **step.keys(),
                "groups": keys.groups(partition, tenant),
                "tenants": keys.tenants(partition),
            }
            args |= {**step.args(), "custody": custody_record(entry.custody)}
        reply = await self._store.run(
            _ROUTE if step is None else _ENTER,
            partition,
            keys=named,
            args=args,
            deadline=deadline,
        )
        if reply.status != "ok":
            return Routed(reply.status, 0, None)
        return Routed("ok", reply.fields.get("seq", 0), LoadsChange.of(reply.fields))

    async def settle(  # noqa: PLR0913 - an answer and what it is about
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
        """Note how pool answered to the call of an intent.

        Args:
            tenant: whose customer.
            customer: its id.
            call: number and id of the intent.
            assigned_term: the custody term that the assignment made; None for a refusal.
            again: the refusal is about the rep, so that another one is to be tried.
            full: it is that he has no room.
            reason: why it was refused.
            request: request id and fingerprint of the call that asked for the routing.
            deadline: in seconds of `time.monotonic`.
        """
        partition = self._store.partition(tenant)
        request_id, fingerprint = request
        seq, intent = call
        reply = await self._store.run(
            _SETTLE,
            partition,
            keys={
                "request": partition.request_key(tenant, request_id),
                "custody": keys.custody(partition, tenant),
                "routing": keys.routing(partition, tenant),
                "loads": keys.loads(partition, tenant),
                "parked": keys.parked(partition, tenant),
                "queue": keys.queue(partition),
                "due": keys.due_parked(partition),
            },
            args={
                "fingerprint": fingerprint if assigned_term is not None else "",
                "tenant": tenant,
                "customer": customer,
                "seq": seq,
                "intent_id": intent,
                "answer": "refused" if assigned_term is None else "assigned",
                "term": assigned_term,
                "again": again,
                "full": full,
                "reason": reason,
            },
            deadline=deadline,
        )
        loads = None if reply.replayed else LoadsChange.of(reply.fields)
        return Settled(
            rep=reply.fields.get("rep"),
            term=reply.fields.get("term", 0),
            detail=records.blob(reply.fields.get("detail", "")),
            loads=loads,
            full=reply.fields.get("full"),
        )

    async def recall(
        self, tenant: str, request: tuple[str, str], *, deadline: float | None
    ) -> Settled | None:
        """Return how the routing that a request asked for was settled; None when it was not.

        Raises:
            RequestReused: the request id came with other content.
        """
        partition = self._store.partition(tenant)
        request_id, fingerprint = request
        reply = await self._store.run(
            _RECALL,
            partition,
            keys={"request": partition.request_key(tenant, request_id)},
            args={"fingerprint": fingerprint},
            deadline=deadline,
        )
        if reply.status == "new":
            return None
        return Settled(
            rep=reply.fields.get("rep"),
            term=reply.fields["term"],
            detail=records.blob(reply.fields.get("detail", "")),
            loads=None,
        )

    async def queued(self, partition: Partition, limit: int) -> list[tuple[str, str]]:
        """Return the first customers that wait to be routed, as (tenant, customer)."""
        reply = await self._store.run(
            _READ_QUEUE, partition, keys={"queue": keys.queue(partition)}, args={"limit": limit}
        )
        members: list[str] = records.sequence(reply.fields["members"])
        return [(tenant, customer) for tenant, _, customer in (m.partition("/") for m in members)]

    async def parked(self, tenant: str, after: int | None, limit: int) -> list[tuple[str, int]]:
        """Return parked customers after a place, as (customer, place)."""
        partition = self._store.partition(tenant)
        reply = await self._store.run(
            _READ_PARKED,
            partition,
            keys={"parked": keys.parked(partition, tenant)},
            args={"after": after, "limit": limit},
        )
        flat: list[str] = records.sequence(reply.fields["members"])
        return [
            (customer, int(float(place)))
            for customer, place in zip(flat[::2], flat[1::2], strict=True)
        ]

    async def finish_retry(
        self, tenant: str, *, roster: int, loads: int, next_at: int | None
    ) -> bool:
        """Note that all parked customers were tried on these versions, and when to try next.

        Returns:
            False when there are newer versions: they are to be tried once more.
        """
        partition = self._store.partition(tenant)
        reply = await self._store.run(
            _FINISH_RETRY,
            partition,
            keys={
                "roster": keys.roster(partition, tenant),
                "loads": keys.loads(partition, tenant),
                "due": keys.due_parked(partition),
            },
            args={
                "tenant": tenant,
                "roster_version": roster,
                "loads_version": loads,
                "next": next_at,
            },
        )
        return reply.status == "ok"


def _entry(
    tenant: str, fields: dict[str, Any], cool_downs: dict[str, int], policy: bytes | None
) -> Entry:
    custody, facts, routing = (fields.get(kind) for kind in ("custody", "facts", "routing"))
    return Entry(
        tenant=tenant,
        customer=fields["customer"],
        custody=unpack_custody(records.blob(custody)) if custody else None,
        facts=unpack_facts(records.blob(facts)) if facts else CustomerFacts(),
        routing=_unpack_routing(records.blob(routing)) if routing else None,
        group_holdings=_counts(fields.get("group")),
        cool_downs=cool_downs,
        policy=policy,
    )


def _counts(flat: object) -> dict[str, int]:
    values = records.sequence(flat)
    return {name: int(count) for name, count in zip(values[::2], values[1::2], strict=True)}


def pack_facts(facts: CustomerFacts, generation: str = "") -> bytes:
    """The record of what archive said."""
    return FACTS.pack(
        {
            "version": facts.version,
            "industry": facts.industry,
            "region": facts.region,
            "tier": facts.tier,
            "rank": facts.rank,
            "stage": facts.stage,
            "group": facts.group,
            "facts": {
                name: sorted(fact) if isinstance(fact, frozenset) else fact
                for name, fact in facts.facts.items()
            },
            "generation": generation,
        }
    )


def unpack_facts(packed: bytes) -> CustomerFacts:
    """What the record of `pack_facts` says."""
    record = FACTS.unpack(packed)
    return CustomerFacts(
        version=record["version"],
        industry=record["industry"],
        region=record["region"],
        tier=record["tier"],
        rank=record["rank"],
        stage=record["stage"],
        group=record["group"],
        facts=records.mapping(record["facts"]),
    )


def custody_record(custody: Custody, generation: str = "") -> dict[str, Any]:
    """The record of what pool said; the scripts store it."""
    return {
        "schema": CUSTODY.schema,
        "version": custody.version,
        "state": str(custody.state),
        "term": custody.term,
        "pool": custody.pool,
        "rep": custody.rep,
        "team": custody.team,
        "weight": custody.weight,
        "former_owner": custody.former_owner,
        "former_owner_time": custody.former_owner_time,
        "archive_version": custody.archive_version,
        "blocked": custody.blocked or None,
        "generation": generation or None,
    }


def unpack_custody(packed: bytes) -> Custody:
    """What the record of `custody_record` says."""
    record = CUSTODY.unpack(packed)
    return Custody(
        version=record["version"],
        state=CustodyState(record["state"]),
        term=record["term"],
        pool=record["pool"],
        rep=record.get("rep"),
        team=record.get("team"),
        weight=record["weight"],
        former_owner=record.get("former_owner"),
        former_owner_time=record.get("former_owner_time"),
        archive_version=record["archive_version"],
        blocked=record.get("blocked", False),
    )


def _routing_record(routing: Routing) -> dict[str, Any]:
    """The record of a routing; the step adds its time and numbers."""
    return {
        "schema": ROUTING.schema,
        "term": routing.term,
        "outcome": str(routing.outcome),
        "rep": routing.rep,
        "team": routing.team,
        "channel": routing.channel,
        "weight": routing.weight,
        "intent": routing.intent,
        "tried": list(routing.tried) or None,
        "request": list(routing.request) if routing.request[0] else None,
        "reason": routing.reason or None,
        "detail": routing.detail,
    }


def _unpack_routing(packed: bytes) -> Routing:
    record = ROUTING.unpack(packed)
    request = records.sequence(record.get("request"))
    return Routing(
        term=record["term"],
        outcome=Outcome(record["outcome"]),
        rep=record.get("rep"),
        team=record.get("team"),
        channel=record.get("channel"),
        weight=record["weight"],
        seq=record.get("seq", 0),
        intent=record.get("intent", ""),
        tried=tuple(records.sequence(record.get("tried"))),
        request=(request[0], request[1]) if request else ("", ""),
        reason=record.get("reason", ""),
        at=record["at"],
        since=record.get("since", 0),
        assigned_term=record.get("assigned_term", 0),
        detail=records.blob(record["detail"]),
    )
