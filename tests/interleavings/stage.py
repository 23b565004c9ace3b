"""The three services in this process, over real gRPC and one real store, on a clock that stands.

Between pool and archive there is a link that a test can cut.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from google.type import money_pb2

from gonghai.archive.v1 import activity_pb2, archive_service_pb2, customer_pb2
from gonghai.archive.v1.archive_service_pb2_grpc import ArchiveServiceStub
from gonghai.assignment.v1 import assignment_service_pb2, rep_pb2
from gonghai.assignment.v1.assignment_service_pb2_grpc import AssignmentServiceStub
from gonghai.dev.v1 import clock_pb2
from gonghai.dev.v1.clock_pb2_grpc import ClockServiceStub
from gonghai.policy.v1 import policy_service_pb2
from gonghai.policy.v1.policy_service_pb2_grpc import PolicyServiceStub
from gonghai.pool.v1 import custody_pb2, pool_pb2, pool_service_pb2
from gonghai.pool.v1.pool_service_pb2_grpc import PoolServiceStub
from gonghai_archive.service import assemble as assemble_archive
from gonghai_archive.settings import ArchiveSettings
from gonghai_assignment.service import assemble as assemble_assignment
from gonghai_assignment.settings import AssignmentSettings
from gonghai_chassis.embedded import free_port
from gonghai_chassis.instants import timestamp
from gonghai_chassis.testing import eventually
from gonghai_chassis.testing.links import Link, linked
from gonghai_chassis.testing.serving import Served, dev_settings, serving
from gonghai_policy_service.values import to_values
from gonghai_pool.service import assemble as assemble_pool
from gonghai_pool.settings import PoolSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gonghai_chassis.store import StoreSettings

TENANT = "acme"
PARENT = f"tenants/{TENANT}"
REGION = "east"
HOUR = 3_600_000_000
DAY = 24 * HOUR


def at(year: int, month: int, day: int, hour: int = 0) -> int:
    """An instant by Shanghai's clock."""
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp() - 8 * 3600) * 1_000_000


START = at(2060, 3, 3, 10)
"""A Wednesday; later than any clock that a test runs by: domain time only goes forward."""


def customer_name(customer: str) -> str:
    """The resource name of a customer."""
    return f"{PARENT}/customers/{customer}"


def rep_name(rep: str) -> str:
    """The resource name of a rep."""
    return f"{PARENT}/reps/{rep}"


