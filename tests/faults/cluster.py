"""A Cluster of three masters with a replica each, one of which is to die."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import redis
from redis.asyncio import Redis

from gonghai_chassis.embedded import LOOPBACK, EmbeddedSettings, EmbeddedStore, free_port
from gonghai_chassis.testing.plugin import cluster_options, form_cluster
from tests.faults.moments import lapse

if TYPE_CHECKING:
    from pathlib import Path

MASTERS: Final = 3
_TRIES: Final = 600
_ASK_AGAIN: Final = 0.05


class NobodyTookOver(Exception):  # noqa: N818 - named after what is wrong
    """A master was killed, and its slots have no other; the message says for how long."""


class ClusterStore:
    """Six servers; what it acknowledges to those who WAIT for a replica is on two of them."""

    def __init__(self, folder: Path) -> None:
        """Keep the data in a folder."""
        self._buses = [free_port() for _ in range(2 * MASTERS)]
        self.servers = [
            EmbeddedStore(
                EmbeddedSettings(
                    folder / f"node-{number}",
                    port=free_port(),
                    fsync="everysec",
                    extra=cluster_options(bus),
                )
            )
            for number, bus in enumerate(self._buses)
        ]

    @property
    def url(self) -> str:
        """For `GONGHAI_REDIS_URL`: all six, so that any may be dead."""
        return "cluster://" + ",".join(f"{LOOPBACK}:{server.port}" for server in self.servers)

    async def start(self) -> None:
        """Start the servers, make a Cluster of them, and wait until each master has a replica."""
        for server in self.servers:
            await server.start()
        masters, replicas = self.servers[:MASTERS], self.servers[MASTERS:]
        buses = {server.port: bus for server, bus in zip(masters, self._buses, strict=False)}
        await asyncio.to_thread(form_cluster, buses)
        for master, replica in zip(masters, replicas, strict=True):
            await _order(replica, "CLUSTER", "MEET", LOOPBACK, masters[0].port, self._buses[0])
            name = (await _order(master, "CLUSTER", "MYID")).decode()
            for _ in range(_TRIES):
                if await _order(replica, "CLUSTER", "REPLICATE", name):
                    break
                await lapse(_ASK_AGAIN)
        for master in masters:
            for _ in range(_TRIES):
                if (await _order(master, "INFO", "replication"))["connected_slaves"] > 0:
                    break
                await lapse(_ASK_AGAIN)

    async def stop(self) -> None:
        """End the servers."""
        await asyncio.gather(*(server.kill() for server in self.servers))

    async def master_of(self, key: str) -> EmbeddedStore:
        """Return the server that has a key's slot."""
        slot = int(await _order(self._alive(), "CLUSTER", "KEYSLOT", key))
        for first, last, master, *_ in await self._slots():
            if first <= slot <= last:
                return next(each for each in self.servers if each.port == int(master[1]))
        raise LookupError(f"nobody has slot {slot}")

    async def kill(self, server: EmbeddedStore) -> None:
        """Kill a master, and wait until its replica is in its place.

        Raises:
            NobodyTookOver: none is, after a while.
        """
        await server.kill()
        for _ in range(_TRIES):
            ports = {int(master[1]) for _, _, master, *_ in await self._slots()}
            if len(ports) == MASTERS and server.port not in ports:
                return
            await lapse(_ASK_AGAIN)
        raise NobodyTookOver(f"{_TRIES * _ASK_AGAIN:.0f} s after {server.port} was killed")

    def _alive(self) -> EmbeddedStore:
        return next(server for server in self.servers if server.pid is not None)

    async def _slots(self) -> list[Any]:
        async with Redis(host=LOOPBACK, port=self._alive().port) as client:
            client.response_callbacks.pop("CLUSTER SLOTS", None)
            answer: list[Any] = await client.execute_command("CLUSTER SLOTS")  # type: ignore[no-untyped-call]
        return answer


async def _order(server: EmbeddedStore, *words: object) -> Any:  # noqa: ANN401 - as the server answers
    async with Redis(host=LOOPBACK, port=server.port) as client:
        with suppress(redis.ResponseError):
            return await client.execute_command(*words)  # type: ignore[no-untyped-call]
    return None
