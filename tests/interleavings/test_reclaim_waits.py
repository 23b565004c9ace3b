"""A reclaim waits until the archive is heard out, whatever comes between the two."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from gonghai.pool.v1 import custody_pb2
from gonghai_archive.workers.assessing import DueAssessments
from gonghai_chassis.events import read_progress
from gonghai_chassis.instants import instant_of
from gonghai_chassis.store import Store
from gonghai_chassis.testing import eventually
from tests.interleavings.stage import DAY, HOUR, TENANT, Stage, at, stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_chassis.store import StoreSettings
    from gonghai_chassis.sweeper import Due

HELD = custody_pb2.CUSTODY_STATE_HELD
IN_POOL = custody_pb2.CUSTODY_STATE_IN_POOL

POLICY = """
version: 1
default:
  plugin: standard
  settings:
    first_follow_up_days: 0
    no_follow_up_days: 10
    no_order_days: 0
    warn_before_days: 3
    grace_days: 2
"""
WARN = at(2060, 3, 11)
DUE = at(2060, 3, 14)
"""The midnight that ends the tenth day after the claim."""
RECLAIM = DUE + 2 * DAY
LATER = at(2060, 3, 26)
"""When it is due after a follow-up on the 15th."""


async def warned(world: Stage) -> None:
    """A holding whose rep has been warned."""
    await world.staffed(POLICY)
    await world.held()
    assert instant_of((await world.custody()).due_time) == DUE
    await world.at(WARN + HOUR)
    await world.warned()


async def kept_until(world: Stage, due: int) -> None:
    """Wait until the clock was started anew; he is still the rep's."""

    async def moved() -> bool:
        return instant_of((await world.custody()).due_time) == due

    await eventually(moved)
    assert (await world.custody()).state == HELD


@pytest.mark.requirement("B7")
@pytest.mark.parametrize(
    "when",
    [DUE + DAY + HOUR, DUE - HOUR, None],
    ids=["in the grace", "before it was due, and recorded after", "nothing"],
)
async def test_while_the_link_is_cut_in_the_grace_nothing_is_lost(
    store_settings: StoreSettings, when: int | None
) -> None:
    async with stage(store_settings) as world:
        await warned(world)
        await world.at(DUE + DAY)
        world.link.cut()
        await world.at(DUE + DAY + 2 * HOUR)
        if when is not None:
            await world.follow_up(when=when)
        # The grace ends, and pool knows of nothing.
        await world.at(RECLAIM + 2 * HOUR)
        await world.waits()
        assert (await world.custody()).state == HELD
        world.link.mend()
        if when is None:
            await world.until("c1", IN_POOL)
        else:
            await kept_until(world, LATER if when > DUE else at(2060, 3, 24))


async def test_what_is_recorded_after_the_grace_but_before_the_reclaim_keeps_him_too(
    store_settings: StoreSettings,
) -> None:
    async with stage(store_settings) as world:
        await warned(world)
        world.link.cut()
        await world.at(RECLAIM + 5 * HOUR)
        await world.waits()
        await world.follow_up()
        world.link.mend()
        await kept_until(world, at(2060, 3, 27))


async def test_in_the_grace_a_follow_up_keeps_him_and_without_one_he_goes(
    store_settings: StoreSettings,
) -> None:
    async with stage(store_settings) as world:
        await warned(world)
        await world.held("c2", "zhao")
        await world.at(DUE + DAY + HOUR)
        assert (await world.custody()).state == HELD
        await world.follow_up()
        await kept_until(world, LATER)
        await world.at(RECLAIM + HOUR)
        assert (await world.custody()).state == HELD


TIERS = """
version: 1
default:
  plugin: fmcg_distributor
  settings:
    clocks:
      first_follow_up_days: 0
      no_order_rhythms: 0
      no_deal_days: 0
      warn_before_days: 3
      grace_days: 1
      no_follow_up_days: {key: %d, a: 90, b: 90, c: %d}
"""


class Lag:
    """The archive's worker for what falls due with time, held up as long as a test likes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Hold it up from now on."""
        self.over = asyncio.Event()
        waits = self.over.wait
        assess = DueAssessments.__call__

        async def late(worker: DueAssessments, due: Sequence[Due], now: int) -> None:
            await waits()
            await assess(worker, due, now)

        monkeypatch.setattr(DueAssessments, "__call__", late)


async def promised(world: Stage) -> int:
    """Up to when pool has heard the archive out."""
    store: Store = await Store.open(world.pool.assembly.settings.store, area="pool")
    try:
        return (await read_progress(store, store.partition(TENANT), "archive")).changes_through
    finally:
        await store.close()


@pytest.mark.parametrize(
    ("key", "other"), [(10, 30), (60, 10)], ids=["the new clock is longer", "it is shorter"]
)
async def test_a_tier_that_falls_while_the_archive_lags_is_waited_for(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch, key: int, other: int
) -> None:
    falls = at(2060, 3, 12)
    async with stage(store_settings) as world:
        await world.staffed(TIERS % (key, other))
        await world.customer("c1", channel_role="distributor")
        # Leaves the window of a year at the midnight that begins the 12th of March.
        await world.purchase("c1", 2_000_000, when=falls - 365 * DAY - 12 * HOUR)

        async def is_key() -> bool:
            return (await world.custody()).tier == "key"

        await eventually(is_key)
        await world.claim()
        assert instant_of((await world.custody()).due_time) == at(2060, 3, 4) + key * DAY
        lag = Lag(monkeypatch)
        # Past the grace of both clocks.
        await world.at(at(2060, 3, 20))
        with_work_undone = await eventually(lambda: promised(world))
        assert with_work_undone <= falls
        assert (await world.custody()).tier == "key"
        assert (await world.custody()).state == HELD
        lag.over.set()

        async def fell() -> bool:
            return (await world.custody()).tier == "c"

        await eventually(fell)
        custody = await world.custody()
        assert custody.state == HELD
        if other > key:
            # By the old clock he would be gone for days; by the new one nothing is due.
            assert instant_of(custody.due_time) == at(2060, 3, 4) + other * DAY
            assert not custody.warned
            return
        # By the new one he is overdue, but nobody was warned: the notice is given in full.
        await world.warned()
        custody = await world.custody()
        assert custody.state == HELD
        reclaim = instant_of(custody.reclaim_time)
        assert reclaim >= at(2060, 3, 20) + 3 * DAY
        await world.at(reclaim - HOUR)
        assert (await world.custody()).state == HELD
        await world.at(reclaim + HOUR)
        await world.until("c1", IN_POOL)