@dataclass
class Stage:
    """The services and what a test does with them."""

    archive: Served[ArchiveSettings]
    pool: Served[PoolSettings]
    assignment: Served[AssignmentSettings]
    link: Link
    """Between pool and the archive."""
    now: int = START

    def __post_init__(self) -> None:
        """Open the stubs, as the tenant's administrator."""
        self.archives: Any = self.archive.stub(ArchiveServiceStub)
        self.pools: Any = self.pool.stub(PoolServiceStub)
        self.assignments: Any = self.assignment.stub(AssignmentServiceStub)
        self._clock: Any = self.archive.stub(ClockServiceStub)

    async def at(self, now: int) -> None:
        """Set the clock; nothing is waited for."""
        self.now = now
        await self._clock.SetClock(clock_pb2.SetClockRequest(now=timestamp(now), frozen=True))

    async def staffed(self, policy: str) -> None:
        """A policy, the team `sales` with reps who choose for themselves, and an open pool."""
        policies: Any = self.archive.stub(PolicyServiceStub)
        await policies.ApplyPolicy(
            policy_service_pb2.ApplyPolicyRequest(parent=PARENT, document=policy)
        )
        await self.assignments.CreateTeam(
            assignment_service_pb2.CreateTeamRequest(
                parent=PARENT, team_id="sales", team=rep_pb2.Team(display_name="Sales")
            )
        )
        await self.assignments.CreateRegion(
            assignment_service_pb2.CreateRegionRequest(
                parent=PARENT, region_id="east", region=rep_pb2.Region(display_name="East")
            )
        )
        for rep in ("wang", "zhao"):
            await self.rep(rep)
        await self.pools.CreatePool(
            pool_service_pb2.CreatePoolRequest(
                parent=PARENT,
                pool_id="sea",
                pool=pool_pb2.Pool(
                    display_name="Sea",
                    fallback=True,
                    members=[pool_pb2.PoolMember(team=f"{PARENT}/teams/sales")],
                ),
            )
        )

    async def rep(self, rep: str, **fields: Any) -> None:  # noqa: ANN401 - fields of a rep
        """A rep, who gets nothing by assignment."""
        told = {
            "display_name": rep,
            "team": f"{PARENT}/teams/sales",
            "seniority": rep_pb2.SENIORITY_SENIOR,
            "regions": [REGION],
            "capacity": 10,
            # He claims for himself, and is given nothing.
            "state": rep_pb2.REP_STATE_PAUSED,
            **fields,
        }
        await self.assignments.CreateRep(
            assignment_service_pb2.CreateRepRequest(
                parent=PARENT, rep_id=rep, rep=rep_pb2.Rep(**told)
            )
        )

    async def customer(self, customer: str, **attributes: object) -> None:
        """A customer in the pool, with attributes as the plugin wants them."""
        await self.archives.CreateCustomer(
            archive_service_pb2.CreateCustomerRequest(
                parent=PARENT,
                customer_id=customer,
                customer=customer_pb2.Customer(
                    display_name=customer, region=REGION, attributes=to_values(attributes)
                ),
            )
        )
        await self.until(customer, custody_pb2.CUSTODY_STATE_IN_POOL)

    async def held(self, customer: str = "c1", rep: str = "wang") -> None:
        """A customer whom a rep has claimed."""
        await self.customer(customer)
        await self.claim(customer, rep)

    async def claim(self, customer: str = "c1", rep: str = "wang") -> None:
        """A rep claims a customer."""
        claims: Any = self.pool.stub(PoolServiceStub, principal=f"rep:{rep}@{TENANT}")

        async def claimed() -> bool:
            # The rep's word may still be on its way to pool.
            if not await self.known(rep, customer):
                return False
            await claims.ClaimCustomer(
                pool_service_pb2.ClaimCustomerRequest(customer=customer_name(customer))
            )
            return True

        await eventually(claimed)

    async def known(self, rep: str, customer: str) -> bool:
        """Whether pool has heard of a rep, so that he may claim."""
        trial = await self.pools.ExplainCustody(
            pool_service_pb2.ExplainCustodyRequest(
                customer=customer_name(customer), rep=rep_name(rep)
            )
        )
        assert trial.claimable, trial.obstacles
        return True

    async def follow_up(self, customer: str = "c1", *, when: int | None = None) -> None:
        """A rep's call, recorded in the archive now."""
        await self.archives.RecordFollowUp(
            archive_service_pb2.RecordFollowUpRequest(
                parent=customer_name(customer),
                follow_up=activity_pb2.FollowUp(
                    channel=customer_pb2.CONTACT_CHANNEL_PHONE,
                    outcome=activity_pb2.FOLLOW_UP_OUTCOME_INTERESTED,
                ),
                rep=rep_name("wang"),
                occur_time=timestamp(self.now if when is None else when),
            )
        )

    async def purchase(self, customer: str, yuan: int, when: int) -> None:
        """An order."""
        await self.archives.RecordPurchase(
            archive_service_pb2.RecordPurchaseRequest(
                parent=customer_name(customer),
                purchase=activity_pb2.Purchase(
                    amount=money_pb2.Money(currency_code="CNY", units=yuan)
                ),
                occur_time=timestamp(when),
            )
        )

    async def custody(self, customer: str = "c1") -> custody_pb2.Custody:
        """Who has a customer."""
        request = pool_service_pb2.GetCustodyRequest(name=f"{customer_name(customer)}/custody")
        custody: custody_pb2.Custody = await self.pools.GetCustody(request)
        return custody

    async def until(self, customer: str, state: custody_pb2.CustodyState.ValueType) -> None:
        """Wait until a customer's custody is in a state."""

        async def there() -> bool:
            try:
                return (await self.custody(customer)).state == state
            except Exception as error:
                raise AssertionError from error

        await eventually(there)

    async def warned(self, customer: str = "c1") -> None:
        """Wait until the rep has been warned."""

        async def said() -> bool:
            return (await self.custody(customer)).warned

        await eventually(said)

    async def waits(self, customer: str = "c1") -> None:
        """Wait until the reclaim is overdue and waits for the archive."""

        async def waiting() -> bool:
            explained = await self.pools.ExplainCustody(
                pool_service_pb2.ExplainCustodyRequest(customer=customer_name(customer))
            )
            return bool(explained.waits_for.startswith("the archive"))

        await eventually(waiting)


@asynccontextmanager
async def stage(store: StoreSettings) -> AsyncIterator[Stage]:
    """Serve all three while the block runs; the clock stands at `START`."""
    ports = {name: free_port() for name in ("archive", "pool", "assignment")}
    told = {f"{name}_address": f"127.0.0.1:{port}" for name, port in ports.items()}
    async with AsyncExitStack() as running:
        link = await running.enter_async_context(linked(told["archive_address"]))
        of_pool = {**told, "archive_address": link.address}
        archive = await running.enter_async_context(
            serving(
                "archive",
                assemble_archive,
                dev_settings(ArchiveSettings, store=store, port=ports["archive"], **told),
            )
        )
        pool = await running.enter_async_context(
            serving(
                "pool",
                assemble_pool,
                dev_settings(PoolSettings, store=store, port=ports["pool"], **of_pool),
            )
        )
        assignment = await running.enter_async_context(
            serving(
                "assignment",
                assemble_assignment,
                dev_settings(AssignmentSettings, store=store, port=ports["assignment"], **told),
            )
        )
        made = Stage(archive, pool, assignment, link)
        await made.at(START)
        yield made
