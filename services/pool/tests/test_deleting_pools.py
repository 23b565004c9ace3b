"""A pool goes when no customer needs it: none is in it, offered out of it, or to go on to it."""

# ruff: noqa: ANN401 - fields of many messages
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gonghai_chassis.errors import PreconditionFailed
from gonghai_chassis.store import Store
from gonghai_pool.alterations import AFTER
from gonghai_pool.consistency import audit

from .hands import Hands, hands
from .sea import PARENT, at

if TYPE_CHECKING:
    from gonghai_chassis.store import Partition, Reply, Script, StoreSettings

ON_TO_WEST: dict[str, Any] = {"admission_then": f"{PARENT}/pools/west", "admission_after_days": 7}
OVER = at(2060, 3, 10)
"""The midnight at which a customer who enters a pool at START has been there for a week."""


async def prepared(world: Hands) -> None:
    """Wang, and the pools east and west; new customers fall into east."""
    await world.team("sales")
    await world.rep("wang")
    await world.pool("east")
    await world.pool("west")


async def why_not(world: Hands, pool: str) -> str:
    """Why a pool cannot be deleted."""
    with pytest.raises(PreconditionFailed) as refusal:
        await world.delete_pool(pool)
    assert refusal.value.reason == "POOL_IN_USE"
    return str(refusal.value)


@pytest.mark.requirement("B1")
async def test_a_pool_stays_while_one_of_its_customers_is_kept_for_an_offer(
    store_settings: StoreSettings,
) -> None:
    async with hands(store_settings) as world:
        await prepared(world)
        await world.customer("c1")
        await world.offer("c1", "wang")
        assert "1 are kept for an offer out of it" in await why_not(world, "east")

        # Nobody accepts it: he is where he was.
        custody = await world.custody("c1")
        assert custody.reservation is not None
        await world.pass_to(custody.reservation.expires + AFTER)
        assert (await world.custody("c1")).pool == "east"
        assert "1 customers are in it" in await why_not(world, "east")

        # A holding needs no pool: where it goes back to is decided when it does.
        await world.claim("c1", "wang")
        await world.delete_pool("east")
        assert await audit(world.store) == []


@pytest.mark.requirement("B1")
async def test_a_pool_stays_while_customers_are_to_go_on_to_it(
    store_settings: StoreSettings,
) -> None:
    async with hands(store_settings) as world:
        await prepared(world)
        for customer in ("c1", "c2"):
            await world.customer(customer, tags=("forever",), **ON_TO_WEST)
        assert "2 are to go on to it" in await why_not(world, "west")
        await world.offer("c2", "wang")
        assert "2 are to go on to it" in await why_not(world, "west")
        assert "1 customers are in it, 1 are kept" in await why_not(world, "east")

        await world.claim("c1", "wang")
        assert "1 are to go on to it" in await why_not(world, "west")
        await world.pass_to(OVER + AFTER)
        await world.sweep()
        assert (await world.custody("c2")).pool == "west"
        assert "1 customers are in it" in await why_not(world, "west")
        await world.delete_pool("east")
        assert await audit(world.store) == []


@pytest.mark.requirement("B1")
async def test_a_policy_by_which_nobody_goes_on_to_a_pool_lets_go_of_it(
    store_settings: StoreSettings,
) -> None:
    async with hands(store_settings) as world:
        await prepared(world)
        await world.customer("c1", **ON_TO_WEST)
        await why_not(world, "west")
        await world.customer("c1")
        await world.delete_pool("west")
        assert await audit(world.store) == []


@pytest.mark.parametrize("which", ["offered", "coming"])
async def test_whoever_comes_to_need_a_pool_before_it_goes_keeps_it(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    """Let in between what the deletion read and its step: the step itself looks."""
    async with hands(store_settings) as world:
        await prepared(world)
        await world.customer("c1")
        pool = "east" if which == "offered" else "west"
        living = Store.run
        came: list[str] = []

        async def run(store: Store, script: Script, partition: Partition, **given: Any) -> Reply:
            if script.name.endswith(".delete_pool") and not came:
                came.append(which)
                if which == "offered":
                    await world.offer("c1", "wang")
                else:
                    await world.customer("c1", **ON_TO_WEST)
            return await living(store, script, partition, **given)

        monkeypatch.setattr(Store, "run", run)
        await why_not(world, pool)
        assert came == [which]
        assert await audit(world.store) == []
