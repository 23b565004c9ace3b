"""Connections to the server: one, a primary behind Sentinel, or a Cluster."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote, urlsplit

from redis.asyncio import Redis, RedisCluster, Sentinel
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import MovedError

from gonghai_chassis.store.failures import StoreRefused, StoreUnusable
from gonghai_chassis.store.round_trips import RoundTrips

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redis.exceptions import AskError

    from gonghai_chassis.store.partitions import Partition
    from gonghai_chassis.store.settings import StoreSettings

OLDEST_REDIS = (7, 0)
_SENTINEL_PORT = 26379
_REDIS_PORT = 6379


class Connection(Protocol):
    """The way to the servers of a store, whatever their arrangement."""

    @property
    def per_partition(self) -> bool:
        """Whether partitions may live on different servers."""

    @property
    def database(self) -> int:
        """In which of the server's numbered databases the keys are."""

    def client(self, partition: Partition | None) -> Redis:
        """The client of the server that has the partition, or of any one."""

    def trips(self, partition: Partition | None) -> RoundTrips:
        """The round trips to that server."""

    def servers(self) -> list[RoundTrips]:
        """The round trips to every server that takes writes, whether it has a partition or not."""

    async def redirect(self, refusal: AskError) -> RoundTrips:
        """Notes where a slot has moved (MOVED), or is moving (ASK), and gives the way there."""

    async def redirected(self, words: tuple[Any, ...]) -> Any:  # noqa: ANN401 - as the server answers
        """Sends one command to wherever its key lives."""

    async def refresh(self) -> None:
        """Learns anew where partitions live, after an outage."""

    async def close(self) -> None:
        """Closes all connections."""


def _no_retries() -> Retry:
    # A write whose answer was lost may be stored: to repeat it is the caller's choice, with its
    # request id. redis-py would repeat ten times.
    return Retry(NoBackoff(), 0)


SERVICE_CONNECTION = "gonghai"
"""What connections of services are called, where a server lists its clients."""


def _options(settings: StoreSettings, name: str) -> dict[str, Any]:
    return {
        "retry": _no_retries(),
        "socket_connect_timeout": settings.connect_timeout,
        # Each round trip has one time limit for all of it; redis-py's would be set per answer.
        "socket_timeout": None,
        "decode_responses": False,
        "client_name": name,
    }


class SingleConnection:
    """One server, or the primary that Sentinel names."""

    per_partition = False

    def __init__(
        self, client: Redis, settings: StoreSettings, sentinel: Sentinel | None = None
    ) -> None:
        self._client = client
        self._timeout = settings.socket_timeout
        self._trips = RoundTrips(client, settings.socket_timeout)
        self._sentinel = sentinel

    @property
    def database(self) -> int:
        """That of the URL."""
        return int(self._client.connection_pool.connection_kwargs.get("db") or 0)

    def servers(self) -> list[RoundTrips]:
        """The one server."""
        return [self._trips]

    def client(self, partition: Partition | None) -> Redis:  # noqa: ARG002 - all live there
        """The one client."""
        return self._client

    def trips(self, partition: Partition | None) -> RoundTrips:  # noqa: ARG002
        """The round trips to the one server."""
        return self._trips

    async def redirect(self, refusal: AskError) -> RoundTrips:
        """A single server never sends anybody on.

        Raises:
            StoreRefused: this one belongs to a Cluster.
        """
        raise StoreRefused(
            f"The server belongs to a Cluster, whose URL begins with cluster://: {refusal}"
        )

    async def redirected(self, words: tuple[Any, ...]) -> Any:  # noqa: ANN401
        """Sends the command to the one server.

        Raises:
            StoreUnusable: it belongs to a Cluster.
        """
        try:
            async with asyncio.timeout(self._timeout):
                answer: Any = await self._client.execute_command(*words)  # type: ignore[no-untyped-call]
        except MovedError as refusal:
            raise StoreUnusable(
                f"The server belongs to a Cluster, whose URL begins with cluster://: {refusal}"
            ) from None
        return answer

    async def refresh(self) -> None:
        """Drops idle connections, which the outage broke too; Sentinel is asked for new ones."""
        await self._trips.drop()

    async def close(self) -> None:
        """Closes all connections."""
        await self._trips.drop()
        await self._client.aclose()
        if self._sentinel is not None:
            for guard in self._sentinel.sentinels:
                await guard.aclose()


