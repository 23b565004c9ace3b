"""The archive's customers in the store: read together, changed one atomic step at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from gonghai_archive import events
from gonghai_archive.commissions import NOTHING, Booking
from gonghai_archive.policies import Published, index_terms
from gonghai_archive.store import keys
from gonghai_archive.store.rows import (
    pack_activity,
    pack_body,
    pack_booking,
    pack_entry,
    pack_part,
    unpack_activities,
    unpack_body,
    unpack_customer,
    unpack_line,
    unpack_terms,
)
from gonghai_chassis.store import Script, records

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from gonghai_archive.activities import Activity
    from gonghai_archive.assessment import Verdict
    from gonghai_archive.customers import Actor, Customer, Request
    from gonghai_archive.lines import Standing
    from gonghai_chassis.names import CustomerName
    from gonghai_chassis.store import Partition, Reply, Store
    from gonghai_policy_service import PolicyBook

CREATE: Final = Script("gonghai_archive.store", "create")
UPDATE: Final = Script("gonghai_archive.store", "update")
RECORD: Final = Script("gonghai_archive.store", "record")
ASSESS: Final = Script("gonghai_archive.store", "assess")
RECALL: Final = Script("gonghai_archive.store", "recall")
LIST: Final = Script("gonghai_archive.store", "list_customers")

MOST_AT_ONCE: Final = 1000
"""How many customers are read in one step."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Customers as they were at one moment.

    Attributes:
        now: that moment (µs, domain time).
        stamp: of the tenant's policy then.
        customers: in the order asked; None for one that does not exist.
        activities: of each, in the order in which they were recorded.
    """

    now: int
    stamp: bytes | None
    customers: list[Customer | None]
    activities: list[list[Activity]]


@dataclass(frozen=True, slots=True)
class Change:
    """A customer as it is to be, from what it was.

    Attributes:
        before: the record that was decided on; None for a customer that is new.
        after: the record to store; version, create and update time are the script's to say.
        published: what other services' policies read of it.
        standing: below which sponsor it is to stand, if below one.
        valid_before: the next local midnight (µs): the decisions count days.
        actor: who makes it.
        what: `create`, `update`, `record` or `assess`, for the history.
        booking: what its orders pay from now on, beyond what they paid.
    """

    before: Customer | None
    after: Customer
    published: Published
    standing: Standing
    valid_before: int
    actor: Actor
    what: str
    booking: Booking = NOTHING


Place: TypeAlias = tuple[int, str]
"""Of a customer in an index: its score, then its id."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some customers in the order of an index.

    Attributes:
        ids: of the customers.
        places: that of each.
        place: where to go on; None at the end.
        looked_at: how many entries of the leading index were gone over.
    """

    ids: list[str]
    places: list[Place]
    place: Place | None
    looked_at: int


@dataclass(frozen=True, slots=True)
class Selection:
    """Which customers, in which order.

    Attributes:
        within: terms of indexes that all of them stand in.
        without: terms of indexes that none of them stands in.
        by_rank: by the tier's rank instead of the create time.
        descending: the newest or most valuable first.
    """

    within: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    by_rank: bool = False
    descending: bool = True


class CustomerStore:
    """Reads and writes customers; raises the store's failures as they come."""

    def __init__(self, store: Store, book: PolicyBook) -> None:
        """Keep customers in this store, decided by the policies of this book."""
        self.store = store
        self._book = book

    async def load(
        self,
        tenant: str,
        ids: Sequence[str],
        *,
        activities: bool = True,
        deadline: float | None = None,
    ) -> Loaded:
        """Read customers, at most `MOST_AT_ONCE`, at one moment.

        Args:
            tenant: whose.
            ids: which, in the order of the answer.
            activities: read those as well, and by what orders pay; else each has none.
            deadline: in seconds of `time.monotonic`.
        """
        p = self.store.partition(tenant)
        wanted = [self._book.key(p, tenant)]
        wanted += [keys.customer(p, tenant, each) for each in ids]
        wanted += [keys.line(p, tenant, each) for each in ids]
        if activities:
            wanted += [keys.activities(p, tenant, each) for each in ids]
            wanted += [keys.commissions(p, tenant, each) for each in ids]
        got = await self.store.read(p, wanted, deadline=deadline)
        stored = got.values[1 : len(ids) + 1]
        lines = got.values[len(ids) + 1 : 2 * len(ids) + 1]
        rows = got.values[2 * len(ids) + 1 :] if activities else [None] * 2 * len(ids)
        terms = rows[len(ids) :]
        return Loaded(
            got.now,
            got.values[0],
            [
                None
                if each is None
                else _with_terms(_with_line(unpack_customer(tenant, ident, each), line), by)
                for ident, each, line, by in zip(ids, stored, lines, terms, strict=True)
            ],
            [unpack_activities(each) for each in rows[: len(ids)]],
        )

    async def answered(
        self, tenant: str, request: Request, *, deadline: float | None = None
    ) -> bool:
        """Say whether a request id was answered before, whatever it was for."""
        if not request.id:
            return False
        p = self.store.partition(tenant)
        got = await self.store.read(p, [p.request_key(tenant, request.id)], deadline=deadline)
        return got.values[0] is not None

    async def recalled(
        self, name: CustomerName, request: Request, *, deadline: float | None
    ) -> Customer | None:
        """Return the customer as this very call was answered with before; None for a new call.

        For a caller who may not make the call any more: he is told again what he was told, and
        nothing is done. Raises RequestReused where the id stands for other content.
        """
        if not request.id:
            return None
        loaded = await self.load(name.tenant, [name.id], activities=False, deadline=deadline)
        present = loaded.customers[0]
        if present is None:
            return None
        p = self.store.partition(name.tenant)
        reply = await self.store.run(
            RECALL,
            p,
            keys={"request": p.request_key(name.tenant, request.id)},
            args={"fingerprint": request.fingerprint},
            deadline=deadline,
        )
        return _stored(present, reply, version=1) if reply.status == "ok" else None

    async def create(
        self, change: Change, request: Request, *, dry: bool, deadline: float | None
    ) -> tuple[Reply, Customer]:
        """Make a customer: `ok`, `exists`, `duplicate`, `upline` or `moved`.

        The fields of `duplicate` are identifier and customer, that of `upline` is problem.

        Returns:
            The answer, and with `ok` the customer, as it was answered the first time.
        """
        after = change.after
        p = self.store.partition(after.tenant)
        published = events.customer_facts(replace(after, version=1, created=0), change.published)
        after = replace(after, published=events.digest_of(published), told=1)
        reply = await self.store.run(
            CREATE,
            p,
            keys={
                **self._keys(p, after, request),
                "identifiers": keys.identifiers(p, after.tenant),
                "tenants": keys.tenants(p),
            },
            args={
                **_args(replace(change, after=after), request),
                "take": [str(each) for each in after.profile.identifiers],
                "event": published.SerializeToString(),
                "dry": dry,
            },
            deadline=deadline,
        )
        return reply, _stored(after, reply, version=1)

    async def update(
        self, change: Change, request: Request, *, dry: bool, deadline: float | None
    ) -> tuple[Reply, Customer]:
        """Store what people changed: `ok`, `missing`, `duplicate`, `upline` or `moved`."""
        before = [str(each) for each in _before(change).profile.identifiers]
        after = [str(each) for each in change.after.profile.identifiers]
        change, event = told(change)
        p = self.store.partition(change.after.tenant)
        reply = await self.store.run(
            UPDATE,
            p,
            keys={
                **self._keys(p, change.after, request),
                **_ledger(p, change.after),
                "identifiers": keys.identifiers(p, change.after.tenant),
            },
            args={
                **_args(change, request),
                "commissions": pack_booking(change.after.id, change.booking),
                "version": _before(change).version,
                "take": [each for each in after if each not in before],
                "free": [each for each in before if each not in after],
                "event": event,
                "dry": dry,
            },
            deadline=deadline,
        )
        return reply, _stored(change.after, reply, version=change.after.version)

    async def record(
        self,
        change: Change,
        recorded: Sequence[Activity],
        request: Request,
        *,
        deadline: float | None,
    ) -> tuple[Reply, list[Activity]]:
        """Add activities to a customer's: `ok`, `missing` or `moved`.

        Returns:
            The answer, and with `ok` the activities with the time of recording.
        """
        change, event = told(change)
        after = change.after
        name = after.name
        p = self.store.partition(after.tenant)
        reply = await self.store.run(
            RECORD,
            p,
            keys={
                **self._keys(p, after, request),
                **_ledger(p, after),
                "activities": keys.activities(p, after.tenant, after.id),
            },
            args={
                **_args(change, request),
                "commissions": pack_booking(change.after.id, change.booking),
                "version": _before(change).version,
                "recorded": [
                    {
                        "row": pack_activity(each),
                        "event": events.activity_facts(name, each).SerializeToString(),
                    }
                    for each in recorded
                ],
                "event": event,
            },
            deadline=deadline,
        )
        if reply.status != "ok":
            return reply, []
        return reply, [each._replace(recorded=reply.fields["time"]) for each in recorded]

    async def assess(
        self, change: Change, request: Request, *, deadline: float | None
    ) -> tuple[Reply, Customer]:
        """Store what was decided anew: `ok`, `missing` or `moved`."""
        change, event = told(change)
        p = self.store.partition(change.after.tenant)
        reply = await self.store.run(
            ASSESS,
            p,
            keys={**self._keys(p, change.after, request), **_ledger(p, change.after)},
            args={
                **_args(change, request),
                "commissions": pack_booking(change.after.id, change.booking),
                "version": _before(change).version,
                "event": event,
            },
            deadline=deadline,
        )
        return reply, _stored(change.after, reply, version=change.after.version)

    async def select(
        self,
        tenant: str,
        selection: Selection,
        *,
        place: Place | None,
        limit: int,
        scan: int,
        deadline: float | None = None,
    ) -> Page:
        """List ids from a place on.

        Args:
            tenant: whose customers.
            selection: which, and in which order.
            place: the one that a page before ended with; None for the first.
            limit: how many at the most.
            scan: how many of the leading index to look at: a page may be short, or even empty, and
                still have a place to go on from.
            deadline: in seconds of `time.monotonic`.
        """
        p = self.store.partition(tenant)
        reply = await self.store.run(
            LIST,
            p,
            keys={"index": keys.index(p, tenant)},
            args={
                "order": "by_rank" if selection.by_rank else "all",
                "within": list(selection.within),
                "without": list(selection.without),
                "descending": selection.descending,
                "score": place[0] if place else None,
                "member": place[1] if place else None,
                "limit": limit,
                "scan": scan,
            },
            deadline=deadline,
        )
        fields = reply.fields
        more = (fields["score"], fields["member"]) if fields["more"] else None
        ids = records.sequence(fields["ids"])
        scores = records.sequence(fields["scores"])
        return Page(ids, list(zip(scores, ids, strict=True)), more, fields["looked"])

    async def each(
        self,
        tenant: str,
        size: int,
        *,
        within: tuple[str, ...] = (),
        without: tuple[str, ...] = (),
    ) -> AsyncGenerator[list[str], None]:
        """Yield the ids of all customers of a tenant, oldest first, some at a time.

        Args:
            tenant: whose customers.
            size: how many at a time.
            within: terms of indexes that they stand in.
            without: terms of indexes that none of them stands in.
        """
        place: Place | None = None
        chosen = Selection(within=within, without=without, descending=False)
        while True:
            page = await self.select(tenant, chosen, place=place, limit=size, scan=size)
            if page.ids:
                yield page.ids
            place = page.place
            if place is None:
                return

    def _keys(self, p: Partition, customer: Customer, request: Request) -> dict[str, str]:
        tenant = customer.tenant
        return {
            "request": p.request_key(tenant, request.id),
            "customer": keys.customer(p, tenant, customer.id),
            "index": keys.index(p, tenant),
            "history": keys.history(p, tenant, customer.id),
            "due": p.due_key(keys.ASSESSMENT),
            "policy": self._book.key(p, tenant),
            "line": keys.line(p, tenant, customer.id),
            "lines": keys.lines(p, tenant),
            "memberships": keys.memberships(p, tenant),
            "customers": keys.customers(p, tenant),
        }


