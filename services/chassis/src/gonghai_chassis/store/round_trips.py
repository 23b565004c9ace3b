"""Round trips: several commands in one write, and their answers in order.

redis-py's own pipeline does the same at two thirds of the speed: it takes a connection from the
pool, checks it and gives it back for each trip, and runs each answer through the client. Here a
connection that was used a moment ago is used again, and connecting, TLS, Sentinel and the protocol
stay redis-py's.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Any

from hiredis import pack_command
from redis.exceptions import ResponseError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.asyncio import Redis

_FRESH = 0.1
"""Seconds without use after which a connection is checked before it is trusted again."""

_KEPT = 4


class RoundTrips:
    """The trips to one server.

    Args:
        client: the client whose pool has the connections.
        timeout: seconds without an answer after which the connection is given up.
    """

    def __init__(self, client: Redis, timeout: float) -> None:
        self._pool = client.connection_pool
        self._timeout = timeout
        self._kept: list[tuple[Any, float]] = []

    async def exchange(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Sends the commands and gives their answers; errors of single commands among them.

        Raises:
            Exception: whatever broke the connection; each command may have been carried out.
        """
        packed = b"".join([pack_command(words) for words in commands])
        answers: list[Any] = []
        async with asyncio.timeout(self._timeout):
            connection = await self._take()
            try:
                await connection.send_packed_command(packed, check_health=False)
                read = connection.read_response
                for _ in commands:
                    try:
                        answers.append(await read())
                    except ResponseError as error:
                        answers.append(error)
            except BaseException:
                await connection.disconnect(nowait=True)
                await self._pool.release(connection)
                raise
        if len(self._kept) < _KEPT:
            self._kept.append((connection, monotonic()))
        else:
            await self._pool.release(connection)
        return answers

    async def drop(self) -> None:
        """Closes the connections that are not in use: an outage broke them, too."""
        while self._kept:
            connection, _ = self._kept.pop()
            await connection.disconnect(nowait=True)
            await self._pool.release(connection)
        await self._pool.disconnect(inuse_connections=False)

    async def _take(self) -> Any:  # noqa: ANN401 - redis-py's own kinds of connections
        while self._kept:
            connection, used = self._kept.pop()
            if monotonic() - used < _FRESH:
                return connection
            # The pool looks whether the other end is still there.
            await self._pool.release(connection)
        return await self._pool.get_connection()  # type: ignore[no-untyped-call]
