"""Nothing leaves the chain but an answer or a status: not even a fault of the other stages."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc

from gonghai_chassis.chain.errors import leave
from gonghai_chassis.incidents import incident_of

if TYPE_CHECKING:
    from gonghai_chassis.chain.call import Call, Method, Proceed


class Recovery:
    """The outermost stage: a stage that fails makes the call INTERNAL, and the server goes on."""

    name = "recovery"

    def around(self, method: Method, proceed: Proceed) -> Proceed:
        """Catch what the other stages let through."""

        async def run(call: Call) -> object:
            try:
                return await proceed(call)
            except (grpc.aio.AbortError, asyncio.CancelledError):
                raise
            except Exception as error:  # noqa: BLE001 - this is what the stage is for
                return await leave(call, incident_of(error, method=method.path))

        return run
