"""What the end-to-end tests play on: real processes, a small sample, and somebody who kills."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, Final

from gonghai_chassis.store import Store, StoreSettings
from gonghai_cli.account.account import account_of
from gonghai_cli.demo import opening
from gonghai_cli.flow.driver import Driver
from gonghai_cli.flow.flow import play
from gonghai_cli.flow.sample import sample_maker
from gonghai_cli.services import Services
from gonghai_cli.stack import SERVICES, STORE, Stack, StackSettings
from gonghai_pool.consistency import audit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from datetime import datetime
    from pathlib import Path

    from gonghai_cli.account.account import Account
    from gonghai_cli.flow.sample import Sample

CUSTOMERS: Final = 24
DAYS: Final = 30
PARTITIONS: Final = 2
LEASE_TTL: Final = "0.5"
"""Seconds until another process may take a dead one's work; short, so that a kill costs little."""


def small_sample(day: datetime, customers: int = CUSTOMERS) -> Sample:
    """Return the FMCG plugin's sample with few customers, beginning on a day in the future."""
    return sample_maker("fmcg_distributor")(seed=11, start=opening(day), customers=customers)


def stack_on(data: Path) -> Stack:
    """Return a stack on free ports, with everything it acknowledges on the disk."""
    return Stack(
        StackSettings(
            data,
            port_base=0,
            partitions=PARTITIONS,
            fsync="always",
            environment={"GONGHAI_LEASE_TTL": LEASE_TTL, "GONGHAI_LOG_LEVEL": "warning"},
        )
    )


async def played(services: Services, sample: Sample, days: int = DAYS) -> Account:
    """Play the flow and return the account."""
    await play(Driver(services, sample), days)
    return await account_of(services, sample.tenant)


async def disagreements(stack: Stack) -> list[str]:
    """Return where the pool service's records, indexes, quotas, history and events disagree."""
    store = await Store.open(StoreSettings(url=stack.store_url, partitions=PARTITIONS), area="pool")
    try:
        return await audit(store)
    finally:
        await store.close()


@dataclass(slots=True)
class Ticks:
    """Counts what goes over the driver's wires, and acts at chosen counts."""

    act: dict[int, Callable[[], Coroutine[Any, Any, None]]] = field(default_factory=dict)
    count: int = 0
    acting: list[asyncio.Task[None]] = field(default_factory=list)

    def tick(self) -> None:
        """Count one; what is to be done at this count begins now, beside what is under way."""
        self.count += 1
        act = self.act.get(self.count)
        if act is not None:
            self.acting.append(asyncio.create_task(act()))


class CountedServices(Services):
    """Services whose every call, and every message of a stream, ticks."""

    def __init__(self, stack: Stack, ticks: Ticks) -> None:
        """Count the calls to a stack."""
        super().__init__(stack.addresses)
        for name in ("archive", "pool", "assignment", "policies", "clock"):
            setattr(self, name, _Counted(getattr(self, name), ticks))


class _Counted:
    def __init__(self, stub: Any, ticks: Ticks) -> None:  # noqa: ANN401 - any stub
        self._stub = stub
        self._ticks = ticks

    def __getattr__(self, method: str) -> Callable[..., Any]:
        call = getattr(self._stub, method)
        ticks = self._ticks

        def counted(request: object, **named: object) -> Any:  # noqa: ANN401 - a call or a stream
            ticks.tick()
            answer = call(request, **named)
            return ticking(answer) if hasattr(answer, "__aiter__") else answer

        async def ticking(stream: AsyncIterator[Any]) -> AsyncIterator[Any]:
            async for message in stream:
                ticks.tick()
                yield message

        return counted


class Killer:
    """Kills the store or a service (kill -9) and starts it again, one after the other."""

    def __init__(self, stack: Stack) -> None:
        """Kill in a stack."""
        self._stack = stack
        self._one_at_a_time = asyncio.Lock()
        self.killed: list[str] = []

    def plan(self, seed: int, ticks: int, kills: int) -> dict[int, Any]:
        """Choose, by a seed, after which ticks whom to kill."""
        random = Random(seed)
        moments = sorted(random.sample(range(1, ticks), kills))
        victims = [random.choice((STORE, *SERVICES)) for _ in moments]
        return {
            moment: self._strike(victim) for moment, victim in zip(moments, victims, strict=True)
        }

    def _strike(self, victim: str) -> Callable[[], Coroutine[Any, Any, None]]:
        async def strike() -> None:
            async with self._one_at_a_time:
                await self._stack.kill(victim)
                self.killed.append(victim)
                await self._stack.start_one(victim)

        return strike
