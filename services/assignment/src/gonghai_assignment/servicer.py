"""`AssignmentService`: each method goes to the servicer of its group; the rest is not built yet."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from gonghai.assignment.v1.assignment_service_pb2_grpc import AssignmentServiceServicer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gonghai.assignment.v1 import assignment_service_pb2 as pb
    from gonghai.assignment.v1 import rep_pb2
    from gonghai_assignment.servicers.routing import RoutingServicer
    from gonghai_assignment.servicers.simulation import SimulationServicer
    from gonghai_assignment.servicers.staff import StaffServicer
    from gonghai_chassis.watching import WatchServer


class AssignmentServicer(AssignmentServiceServicer):
    """Answers the contract's methods; what it does not have, the door answers UNIMPLEMENTED."""

    def __init__(
        self,
        staff: StaffServicer,
        routing: RoutingServicer,
        simulation: SimulationServicer,
        watching: WatchServer,
    ) -> None:
        """Take who answers each group."""
        self._staff = staff
        self._routing = routing
        self._simulation = simulation
        self._watching = watching

    async def CreateRegion(  # noqa: N802 - the contract's names
        self, request: pb.CreateRegionRequest, context: object
    ) -> rep_pb2.Region:
        """Make a region."""
        del context
        return await self._staff.create_region(request)

    async def GetRegion(  # noqa: N802
        self, request: pb.GetRegionRequest, context: object
    ) -> rep_pb2.Region:
        """Get a region."""
        del context
        return await self._staff.get_region(request)

    async def UpdateRegion(  # noqa: N802
        self, request: pb.UpdateRegionRequest, context: object
    ) -> rep_pb2.Region:
        """Change a region."""
        del context
        return await self._staff.update_region(request)

    async def ListRegions(  # noqa: N802
        self, request: pb.ListRegionsRequest, context: object
    ) -> pb.ListRegionsResponse:
        """List regions."""
        del context
        return await self._staff.list_regions(request)

    async def CreateTeam(  # noqa: N802
        self, request: pb.CreateTeamRequest, context: object
    ) -> rep_pb2.Team:
        """Make a team."""
        del context
        return await self._staff.create_team(request)

    async def GetTeam(  # noqa: N802
        self, request: pb.GetTeamRequest, context: object
    ) -> rep_pb2.Team:
        """Get a team."""
        del context
        return await self._staff.get_team(request)

    async def UpdateTeam(  # noqa: N802
        self, request: pb.UpdateTeamRequest, context: object
    ) -> rep_pb2.Team:
        """Change a team."""
        del context
        return await self._staff.update_team(request)

    async def ListTeams(  # noqa: N802
        self, request: pb.ListTeamsRequest, context: object
    ) -> pb.ListTeamsResponse:
        """List teams."""
        del context
        return await self._staff.list_teams(request)

    async def CreateRep(  # noqa: N802
        self, request: pb.CreateRepRequest, context: object
    ) -> rep_pb2.Rep:
        """Make a rep."""
        del context
        return await self._staff.create_rep(request)

    async def GetRep(  # noqa: N802
        self, request: pb.GetRepRequest, context: object
    ) -> rep_pb2.Rep:
        """Get a rep."""
        del context
        return await self._staff.get_rep(request)

    async def UpdateRep(  # noqa: N802
        self, request: pb.UpdateRepRequest, context: object
    ) -> rep_pb2.Rep:
        """Change a rep."""
        del context
        return await self._staff.update_rep(request)

    async def ListReps(  # noqa: N802
        self, request: pb.ListRepsRequest, context: object
    ) -> pb.ListRepsResponse:
        """List reps."""
        del context
        return await self._staff.list_reps(request)

    async def SuggestReps(  # noqa: N802
        self, request: pb.SuggestRepsRequest, context: object
    ) -> pb.SuggestRepsResponse:
        """Say who suits a customer."""
        del context
        return await self._routing.suggest_reps(request)

    async def RouteCustomer(  # noqa: N802
        self, request: pb.RouteCustomerRequest, context: object
    ) -> pb.RouteCustomerResponse:
        """Choose a rep for a customer and assign it."""
        del context
        return await self._routing.route_customer(request)

    async def ExplainAssignment(  # noqa: N802
        self, request: pb.ExplainAssignmentRequest, context: object
    ) -> pb.ExplainAssignmentResponse:
        """Say why a customer went to whom it went."""
        del context
        return await self._routing.explain_assignment(request)

    async def SimulateRouting(  # noqa: N802
        self, request_iterator: AsyncIterator[pb.SimulateRoutingRequest], context: object
    ) -> AsyncIterator[pb.SimulateRoutingResponse]:
        """Say to whom customers would be given."""
        del context
        async with aclosing(self._simulation.simulate_routing(request_iterator)) as answers:
            async for response in answers:
                yield response

    async def Watch(  # noqa: N802
        self, request: pb.WatchRequest, context: object
    ) -> AsyncIterator[pb.WatchResponse]:
        """Stream the service's changes."""
        del context
        async for response in self._watching.watch(request):
            yield response

    async def ExportSnapshot(  # noqa: N802
        self, request: pb.ExportSnapshotRequest, context: object
    ) -> AsyncIterator[pb.ExportSnapshotResponse]:
        """Stream the present state."""
        del context
        async for response in self._watching.export(request):
            yield response
