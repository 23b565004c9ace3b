"""What enters a pool is assigned by itself: to whom, how fast, and what when nobody is there."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

import pytest

from gonghai_chassis.testing import eventually

from .staffing import serving_all

if TYPE_CHECKING:
    from gonghai_chassis.store import StoreSettings


@pytest.mark.requirement("C9")
async def test_a_customer_that_enters_a_pool_is_assigned_within_a_second(
    store_settings: StoreSettings,
) -> None:
    async with serving_all(store_settings) as assignment:
        await assignment.rep("li")
        assignment.peers.admit("warm-up")
        await eventually(lambda: assignment.peers.pool.holder("warm-up") == "li")
        began = monotonic()
        assignment.peers.admit("c1")
        await eventually(lambda: assignment.peers.pool.holder("c1") == "li")
        assert monotonic() - began < 1