class ClusterConnection:
    """A Cluster: pipelines go to the master of a slot; which one that is, redis-py knows."""

    per_partition = True
    database = 0

    def __init__(
        self, cluster: RedisCluster, settings: StoreSettings, options: dict[str, Any]
    ) -> None:
        self._cluster = cluster
        self._settings = settings
        self._options = options
        self._clients: dict[tuple[str, int], tuple[Redis, RoundTrips]] = {}

    def client(self, partition: Partition | None) -> Redis:
        """The client of the master that has the partition's slot, as far as is known."""
        return self._master(partition)[0]

    def trips(self, partition: Partition | None) -> RoundTrips:
        """The round trips to the master that has the partition's slot, as far as is known."""
        return self._master(partition)[1]

    def _master(self, partition: Partition | None) -> tuple[Redis, RoundTrips]:
        node = (
            self._cluster.get_default_node()
            if partition is None
            else self._cluster.get_node_from_key(partition.keys.clock)
        )
        if node is None:
            raise ConnectionError("No master is known for the partition.")
        return self._known(node)

    def servers(self) -> list[RoundTrips]:
        """The masters, as far as is known."""
        return [self._known(node)[1] for node in self._cluster.get_primaries()]

    def _known(self, node: ClusterNode) -> tuple[Redis, RoundTrips]:
        return self._at(str(node.host), int(node.port))

    def _at(self, host: str, port: int) -> tuple[Redis, RoundTrips]:
        master = self._clients.get((host, port))
        if master is None:
            client = Redis(host=host, port=port, **self._options)
            master = (client, RoundTrips(client, self._settings.socket_timeout))
            self._clients[host, port] = master
        return master

    async def redirect(self, refusal: AskError) -> RoundTrips:
        """Lets redis-py note what has moved for good."""
        if isinstance(refusal, MovedError):
            await self._cluster.nodes_manager.move_slot(refusal)
        return self._at(str(refusal.host), int(refusal.port))[1]

    async def redirected(self, words: tuple[Any, ...]) -> Any:  # noqa: ANN401
        """Sends the command through redis-py, which finds its way."""
        async with asyncio.timeout(self._settings.socket_timeout):
            return await self._cluster.execute_command(*words)

    async def refresh(self) -> None:
        """Drops idle connections and asks the Cluster for its slots again."""
        for _, trips in self._clients.values():
            await trips.drop()
        await self._cluster.nodes_manager.initialize()

    async def close(self) -> None:
        """Closes all connections."""
        for client, trips in self._clients.values():
            await trips.drop()
            await client.aclose()
        await self._cluster.aclose()


@dataclass(frozen=True, slots=True)
class _Address:
    scheme: str
    auth: dict[str, Any]
    hosts: list[tuple[str, int]]
    path: list[str]


def _parse(url: str, default_port: int) -> _Address:
    parts = urlsplit(url)
    login, _, places = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    auth: dict[str, Any] = {}
    if user:
        auth["username"] = unquote(user)
    if password:
        auth["password"] = unquote(password)
    hosts = []
    for place in places.split(","):
        host, _, port = place.rpartition(":") if ":" in place else (place, "", "")
        hosts.append((host.strip("[]") or "127.0.0.1", int(port or default_port)))
    return _Address(parts.scheme, auth, hosts, [step for step in parts.path.split("/") if step])


async def connect(settings: StoreSettings, name: str = SERVICE_CONNECTION) -> Connection:
    """Makes the connection that the settings' URL asks for.

    Args:
        settings: of the store.
        name: what it is called, where a server lists its clients.

    Raises:
        StoreUnusable: the URL has no form that is known.
    """
    scheme = settings.url.partition("://")[0]
    options = _options(settings, name)
    match scheme:
        case "redis" | "rediss" | "unix":
            return SingleConnection(Redis.from_url(settings.url, **options), settings)
        case "sentinel" | "sentinels":
            return _behind_sentinel(settings, options, secure=scheme.endswith("s"))
        case "cluster" | "clusters":
            return await _cluster(settings, options, secure=scheme.endswith("s"))
        case _:
            raise StoreUnusable(f"The store's URL has an unknown form: {scheme!r}.")


