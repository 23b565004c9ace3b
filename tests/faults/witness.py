"""Who listens during a run, and who reads everything through the contract when it is over."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final, TypeVar

import grpc

from gonghai.archive.v1 import archive_service_pb2
from gonghai.archive.v1 import events_pb2 as archive_events_pb2
from gonghai.assignment.v1 import assignment_service_pb2
from gonghai.pool.v1 import custody_pb2, pool_service_pb2
from gonghai.pool.v1 import events_pb2 as pool_events_pb2
from gonghai.type.v1 import watch_pb2
from gonghai_chassis.errors import PeerRefused
from gonghai_chassis.instants import instant_of
from gonghai_cli.flow.repeat import repeated
from tests.faults.callers import essentials, ident
from tests.faults.moments import lapse
from tests.faults.record import Heard, State

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    from gonghai_cli.services import Services
    from tests.faults.callers import Doors
    from tests.faults.record import Recorder
    from tests.faults.tenant import Tenant

T = TypeVar("T")

SOURCES: Final = ("archive", "pool", "assignment")

_REQUESTS: Final[dict[str, Any]] = {
    "archive": archive_service_pb2.WatchRequest,
    "pool": pool_service_pb2.WatchRequest,
    "assignment": assignment_service_pb2.WatchRequest,
}
_PAGE: Final = 1000
_AT_ONCE: Final = 8
_BACK_AFTER: Final = 0.1


class Watcher:
    """Follows the events of a tenant from one service, and comes back with its cursor."""

    def __init__(self, doors: Doors, recorder: Recorder, tenant: Tenant, source: str) -> None:
        """Listen to a source; `run` begins."""
        self._stub = getattr(doors, source)
        self._recorder = recorder
        self._cursor = watch_pb2.Cursor()
        self.tenant = tenant
        self.source = source
        self.breaks = 0
        self.last_break = "it was never cut off"

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                async for events in _watched(
                    self._stub, self.source, self.tenant, self._cursor, self._move
                ):
                    for event in events:
                        self._recorder.add(heard(event, self.tenant, self.source, live=True))
            except grpc.aio.AioRpcError as error:
                self.breaks += 1
                self.last_break = f"{error.code().name} {error.details()}"
            await lapse(_BACK_AFTER)

    @property
    def reached(self) -> int:
        """The position up to which it has heard everything."""
        return self._cursor.position

    async def hear(self, head: int, over: Callable[[], bool]) -> None:
        """Wait, until it is over, until it has heard what the stream had at a moment.

        What is missing then is for the checker to see.
        """
        while self.reached < head and not over():
            await lapse(_BACK_AFTER)
        self._recorder.add(
            State(
                self.tenant.id,
                "watched",
                self.source,
                {
                    "head": head,
                    "reached": self.reached,
                    "breaks": self.breaks,
                    "why": self.last_break,
                },
            )
        )

    def _move(self, cursor: watch_pb2.Cursor) -> None:
        self._cursor = cursor


async def _watched(
    stub: Any,  # noqa: ANN401 - a stub of one of three services
    source: str,
    tenant: Tenant,
    cursor: watch_pb2.Cursor,
    move: Callable[[watch_pb2.Cursor], None],
) -> AsyncIterator[list[Any]]:
    request = _REQUESTS[source](scope=watch_pb2.WatchScope(tenant=tenant.name), cursor=cursor)
    call = stub.Watch(request)
    try:
        async for answer in call:
            # Told before the events are used: what follows has no pause in which to be cut off.
            move(answer.checkpoint.cursor)
            yield list(answer.events)
    finally:
        call.cancel()


async def all_events(doors: Doors, tenant: Tenant, source: str) -> list[Heard]:
    """Read a tenant's events from the first to the head."""
    found: list[Heard] = []
    place = watch_pb2.Cursor()

    def move(cursor: watch_pb2.Cursor) -> None:
        place.CopyFrom(cursor)

    stub = getattr(doors, source)
    stream = _watched(stub, source, tenant, watch_pb2.Cursor(), move)
    async with aclosing(stream) as answers:  # type: ignore[type-var]
        before = -1
        async for events in answers:
            found += [heard(event, tenant, source, live=False) for event in events]
            # A message that brought the cursor no further: the head.
            if place.position == before:
                break
            before = place.position
    return found


