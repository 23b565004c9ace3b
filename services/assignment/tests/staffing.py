"""Assignment being served beside fake peers, and short ways to staff a tenant."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gonghai.assignment.v1 import assignment_service_pb2 as pb
from gonghai.assignment.v1 import rep_pb2
from gonghai.assignment.v1.assignment_service_pb2_grpc import AssignmentServiceStub
from gonghai.dev.v1.clock_pb2_grpc import ClockServiceStub
from gonghai_assignment.service import assemble
from gonghai_assignment.settings import AssignmentSettings
from gonghai_chassis.testing.serving import dev_settings, serving

from .peers import TENANT, serving_peers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gonghai_chassis.store import StoreSettings
    from gonghai_chassis.testing.serving import Served

    from .peers import Peers

PARENT = f"tenants/{TENANT}"


@dataclass(frozen=True, slots=True)
class Assignment:
    """The service, its callers' stub (dev's admin) and its peers."""

    served: Served[AssignmentSettings]
    peers: Peers
    stub: AssignmentServiceStub

    @property
    def clock(self) -> ClockServiceStub:
        return self.served.stub(ClockServiceStub)

    def as_(self, principal: str) -> AssignmentServiceStub:
        return self.served.stub(AssignmentServiceStub, principal=principal)

    async def region(self, ident: str, above: str = "", **facts: Any) -> rep_pb2.Region:  # noqa: ANN401
        region = rep_pb2.Region(
            display_name=ident.title(),
            parent_region=f"{PARENT}/regions/{above}" if above else "",
            facts=facts,
        )
        return await self.stub.CreateRegion(
            pb.CreateRegionRequest(parent=PARENT, region_id=ident, region=region)
        )

    async def team(self, ident: str, *managers: str) -> rep_pb2.Team:
        team = rep_pb2.Team(
            display_name=ident.title(), managers=[f"{PARENT}/reps/{one}" for one in managers]
        )
        return await self.stub.CreateTeam(
            pb.CreateTeamRequest(parent=PARENT, team_id=ident, team=team)
        )

    async def rep(self, ident: str, **fields: Any) -> rep_pb2.Rep:  # noqa: ANN401
        rep = rep_pb2.Rep(
            **{
                "display_name": ident.title(),
                "seniority": rep_pb2.SENIORITY_SENIOR,
                "capacity": 100,
                **fields,
            }
        )
        return await self.stub.CreateRep(pb.CreateRepRequest(parent=PARENT, rep_id=ident, rep=rep))

    async def change(self, ident: str, *mask: str, **fields: Any) -> rep_pb2.Rep:  # noqa: ANN401
        rep = rep_pb2.Rep(name=f"{PARENT}/reps/{ident}", **fields)
        request = pb.UpdateRepRequest(rep=rep)
        request.update_mask.paths.extend(mask or sorted(fields))
        return await self.stub.UpdateRep(request)

    async def get(self, ident: str) -> rep_pb2.Rep:
        return await self.stub.GetRep(pb.GetRepRequest(name=f"{PARENT}/reps/{ident}"))

    async def explain(self, customer: str, rep: str = "") -> pb.ExplainAssignmentResponse:
        return await self.stub.ExplainAssignment(
            pb.ExplainAssignmentRequest(
                customer=f"{PARENT}/customers/{customer}",
                rep=f"{PARENT}/reps/{rep}" if rep else "",
            )
        )


@asynccontextmanager
async def serving_assignment(
    store: StoreSettings,
    peers: Peers,
    **settings: Any,  # noqa: ANN401
) -> AsyncIterator[Assignment]:
    """Serve assignment beside peers that are served already."""
    told = dev_settings(
        AssignmentSettings,
        store=store,
        archive_address=peers.archive_address,
        pool_address=peers.pool_address,
        **settings,
    )
    async with serving("assignment", assemble, told) as served:
        yield Assignment(served, peers, served.stub(AssignmentServiceStub))


@asynccontextmanager
async def serving_all(store: StoreSettings) -> AsyncIterator[Assignment]:
    """Serve assignment and its peers."""
    async with serving_peers() as peers, serving_assignment(store, peers) as assignment:
        yield assignment
