"""The RPCs about more time for a holding."""

# ruff: noqa: N802 - methods are named as the contract names them
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gonghai.pool.v1 import pool_service_pb2 as pb
from gonghai.pool.v1 import pool_service_pb2_grpc as pb_grpc
from gonghai_chassis.context import current
from gonghai_chassis.etags import expected_version
from gonghai_chassis.names import CustomerName, ExtensionName
from gonghai_pool.commands.extensions import Ruling, Wish
from gonghai_pool.messages import extension_message
from gonghai_pool.servicers.circumstances import order_of

if TYPE_CHECKING:
    from gonghai_pool.commands.extensions import Extensions


class ExtensionRpcs(pb_grpc.PoolServiceServicer):
    """Requests for more time, and what becomes of them."""

    _extensions: Extensions

    async def RequestExtension(
        self,
        request: pb.RequestExtensionRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> pb.Extension:
        """Ask for more time, and hear what the plugin's rule says if it has one."""
        customer = CustomerName.parse(request.parent, "parent")
        wish = Wish(customer, request.extension.days, request.extension.reason)
        asked = await self._extensions.ask(wish, order_of(request))
        name = ExtensionName(customer.tenant, customer.id, asked.id)
        return extension_message(name, asked, current().language)

    async def ApproveExtension(
        self,
        request: pb.ApproveExtensionRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> pb.Extension:
        """Give it."""
        return await self._decided(request, approved=True)

    async def DenyExtension(
        self,
        request: pb.DenyExtensionRequest,
        context: Any,  # noqa: ANN401, ARG002
    ) -> pb.Extension:
        """Do not."""
        return await self._decided(request, approved=False)

    async def _decided(
        self, request: pb.ApproveExtensionRequest | pb.DenyExtensionRequest, *, approved: bool
    ) -> pb.Extension:
        name = ExtensionName.parse(request.name, "name")
        ruling = Ruling(name, approved, request.reason, expected_version(request.etag, name))
        decided = await self._extensions.decide(ruling, order_of(request))
        return extension_message(name, decided, current().language)