async def snapshot(doors: Doors, tenant: Tenant) -> list[Heard]:
    """Read what the archive says of its customers now, as if it were events."""
    request = archive_service_pb2.ExportSnapshotRequest(
        scope=watch_pb2.WatchScope(tenant=tenant.name)
    )
    found: list[Heard] = []
    async for answer in doors.archive.ExportSnapshot(request):
        for event in answer.events:
            event.position = len(found) + 1
            found.append(heard(event, tenant, "archive", live=False))
    return found


def heard(
    event: Any,  # noqa: ANN401 - an Event of one of three contracts
    tenant: Tenant,
    source: str,
    *,
    live: bool,
) -> Heard:
    """Take down an event."""
    kind = event.WhichOneof("kind")
    return Heard(
        tenant.id,
        source,
        live,
        event.position,
        event.nonce,
        kind,
        event.subject,
        event.version,
        _what(event, kind),
    )


def _what(event: Any, kind: str) -> dict[str, Any]:  # noqa: ANN401 - as above
    if isinstance(event, pool_events_pb2.Event) and kind == "custody_changed":
        change = event.custody_changed
        return {
            **essentials(change.custody),
            # The custody itself says how it came to be, whatever happened beside it since.
            "change": custody_pb2.CustodyChange.Name(change.change).removeprefix("CUSTODY_CHANGE_"),
            "former": ident(change.former_holder.rep),
            "due": instant_of(change.due_time),
            "time": instant_of(event.time),
        }
    if isinstance(event, archive_events_pb2.Event) and kind == "activity_recorded":
        return {
            "activity": event.activity_recorded.activity,
            "occurred": instant_of(event.activity_recorded.occur_time),
        }
    return {}