def _behind_sentinel(
    settings: StoreSettings, options: dict[str, Any], *, secure: bool
) -> SingleConnection:
    address = _parse(settings.url, _SENTINEL_PORT)
    if not address.path:
        raise StoreUnusable("A sentinel URL names the service: sentinel://host:port/service.")
    database = int(address.path[1]) if len(address.path) > 1 else 0
    options = {**options, **address.auth, "db": database, "ssl": secure}
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        address.hosts,
        sentinel_kwargs={
            "socket_connect_timeout": settings.connect_timeout,
            "socket_timeout": settings.connect_timeout,
            "ssl": secure,
        },
        **options,
    )
    return SingleConnection(sentinel.master_for(address.path[0]), settings, sentinel)


async def _cluster(
    settings: StoreSettings, options: dict[str, Any], *, secure: bool
) -> ClusterConnection:
    address = _parse(settings.url, _REDIS_PORT)
    options = {**options, **address.auth, "ssl": secure}
    cluster = await RedisCluster(
        startup_nodes=[ClusterNode(host, port) for host, port in address.hosts],
        # redis-py notes a slot's new place by itself. Beginning anew after some MOVED would close
        # connections under those who still wait for an answer.
        reinitialize_steps=0,
        **options,
    )
    return ClusterConnection(cluster, settings, options)


async def check_server(connection: Connection) -> str:
    """Finds out what the server is, and that it can serve; answers its name and version.

    Raises:
        StoreUnusable: it is older than what the scripts need.
    """
    (section,) = await connection.trips(None).exchange([("INFO", "server")])
    if isinstance(section, Exception):
        raise section
    lines = (line.partition(":") for line in section.decode().splitlines())
    return version_of({name: value for name, _, value in lines})


def version_of(info: Mapping[str, str]) -> str:
    """Name and version of a server, by the fields of its INFO.

    Raises:
        StoreUnusable: it is older than what the scripts need.
    """
    valkey = info.get("valkey_version")
    if valkey is not None:
        return f"valkey {valkey}"
    version = info.get("redis_version", "0")
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_REDIS:
        raise StoreUnusable(f"Redis {version} is too old: 7.0 or later is needed, or Valkey.")
    return f"redis {version}"


INSTALL_KEY = "gh:install"
_SECRET = 32


async def check_install(connection: Connection, partitions: int) -> None:
    """Notes the number of partitions at the first start, and compares it at each later one.

    Raises:
        StoreUnusable: the store was installed with another number, or is half restored.
    """
    # Looked at before, so that nothing is noted where a restore has begun, and after, since one
    # may have begun between.
    stored, restoring = await _install(connection)
    if not restoring:
        words = ("HSETNX", INSTALL_KEY, "partitions", partitions)
        await connection.redirected(words)
        stored, restoring = await _install(connection)
    if restoring:
        raise StoreUnusable(
            "The store is half restored from a backup: let `gonghai backup restore` come to its"
            " end, or run it again."
        )
    if stored != partitions:
        raise StoreUnusable(
            f"The store was installed with {stored} partitions, the settings say {partitions}. "
            "The number cannot change: correct the settings."
        )


async def _install(connection: Connection) -> tuple[int, bool]:
    words = ("HMGET", INSTALL_KEY, "partitions", "restoring")
    partitions, restoring = await connection.redirected(words)
    return int(partitions or 0), restoring is not None


async def installation_secret(connection: Connection) -> bytes:
    """What all replicas of all services know and nobody else: made at the first start.

    An installation that is restored has another one: this record is not taken from the backup.
    """
    # As text: whoever looks at the record with a tool of the server's reads text.
    made = secrets.token_hex(_SECRET)
    await connection.redirected(("HSETNX", INSTALL_KEY, "secret", made))
    stored = await connection.redirected(("HGET", INSTALL_KEY, "secret"))
    return bytes.fromhex(stored.decode())
