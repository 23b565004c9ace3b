"""The services as the command line calls them: typed stubs over channels of the one client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import grpc

from gonghai.archive.v1.archive_service_pb2_grpc import ArchiveServiceStub
from gonghai.assignment.v1.assignment_service_pb2_grpc import AssignmentServiceStub
from gonghai.dev.v1.clock_pb2_grpc import ClockServiceStub
from gonghai.policy.v1.policy_service_pb2_grpc import PolicyServiceStub
from gonghai.pool.v1.pool_service_pb2_grpc import PoolServiceStub
from gonghai.upkeep.v1.upkeep_service_pb2_grpc import UpkeepServiceStub
from gonghai_chassis.clients import open_channel
from gonghai_cli.language import Language

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from gonghai_cli.stack import Addresses

_LARGEST_MESSAGE: Final = 4 * 1024 * 1024


class Services:
    """A stub of each service; errors come as `PeerRefused` and `PeerUnavailable`."""

    def __init__(
        self,
        addresses: Addresses,
        *,
        principal: str = "",
        language: Language = Language.EN,
        token: str = "",
        ca_file: Path | None = None,
    ) -> None:
        """Open the channels; nothing is called yet.

        Args:
            addresses: where the services listen.
            principal: who calls, in dev mode; "" for the local administrator.
            language: in which reasons are to come.
            token: bearer token of who calls, in production; "" in dev mode.
            ca_file: who signs the services' certificates; plaintext when None.
        """
        headers = [("accept-language", str(language))]
        if token:
            headers.append(("authorization", f"Bearer {token}"))
        elif principal:
            headers.append(("x-gonghai-principal", principal))
        fixed = tuple(headers)
        credentials = (
            None if ca_file is None else grpc.ssl_channel_credentials(ca_file.read_bytes())
        )
        self._channels = {
            name: open_channel(
                address,
                service=name,
                credentials=credentials,
                headers=lambda: fixed,
                max_message_bytes=_LARGEST_MESSAGE,
            )
            for name, address in addresses.by_name.items()
        }
        self.archive = ArchiveServiceStub(self._channels["archive"])
        self.pool = PoolServiceStub(self._channels["pool"])
        self.assignment = AssignmentServiceStub(self._channels["assignment"])
        self.policies_of: Mapping[str, PolicyServiceStub] = {
            name: PolicyServiceStub(channel) for name, channel in self._channels.items()
        }
        self.policies = self.policies_of["archive"]
        self.clock = ClockServiceStub(self._channels["archive"])
        self.upkeep: Mapping[str, UpkeepServiceStub] = {
            name: UpkeepServiceStub(channel) for name, channel in self._channels.items()
        }

    async def close(self) -> None:
        """Close the channels."""
        for channel in self._channels.values():
            await channel.close()

    async def __aenter__(self) -> Self:
        """Use them."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the channels."""
        await self.close()
