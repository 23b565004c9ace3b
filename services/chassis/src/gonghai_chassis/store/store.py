"""The store as a service sees it: one atomic read, one atomic step, both grouped with others'."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from random import getrandbits
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

import structlog

from gonghai_chassis.clock import StoreClock
from gonghai_chassis.store import records
from gonghai_chassis.store.commit import Lane
from gonghai_chassis.store.connection import (
    Connection,
    check_install,
    check_server,
    connect,
    installation_secret,
)
from gonghai_chassis.store.failures import (
    DeadlineExceeded,
    LeaseLost,
    RequestReused,
    StaleStep,
    StoreFailure,
    StoreUnavailable,
)
from gonghai_chassis.store.partitions import CommonKeys, Partition, partition_index
from gonghai_chassis.store.scripts import Script

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from redis.asyncio import Redis

    from gonghai_chassis.store.settings import StoreSettings

_log = structlog.get_logger(__name__)

_READ = Script("gonghai_chassis.store", "read")
_TOUCH = Script("gonghai_chassis.store", "touch", repeatable=True)
_READ_ARGS = records.pack({})
_LARGEST_READ = 4000
_TAKEN_REMEMBERED = 4096
"""Steps of this process whose hints it knows again."""


@dataclass(frozen=True, slots=True)
class Read:
    """Records and time of a partition at one moment.

    Attributes:
        now: domain time (µs).
        real: the store's real time (µs).
        values: the records in the order of their keys; None where there is none.
    """

    now: int
    real: int
    values: list[bytes | None]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a script answered.

    Attributes:
        status: one of the statuses in the script's header.
        now: domain time (µs) at the step.
        real: the store's real time (µs) at the step.
        fields: what goes with the status; strings with surrogate escapes (`records.blob`).
        replayed: the answer was remembered from an earlier call with the same request id.
    """

    status: str
    now: int
    real: int
    fields: dict[str, Any]
    replayed: bool


_FAILURES: Mapping[str, tuple[type[StoreFailure], str]] = {
    "late": (DeadlineExceeded, "The command reached the store after its deadline."),
    "reused": (RequestReused, "The request id was used for something else before."),
    "fenced": (LeaseLost, "Another replica holds the lease now."),
    "stale": (StaleStep, "The cursor is not where the step expected it."),
}


