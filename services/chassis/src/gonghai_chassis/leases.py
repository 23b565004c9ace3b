"""Leases: which replica works on which partition, with a fence against those that lost theirs.

A lease is a random holder id, a number that grows with each change of hands, and an end in the
store's real time. Scripts that only the holder may run compare id and number (include `fence`);
the number alone would not do, as a fail-over can give it out twice.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any
from zlib import crc32

from redis.crc import key_slot

from gonghai_chassis.clock import MICROSECONDS
from gonghai_chassis.ids import new_holder
from gonghai_chassis.store.failures import LeaseLost, StoreFailure
from gonghai_chassis.store.scripts import Script

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gonghai_chassis.store.partitions import Partition
    from gonghai_chassis.store.store import Store

_TAKE = Script("gonghai_chassis.store", "take_lease")
_RELEASE = Script("gonghai_chassis.store", "release_lease", repeatable=True)
_FREE = Script("gonghai_chassis.store", "free_lease")
_REGISTER = Script("gonghai_chassis.store", "register_replica", repeatable=True)

TTL = 3.0
"""Seconds that a lease lasts without being renewed."""

_HOMES = 4
"""In how many partitions of a Cluster replicas say that they are alive."""

_MARGIN = 0.05
"""Part of it that a holder does not count on: his clock may run slower than the store's."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a partition.

    Attributes:
        partition: which one.
        holder: random id of this life of this replica.
        token: grows with each change of hands.
    """

    partition: Partition
    holder: str
    token: int

    def keys(self) -> dict[str, str]:
        """Keys that the include `fence` needs."""
        return {"lease": self.partition.keys.lease}

    def args(self) -> dict[str, Any]:
        """Arguments that the include `fence` needs."""
        return {"holder": self.holder, "token": self.token}


class Leases:
    """The leases of one replica: takes its even share, renews them, gives up what is too much."""

    def __init__(self, store: Store, *, ttl: float = TTL) -> None:
        self._store = store
        self._ttl = ttl
        self.holder = new_holder()
        self.held: dict[int, Lease] = {}
        self._until: dict[int, float] = {}
        self._homes = _homes(store)
        # Replicas begin their search at different places, so that they seldom meet.
        turn = crc32(self.holder.encode()) % len(store.partitions)
        self._order = store.partitions[turn:] + store.partitions[:turn]

    @property
    def share(self) -> int:
        """How many partitions there are to share out."""
        return len(self._store.partitions)

    async def register(self) -> int:
        """Says that this replica is alive; answers how many leases are its share.

        The shares of all replicas are together all partitions, and differ by one at most: what
        cannot be divided goes to those that come first by their ids.

        It is said in several places, and the first that answers is believed, the same one by all:
        while a part of a Cluster is down, the rest is shared out among those that are alive.

        Raises:
            StoreFailure: none of them answers.
        """
        answers = await asyncio.gather(
            *(self._say(home, leave=False) for home in self._homes), return_exceptions=True
        )
        said = next((one for one in answers if not isinstance(one, StoreFailure)), answers[0])
        if isinstance(said, BaseException):
            raise said
        alive, place = said
        each, left = divmod(self.share, max(1, alive))
        return each + (place < left)

    async def renew(self) -> list[Lease]:
        """Renews all leases held; answers those that are lost."""
        until = self._until_from_now()
        leases = list(self.held.values())
        answers = await asyncio.gather(*(self._renewed(lease, until) for lease in leases))
        now = monotonic()
        lost = []
        for lease, token in zip(leases, answers, strict=True):
            if self.held.get(lease.partition.index) != lease:
                # It ran out while the answer was awaited, and was given up.
                if token == lease.token:
                    await self._release(lease)
            elif token != lease.token and (
                token is not None or now >= self._until[lease.partition.index]
            ):
                lost.append(lease)
                self._forget(lease)
        return lost

    async def _renewed(self, lease: Lease, until: float) -> int | None:
        """Takes it once more, and notes it as soon as that is known, whatever others wait for."""
        token = await self._take(lease)
        if token == lease.token and self.held.get(lease.partition.index) == lease:
            self._until[lease.partition.index] = until
        return token

    def _until_from_now(self) -> float:
        return monotonic() + self._ttl * (1 - _MARGIN)

    @property
    def first_end(self) -> float | None:
        """When the first of the leases runs out (`time.monotonic`), unless it is renewed."""
        return min(self._until.values(), default=None)

    def expired(self) -> list[Lease]:
        """Leases that ran out by this process' own count, because the store was away.

        It counts from before it asked for them, and a little faster than the store does, so that
        it has given them up before another replica can have them.
        """
        now = monotonic()
        lost = [lease for lease in self.held.values() if now >= self._until[lease.partition.index]]
        for lease in lost:
            self._forget(lease)
        return lost

    async def acquire(self, wanted: int) -> list[Lease]:
        """Takes up to `wanted` leases that are free."""
        candidates = [p for p in self._order if p.index not in self.held]
        free = await asyncio.gather(*(self._is_free(p) for p in candidates))
        targets = [p for p, is_free in zip(candidates, free, strict=True) if is_free][:wanted]
        until = self._until_from_now()
        tokens = await asyncio.gather(*(self._take(Lease(p, self.holder, 0)) for p in targets))
        taken = []
        for partition, token in zip(targets, tokens, strict=True):
            if token:
                lease = Lease(partition, self.holder, token)
                self.held[partition.index] = lease
                self._until[partition.index] = until
                taken.append(lease)
        return taken

    async def release(self, leases: Iterable[Lease]) -> None:
        """Gives leases back; what does not reach the store runs out by itself."""
        leases = list(leases)
        for lease in leases:
            self._forget(lease)
        await asyncio.gather(*(self._release(lease) for lease in leases))

    async def leave(self) -> None:
        """Says that this replica is going, so that the others' shares grow at once."""
        said = [self._say(home, leave=True) for home in self._homes]
        for answer in await asyncio.gather(*said, return_exceptions=True):
            if isinstance(answer, BaseException) and not isinstance(answer, StoreFailure):
                raise answer

    async def _say(self, home: Partition, *, leave: bool) -> tuple[int, int]:
        reply = await self._store.run(
            _REGISTER,
            home,
            keys={"replicas": home.key("replicas")},
            args={"holder": self.holder, "ttl": int(self._ttl * MICROSECONDS), "leave": leave},
            deadline=monotonic() + self._ttl / 3,
        )
        return reply.fields["alive"], reply.fields["place"]

    async def _is_free(self, partition: Partition) -> bool:
        try:
            reply = await self._store.run(
                _FREE, partition, keys={}, args={}, deadline=monotonic() + self._ttl / 3
            )
        except StoreFailure:
            return False
        return bool(reply.fields["free"])

    async def _take(self, lease: Lease) -> int | None:
        """The token if the lease is ours, 0 if it is another's, None if that is not known."""
        try:
            reply = await self._store.run(
                _TAKE,
                lease.partition,
                keys={},
                args={**lease.args(), "ttl": int(self._ttl * MICROSECONDS)},
                deadline=monotonic() + self._ttl / 3,
            )
        except StoreFailure:
            return None
        return int(reply.fields["token"]) if reply.status == "ok" else 0

    async def _release(self, lease: Lease) -> None:
        try:
            await self._store.run(
                _RELEASE,
                lease.partition,
                keys={},
                args=lease.args(),
                deadline=monotonic() + self._ttl / 3,
            )
        except (LeaseLost, StoreFailure):
            return

    def _forget(self, lease: Lease) -> None:
        self.held.pop(lease.partition.index, None)
        self._until.pop(lease.partition.index, None)


def _homes(store: Store) -> Sequence[Partition]:
    """Where replicas say that they are alive; the same for all of them.

    Far apart among the slots of a Cluster, so that they are not all in the part that is down.
    """
    if not store.connection.per_partition:
        return store.partitions[:1]
    by_slot = sorted(store.partitions, key=lambda p: key_slot(p.keys.clock.encode()))
    return by_slot[:: max(1, len(by_slot) // _HOMES)][:_HOMES]
