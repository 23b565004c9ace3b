"""A network link between two ends that a test can cut, freeze and mend."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_CHUNK = 65536


class Link:
    """Forwards what comes to its own port to another one.

    Attributes:
        address: where to connect to go through the link.
    """

    def __init__(self, target: str) -> None:
        """Take the address of the other end: `host:port`."""
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._open = asyncio.Event()
        self._open.set()
        self._refusing = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._flows: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.address = ""

    def cut(self) -> None:
        """End every connection, and refuse new ones."""
        self._refusing = True
        for writer in tuple(self._writers):
            writer.transport.abort()

    def freeze(self) -> None:
        """Let nothing through, without a word: as if packets were dropped."""
        self._open.clear()

    def mend(self) -> None:
        """Let everything through again."""
        self._refusing = False
        self._open.set()

    async def listen(self) -> None:
        """Begin to take connections."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.address = f"127.0.0.1:{port}"

    async def close(self) -> None:
        """End everything."""
        self.cut()
        self.mend()
        if self._server is not None:
            self._server.close()
        flows = tuple(self._flows)
        for flow in flows:
            flow.cancel()
        await asyncio.gather(*flows, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        flow = asyncio.create_task(self._serve(reader, writer))
        self._flows.add(flow)
        flow.add_done_callback(self._flows.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far: asyncio.StreamWriter | None = None
        try:
            far_reader, far = await asyncio.open_connection(*self._target)
            self._writers |= {writer, far}
            await asyncio.gather(self._flow(reader, far), self._flow(far_reader, writer))
        except (OSError, asyncio.CancelledError):
            return
        finally:
            for end in (writer, far):
                if end is not None:
                    self._writers.discard(end)
                    end.transport.abort()

    async def _flow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            await self._open.wait()
            writer.write(data)
            await writer.drain()
        writer.transport.abort()


@asynccontextmanager
async def linked(target: str) -> AsyncIterator[Link]:
    """A link to an address, while the block runs."""
    link = Link(target)
    await link.listen()
    try:
        yield link
    finally:
        await link.close()