class Reader:
    """Reads the state of a tenant through the contract, when all is quiet."""

    def __init__(
        self, services: Services, doors: Doors, recorder: Recorder, tenant: Tenant
    ) -> None:
        """Read what a tenant has."""
        self._services = services
        self._doors = doors
        self._recorder = recorder
        self._tenant = tenant
        self._free = asyncio.Semaphore(_AT_ONCE)

    async def run(self, *, whole: bool) -> None:
        """Read everything into the record.

        Args:
            whole: whether the streams have their first entries; else what the archive says of its
                customers is read as a snapshot.
        """
        names = await self._known()
        if whole:
            read = [all_events(self._doors, self._tenant, source) for source in SOURCES]
        else:
            read = [snapshot(self._doors, self._tenant)]
        told = {name for tenant, name in self._recorder.customers if tenant == self._tenant.id}
        for heard_of in await asyncio.gather(*read):
            for event in heard_of:
                self._recorder.add(event)
                if event.source == "pool" and event.kind == "custody_changed":
                    told.add(event.subject)
        # Also of whom the archive never had: he was reserved for an owner, and then not made.
        in_pool = sorted({*names, *told})
        await self._each(self._custody, in_pool)
        await self._each(self._history, in_pool)
        await self._each(self._activities, names)
        await self._customers(names)
        await self._each(self._quota, self._tenant.reps)
        await self._listed()

    async def _known(self) -> list[str]:
        """Return the ids of all customers of the archive."""
        found: list[str] = []
        token = ""
        while True:
            request = archive_service_pb2.ListCustomersRequest(
                parent=self._tenant.name, page_size=_PAGE, page_token=token
            )
            page = await repeated(
                lambda asked=request: self._services.archive.ListCustomers(asked)  # type: ignore[misc]
            )
            found += [ident(customer.name) for customer in page.customers]
            token = page.next_page_token
            if not token:
                return sorted(found)

    async def _each(self, read: Callable[[str], Awaitable[None]], subjects: Iterable[str]) -> None:
        async def one(subject: str) -> None:
            async with self._free:
                await read(subject)

        async with asyncio.TaskGroup() as group:
            for subject in subjects:
                group.create_task(one(subject))

    def _note(self, kind: str, subject: str, content: Any) -> None:  # noqa: ANN401 - JSON
        self._recorder.add(State(self._tenant.id, kind, subject, content))

    async def _custody(self, customer: str) -> None:
        name = f"{self._tenant.name}/customers/{customer}/custody"
        request = pool_service_pb2.GetCustodyRequest(name=name)
        try:
            custody = await repeated(lambda: self._services.pool.GetCustody(request))
        except PeerRefused as refusal:
            self._note("custody", customer, {"refused": refusal.reason.name})
            return
        self._note(
            "custody",
            customer,
            {
                **essentials(custody),
                "archive_version": custody.archive_version,
                "reserved_for": ident(custody.reservation.rep),
                "weight": custody.weight_milli,
            },
        )

    async def _history(self, customer: str) -> None:
        entries: list[custody_pb2.CustodyHistoryEntry] = []
        token = ""
        while True:
            request = pool_service_pb2.ListCustodyHistoryRequest(
                parent=f"{self._tenant.name}/customers/{customer}",
                page_size=_PAGE,
                page_token=token,
            )
            try:
                page = await repeated(
                    lambda asked=request: self._services.pool.ListCustodyHistory(asked)  # type: ignore[misc]
                )
            except PeerRefused:
                return
            entries += page.entries
            token = page.next_page_token
            if not token:
                break
        told = [
            {
                "version": entry.version,
                "term": entry.term,
                "change": custody_pb2.CustodyChange.Name(entry.change).removeprefix(
                    "CUSTODY_CHANGE_"
                ),
                "state": custody_pb2.CustodyState.Name(entry.state).removeprefix("CUSTODY_STATE_"),
                "holder": ident(entry.holder.rep),
                "former": ident(entry.former_holder.rep),
                "time": instant_of(entry.time),
            }
            for entry in entries
        ]
        self._note("history", customer, sorted(told, key=lambda entry: entry["version"]))

    async def _activities(self, customer: str) -> None:
        found: list[dict[str, Any]] = []
        token = ""
        while True:
            request = archive_service_pb2.ListActivitiesRequest(
                parent=f"{self._tenant.name}/customers/{customer}",
                page_size=_PAGE,
                page_token=token,
            )
            try:
                page = await repeated(
                    lambda asked=request: self._services.archive.ListActivities(asked)  # type: ignore[misc]
                )
            except PeerRefused:
                return
            found += [
                {
                    "activity": ident(each.name),
                    "occurred": instant_of(each.occur_time),
                    "amount": each.purchase.amount.units,
                }
                for each in page.activities
            ]
            token = page.next_page_token
            if not token:
                break
        self._note("activities", customer, found)

    async def _customers(self, customers: list[str]) -> None:
        for customer in customers:
            request = archive_service_pb2.GetCustomerRequest(
                name=f"{self._tenant.name}/customers/{customer}"
            )
            try:
                got = await repeated(
                    lambda asked=request: self._services.archive.GetCustomer(asked)  # type: ignore[misc]
                )
            except PeerRefused as refusal:
                self._note("customer", customer, {"refused": refusal.reason.name})
                continue
            self._note(
                "customer",
                customer,
                {
                    "owner": ident(got.custody.owner),
                    "state": got.custody.state,
                    "version": got.custody.version,
                    "amount": got.metrics.amount_365d.units,
                },
            )

    async def _quota(self, rep: str) -> None:
        request = pool_service_pb2.GetQuotaRequest(rep=f"{self._tenant.name}/reps/{rep}")
        quota = await repeated(lambda: self._services.pool.GetQuota(request))
        self._note(
            "quota",
            rep,
            {
                "holdings": quota.holdings,
                "weight": quota.weight_milli,
                "claimed": quota.claimed_total,
                "limit": quota.holding_limit,
            },
        )
        asked = assignment_service_pb2.GetRepRequest(name=request.rep)
        known = await repeated(lambda: self._services.assignment.GetRep(asked))
        self._note("rep", rep, {"holdings": known.holdings, "load": known.load_milli})

    async def _listed(self) -> None:
        held: dict[str, str] = {}
        token = ""
        while True:
            request = pool_service_pb2.ListHoldingsRequest(
                parent=self._tenant.name, page_size=_PAGE, page_token=token
            )
            page = await repeated(
                lambda asked=request: self._services.pool.ListHoldings(asked)  # type: ignore[misc]
            )
            held |= {ident(each.customer): ident(each.holder.rep) for each in page.custodies}
            token = page.next_page_token
            if not token:
                break
        self._note("holdings", "", held)