class Store:
    """The partitions of one area in one store; open it with `Store.open`.

    Attributes:
        secret: what all services on the store have in common, and nobody else.
    """

    def __init__(
        self, connection: Connection, settings: StoreSettings, area: str, secret: bytes = b""
    ) -> None:
        self.settings = settings
        self.secret = secret
        self.area = area
        self.connection = connection
        self.partitions = tuple(Partition(i, area) for i in range(settings.partitions))
        self.clock = StoreClock(settings.partitions)
        self._default_deadline = settings.default_deadline
        self._listeners: list[Callable[[Partition], None]] = []
        self._key_listeners: dict[str, list[Callable[[], None]]] = {}
        self._taken: OrderedDict[str, None] = OrderedDict()
        if connection.per_partition:
            self._lanes = [Lane(connection, settings, p) for p in self.partitions]
        else:
            # One server: all partitions share its round trips.
            self._lanes = [Lane(connection, settings, None)] * len(self.partitions)

    @classmethod
    async def open(cls, settings: StoreSettings, *, area: str) -> Self:
        """Connects, checks the server and the installation, and learns each partition's time.

        Raises:
            StoreUnusable: the server is too old or was installed with other settings.
            StoreUnavailable: it could not be reached.
        """
        try:
            connection = await connect(settings)
        except (OSError, RuntimeError) as error:
            raise StoreUnavailable(f"The store could not be reached: {error}") from error
        try:
            server = await check_server(connection)
            await check_install(connection, settings.partitions)
            secret = await installation_secret(connection)
        except StoreFailure:
            await connection.close()
            raise
        except Exception as error:
            await connection.close()
            raise StoreUnavailable(f"The store could not be reached: {error}") from error
        store = cls(connection, settings, area, secret)
        try:
            await store.learn_time()
        except StoreFailure:
            await store.close()
            raise
        _log.info("store_opened", area=area, server=server, partitions=settings.partitions)
        return store

    async def close(self) -> None:
        """Waits for commands under way, then closes the connections."""
        for lane in dict.fromkeys(self._lanes):
            await lane.close()
        await self.connection.close()

    def partition(self, tenant: str) -> Partition:
        """The partition that a tenant lives in."""
        return self.partitions[partition_index(tenant, len(self.partitions))]

    def keys(self, partition: Partition) -> CommonKeys:
        """Names of the keys that the area has once in the partition."""
        return partition.keys

    def client(self, partition: Partition | None = None) -> Redis:
        """The client underneath, for what is no script: subscriptions, health."""
        return self.connection.client(partition)

    def on_change(self, listener: Callable[[Partition], None]) -> Callable[[], None]:
        """Calls the listener after each step of this process that may have appended events.

        Returns:
            What to call to end it.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def on_write(self, key: str, listener: Callable[[], None]) -> Callable[[], None]:
        """Calls the listener after each step of this process that may have written to a key.

        Returns:
            What to call to end it.
        """
        listeners = self._key_listeners.setdefault(key, [])
        listeners.append(listener)

        def forget() -> None:
            listeners.remove(listener)
            if not listeners and self._key_listeners.get(key) is listeners:
                del self._key_listeners[key]

        return forget

    async def learn_time(self) -> None:
        """Asks each partition for its time."""
        deadline = monotonic() + self._default_deadline
        pending = [(p, self._submit_read(p, [p.keys.meta], deadline)) for p in self.partitions]
        failure: StoreFailure | None = None
        for partition, answer in pending:
            try:
                real, now, *_ = await answer
            except StoreFailure as error:
                failure = error
                continue
            self.clock.seen(partition, int(real), int(now))
        if failure is not None:
            raise failure

    async def read(
        self, partition: Partition, keys: Sequence[str], *, deadline: float | None = None
    ) -> Read:
        """Reads several records (string keys) and the time at one moment.

        Args:
            partition: where all the keys live.
            keys: names of the keys, at most 4000, at least one.
            deadline: seconds of `time.monotonic` after which the caller stops waiting.

        Raises:
            StoreUnavailable: no answer came.
            StoreRefused: the deadline passed before the store was free.
        """
        if not 0 < len(keys) <= _LARGEST_READ:
            raise ValueError(f"A read takes 1 to {_LARGEST_READ} keys, not {len(keys)}.")
        until = monotonic() + self._default_deadline if deadline is None else deadline
        answer = await self._submit_read(partition, keys, until)
        real = int(answer[0])
        now = int(answer[1])
        self.clock.seen(partition, real, now)
        return Read(now, real, answer[2:])

    async def run(
        self,
        script: Script,
        partition: Partition,
        *,
        keys: Mapping[str, str | Sequence[str]],
        args: Mapping[str, Any],
        deadline: float | None = None,
    ) -> Reply:
        """Takes one atomic step.

        Args:
            script: the step.
            partition: where all its keys live.
            keys: by name as in the script's header; the common ones may be left out.
            args: by name as in the script's header.
            deadline: seconds of `time.monotonic` after which the step is not to be taken any more.

        Raises:
            StoreUnavailable: the outcome is unknown (StoreRefused: nothing was done).
            DeadlineExceeded: the deadline passed before the step; nothing was done.
            RequestReused: the request id was used for something else.
            LeaseLost: the script found its lease in other hands.
            StaleStep: the script found its cursor elsewhere.
            ScriptFailed: the script has a defect.
        """
        ordered = script.bind_keys(partition, keys)
        script.check_args(args)
        until = monotonic() + self._default_deadline if deadline is None else deadline
        nonce = f"{getrandbits(64):016x}"
        if script.notifies:
            self._taken[nonce] = None
            if len(self._taken) > _TAKEN_REMEMBERED:
                self._taken.popitem(last=False)
        words = (
            "EVALSHA",
            script.sha,
            len(ordered),
            *ordered,
            records.pack(args),
            self.clock.deadline(partition, until),
            nonce,
        )
        try:
            packed = await self._lanes[partition.index].submit(script, words, until)
        except BaseException:
            # It may have been taken all the same, and then its hint is all that is heard of it.
            self._taken.pop(nonce, None)
            raise
        status, now, real, fields, replayed = records.unpack(packed)
        self.clock.seen(partition, real, now)
        if script.notifies:
            for listener in self._listeners:
                listener(partition)
        if script.writes and not self._key_listeners.keys().isdisjoint(ordered):
            self._tell_written(ordered)
        if replayed and self.settings.wait_replicas:
            # A remembered answer writes nothing that replicas could be asked about; what is
            # written now comes after it, and so is confirmed together with it.
            await self.run(_TOUCH, partition, keys={}, args={}, deadline=until)
        failure = _FAILURES.get(status)
        if failure is not None:
            kind, message = failure
            raise kind(f"{script.name}: {message}")
        return Reply(status, now, real, fields or {}, replayed)

    def _tell_written(self, keys: Sequence[str]) -> None:
        for key in keys:
            for written in tuple(self._key_listeners.get(key, ())):
                written()

    def took(self, nonce: str) -> bool:
        """Whether a step of this process has this nonce: its listeners are told by `on_change`."""
        return nonce in self._taken

    def _submit_read(self, partition: Partition, keys: Sequence[str], deadline: float) -> Any:  # noqa: ANN401
        words = (
            "EVALSHA",
            _READ.sha,
            1 + len(keys),
            partition.keys.clock,
            *keys,
            _READ_ARGS,
            "",
            "",
        )
        return self._lanes[partition.index].submit(_READ, words, deadline)
