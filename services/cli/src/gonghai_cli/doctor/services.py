"""The services as the doctor calls them: as one of Gonghai's own, since he looks at all tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import grpc

from gonghai.upkeep.v1.upkeep_service_pb2_grpc import UpkeepServiceStub
from gonghai_chassis.clients import open_channel

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from gonghai_cli.stack import Addresses

PRINCIPAL: Final = "service:doctor"
"""Who calls in dev mode."""


class UpkeepServices:
    """A stub of each service's upkeep; errors come as `PeerRefused` and `PeerUnavailable`."""

    def __init__(
        self, addresses: Addresses, *, token: str = "", ca_file: Path | None = None
    ) -> None:
        """Open the channels; nothing is called yet.

        Args:
            addresses: where the services listen.
            token: bearer token of a principal with the role `service`; "" in dev mode.
            ca_file: who signs the services' certificates; plaintext when None.
        """
        told = ("authorization", f"Bearer {token}") if token else ("x-gonghai-principal", PRINCIPAL)
        credentials = (
            None if ca_file is None else grpc.ssl_channel_credentials(ca_file.read_bytes())
        )
        self._channels = {
            name: open_channel(
                address, service=name, credentials=credentials, headers=lambda: (told,)
            )
            for name, address in addresses.by_name.items()
        }
        self.by_name: Mapping[str, UpkeepServiceStub] = {
            name: UpkeepServiceStub(channel) for name, channel in self._channels.items()
        }

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
        for channel in self._channels.values():
            await channel.close()