def _args(change: Change, request: Request) -> dict[str, Any]:
    before, after, standing = change.before, change.after, change.standing
    old = index_terms(before.id, before.profile, before.assessment) if before else set()
    new = index_terms(after.id, after.profile, after.assessment)
    tier = after.assessment.tier
    return {
        "fingerprint": request.fingerprint,
        "tenant": after.tenant,
        "customer": after.id,
        "body": pack_body(after),
        "revision": after.assessment.revision,
        "index": sorted(new - old),
        "unindex": sorted(old - new),
        "rank": tier.rank if tier else 0,
        "next_at": after.assessment.next_at,
        "entries": _entries(change),
        "valid_before": change.valid_before,
        "upline": {
            "part": None if standing.part is None else pack_part(standing.part),
            "since": standing.since,
            "strict": standing.strict,
        },
        "downline": after.downline.version,
    }


def _ledger(p: Partition, customer: Customer) -> dict[str, str]:
    tenant = customer.tenant
    return {
        "commissions": keys.commissions(p, tenant, customer.id),
        "statements": keys.statements(p, tenant),
        "commission_sums": keys.commission_sums(p, tenant),
        "undecided": keys.undecided(p, tenant),
    }


def _with_terms(customer: Customer, stored: bytes | None) -> Customer:
    return replace(customer, terms=unpack_terms(stored)) if stored else customer


