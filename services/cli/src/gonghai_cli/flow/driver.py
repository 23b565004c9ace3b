"""What every step of a flow has at hand: the services, the sample, the run's request ids."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gonghai.dev.v1 import clock_pb2
from gonghai_chassis.errors import PeerRefused, Reason
from gonghai_chassis.instants import instant_of, timestamp
from gonghai_cli.flow.progress import Silent, Telling
from gonghai_cli.flow.repeat import repeated

if TYPE_CHECKING:
    from gonghai_cli.flow.sample import Sample
    from gonghai_cli.services import Services


@dataclass(frozen=True, slots=True)
class Driver:
    """Plays a sample.

    Attributes:
        services: to whom.
        sample: what.
        telling: who is told how far it is.
    """

    services: Services
    sample: Sample
    telling: Telling = field(default_factory=Silent)

    @property
    def parent(self) -> str:
        """The tenant's name."""
        return f"tenants/{self.sample.tenant}"

    def region_path(self, region: str) -> str:
        """Return the path of a region's ids from the top."""
        parents = {each.id: each.parent for each in self.sample.regions}
        path = [region]
        while (above := parents[path[0]]) is not None:
            path.insert(0, above)
        return "/".join(path)

    def request_id(self, step: str) -> str:
        """Return the id of a mutation: the same each time the flow comes by."""
        return hashlib.sha256(step.encode()).hexdigest()[:32]

    async def freeze(self, now: int) -> None:
        """Let the clock stand still at a moment, unless it is further already."""
        request = clock_pb2.SetClockRequest(now=timestamp(now), frozen=True)
        try:
            await repeated(lambda: self.services.clock.SetClock(request))
        except PeerRefused as error:
            if error.reason is not Reason.CLOCK_NOT_MOVABLE:
                raise

    async def now(self) -> int:
        """Return where the clock stands (µs)."""
        request = clock_pb2.GetClockRequest()
        clock = await repeated(lambda: self.services.clock.GetClock(request))
        return instant_of(clock.now)

    async def advance(self, until: int) -> None:
        """Move the clock on, unless it is further; everything that falls due on the way is done."""

        async def move() -> None:
            request = clock_pb2.AdvanceClockRequest(until=timestamp(until))
            async for _ in self.services.clock.AdvanceClock(request):
                pass

        try:
            await repeated(move)
        except PeerRefused as error:
            if error.reason is not Reason.CLOCK_NOT_MOVABLE:
                raise

    async def quiet(self) -> None:
        """Wait until the services have nothing left to do at the present moment."""
        request = clock_pb2.AwaitQuietRequest()
        await repeated(lambda: self.services.clock.AwaitQuiet(request, timeout=60.0))
