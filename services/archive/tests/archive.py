"""The archive served for a test, with its neighbours, on a frozen clock."""

# ruff: noqa: ANN401 - keyword arguments are fields of whatever message
from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from google.type import money_pb2

from gonghai.archive.v1 import activity_pb2, customer_pb2
from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai.archive.v1.archive_service_pb2_grpc import ArchiveServiceStub
from gonghai.dev.v1 import clock_pb2
from gonghai.dev.v1.clock_pb2_grpc import ClockServiceStub
from gonghai.policy.v1 import policy_service_pb2
from gonghai.policy.v1.policy_service_pb2_grpc import PolicyServiceStub
from gonghai_archive.service import build
from gonghai_archive.settings import ArchiveSettings
from gonghai_archive.store.rows import unpack_entry
from gonghai_chassis.instants import timestamp
from gonghai_chassis.testing.serving import Served, dev_settings, serving

from .neighbours import Neighbours, neighbours
from .trade_plugin import trade_engine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gonghai_chassis.assembly import Assembly
    from gonghai_chassis.store import Store, StoreSettings
    from gonghai_engine import Engine

PARENT = "tenants/acme"
DAY = 86_400_000_000


def at(year: int, month: int, day: int, hour: int = 0) -> int:
    """An instant by Shanghai's clock."""
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp() - 8 * 3600) * 1_000_000


START = at(2060, 3, 2, 10)
"""Later than any clock that a test runs by: domain time only goes forward."""


@dataclass
class Archive:
    """The served archive and its neighbours."""

    served: Served[ArchiveSettings]
    beside: Neighbours

    @property
    def stub(self) -> Any:
        """As the local admin."""
        return self.served.stub(ArchiveServiceStub)

    def as_(self, principal: str) -> Any:
        """As somebody: `rep:wang@acme`."""
        return self.served.stub(ArchiveServiceStub, principal=principal)

    async def set_clock(self, now: int) -> None:
        await self.served.stub(ClockServiceStub).SetClock(
            clock_pb2.SetClockRequest(now=timestamp(now), frozen=True)
        )

    async def work(self) -> clock_pb2.GetWorkResponse:
        work: clock_pb2.GetWorkResponse = await self.served.stub(ClockServiceStub).GetWork(
            clock_pb2.GetWorkRequest()
        )
        return work

    async def apply_policy(self, document: str) -> policy_service_pb2.PolicyRevision:
        revision: policy_service_pb2.PolicyRevision = await self.served.stub(
            PolicyServiceStub
        ).ApplyPolicy(policy_service_pb2.ApplyPolicyRequest(parent=PARENT, document=document))
        return revision

    async def create(self, ident: str, **what: Any) -> customer_pb2.Customer:
        """Make a customer of the fields given; `owner` and `request_id` are the request's."""
        request = {name: what.pop(name) for name in ("owner", "request_id") if name in what}
        customer: customer_pb2.Customer = await self.stub.CreateCustomer(
            pb.CreateCustomerRequest(
                parent=PARENT,
                customer_id=ident,
                customer=customer_pb2.Customer(display_name=f"Customer {ident}", **what),
                **request,
            )
        )
        return customer

    async def get(self, ident: str, **what: Any) -> customer_pb2.Customer:
        customer: customer_pb2.Customer = await self.stub.GetCustomer(
            pb.GetCustomerRequest(name=name(ident), **what)
        )
        return customer


async def history_of(store: Store, ident: str) -> list[tuple[int, Any]]:
    """The entries of a history: each its time, and who, for whom, what, before, after."""
    p = store.partition("acme")
    entries = await store.client(p).lrange(p.key("history", "acme", ident), 0, -1)
    return [
        unpack_entry(entry if isinstance(entry, bytes) else entry.encode()) for entry in entries
    ]


def name(ident: str) -> str:
    return f"{PARENT}/customers/{ident}"


def money(minor: int) -> money_pb2.Money:
    units, cents = divmod(minor, 100)
    return money_pb2.Money(currency_code="CNY", units=units, nanos=cents * 10_000_000)


def purchase(amount: int, *lines: tuple[str, str]) -> activity_pb2.Purchase:
    return activity_pb2.Purchase(
        amount=money(amount),
        lines=[activity_pb2.PurchaseLine(product=p, category=c) for p, c in lines],
    )


def bought(
    ident: str, activity: str, amount: int, when: int | None = None, **what: Any
) -> activity_pb2.Activity:
    """A purchase with its whole name, for batches and streams."""
    return activity_pb2.Activity(
        name=f"{name(ident)}/activities/{activity}",
        purchase=purchase(amount),
        occur_time=timestamp(when),
        **what,
    )


@asynccontextmanager
async def archive(
    store: StoreSettings, *, engine: Engine | None = None, limit: int = 1000, now: int = START
) -> AsyncIterator[Archive]:
    """Serve the archive with its neighbours; the clock stands at `now`."""
    decides = engine or trade_engine()

    async def assemble(assembly: Assembly[ArchiveSettings]) -> None:
        await build(assembly, decides)

    async with neighbours(limit) as beside:
        settings = dev_settings(
            ArchiveSettings,
            store=store,
            pool_address=beside.address,
            assignment_address=beside.address,
        )
        async with serving("archive", assemble, settings) as served:
            running = Archive(served, beside)
            await running.set_clock(now)
            yield running