def _with_line(customer: Customer, stored: bytes | None) -> Customer:
    if not stored:
        return customer
    part, downline = unpack_line(stored)
    return replace(customer, part=part, downline=downline)


def told(change: Change) -> tuple[Change, bytes | None]:
    """Give a changed record its next version, and the event if others would see a difference."""
    before = _before(change)
    after = replace(change.after, version=before.version + 1)
    message = events.customer_facts(after, change.published)
    digest = events.digest_of(message)
    if digest == before.published:
        return replace(change, after=replace(after, published=digest, told=before.told)), None
    after = replace(after, published=digest, told=after.version)
    return replace(change, after=after), message.SerializeToString()


def _before(change: Change) -> Customer:
    if change.before is None:
        raise TypeError(f"{change.what} changes a customer that exists")
    return change.before


def _stored(after: Customer, reply: Reply, *, version: int) -> Customer:
    """The customer as the script stored it, or had stored it when it was first asked."""
    if reply.status != "ok":
        return after
    stored = unpack_body(
        after.tenant,
        after.id,
        records.blob(reply.fields["body"]),
        version=reply.fields.get("version", version),
        created=reply.fields["created"],
        updated=reply.now,
    )
    return replace(stored, part=after.part, downline=after.downline)


def _entries(change: Change) -> list[bytes]:
    before, after = change.before, change.after
    if before is None:
        return [pack_entry(change.actor, "create", {}, {})]
    entries = []
    fields = after.profile.changed(before.profile)
    if fields:
        old, new = before.profile.packable(), after.profile.packable()
        places = [(name, after.profile._fields.index(name)) for name in fields]
        entries.append(
            pack_entry(
                change.actor,
                change.what,
                {name: old[place] for name, place in places},
                {name: new[place] for name, place in places},
            )
        )
    for name, was, becomes in (
        ("stage", before.assessment.stage, after.assessment.stage),
        ("tier", before.assessment.tier, after.assessment.tier),
        ("admission", before.assessment.admission, after.assessment.admission),
    ):
        if becomes is not None and _name(was) != _name(becomes):
            # What was decided before goes to the history whole; what is now, the record has.
            entries.append(
                pack_entry(
                    change.actor,
                    name,
                    {name: was.packable()} if was else {},
                    {name: becomes.name},
                )
            )
    return entries


def _name(verdict: Verdict | None) -> str | None:
    return None if verdict is None else verdict.name
