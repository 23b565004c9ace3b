"""Whoever is killed in the middle of the flow, and whenever: the account comes out the same."""

from __future__ import annotations

import asyncio
from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.stage import (
    CountedServices,
    Killer,
    Ticks,
    disagreements,
    played,
    stack_on,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.end_to_end.conftest import Run

pytestmark = pytest.mark.asyncio(loop_scope="session")

KILLS = 3
"""In each run."""


@pytest.mark.requirement("B4")
@pytest.mark.timeout(300)  # seven processes are started, one after the other
@pytest.mark.parametrize("seed", range(10))
async def test_killing_a_service_or_the_store_changes_nothing(
    seed: int, undisturbed: Run, tmp_path: Path
) -> None:
    async with stack_on(tmp_path) as stack:
        killer = Killer(stack)
        ticks = Ticks(killer.plan(seed, undisturbed.ticks, KILLS))
        async with CountedServices(stack, ticks) as services:
            account = await played(services, undisturbed.sample)
        await asyncio.gather(*ticks.acting)
        assert len(killer.killed) == len(ticks.act)
        assert await disagreements(stack) == []
    for part in fields(account):
        assert getattr(account, part.name) == getattr(undisturbed.account, part.name), part.name
