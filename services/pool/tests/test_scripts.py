"""Each atomic step, made to fail at each of its reads: nothing is left behind."""

# ruff: noqa: ANN401 - fields of many messages, and stubs of no common type
from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from gonghai_chassis.names import CustomerName, ExtensionName, RepName
from gonghai_chassis.store import Store
from gonghai_chassis.store.failures import LeaseLost, ScriptFailed
from gonghai_chassis.store.scripts import Script
from gonghai_chassis.testing.failing_scripts import contents, failing_at
from gonghai_pool.alterations import AFTER
from gonghai_pool.commands.cancel_reservation import Cancellation
from gonghai_pool.commands.extensions import Ruling, Wish
from gonghai_pool.commands.reserve import Reserve
from gonghai_pool.custody import Purpose, State
from gonghai_pool.pools import ClaimLimits, Limits

from .hands import Hands, hands, order
from .sea import DAY, PARENT, START, TENANT, at

if TYPE_CHECKING:
    from gonghai_chassis.store import Partition, Reply, StoreSettings

_UNTRIED = {
    # They belong to a rebuild; `test_rebuilding.py` runs them, and they read what the others read.
    "load_archive",
    "load_staff",
}


def writing_scripts() -> set[str]:
    """The steps of the pool service that write."""
    folder = files("gonghai_pool.store").joinpath("lua")
    names = {
        path.name.removesuffix(".lua") for path in folder.iterdir() if path.name.endswith(".lua")
    }
    return {name for name in names if Script("gonghai_pool.store", name).writes}


class _Breaking:
    """Lets each step fail at each of its reads before it is taken."""

    def __init__(self, run: Any) -> None:
        self._run = run
        self.tried: dict[str, int] = {}

    async def run(self, store: Store, script: Script, partition: Partition, **given: Any) -> Reply:
        ours = script.name.startswith("gonghai_pool.")
        if not script.writes or script.name in self.tried or not ours:
            reply: Reply = await self._run(store, script, partition, **given)
            return reply
        before = await contents(store)
        reads = 0
        while True:
            try:
                reply = await self._run(store, failing_at(script, reads + 1), partition, **given)
            except ScriptFailed:
                assert await contents(store) == before, f"{script.name} at read {reads + 1}"
                reads += 1
            else:
                if reply.status == "ok":
                    self.tried[script.name] = reads
                return reply


async def everything(world: Hands) -> None:
    """A story in which every step is taken."""
    await world.team("sales")
    for rep in ("wang", "zhao"):
        await world.rep(rep)
    await world.pool("east")
    await world.pool("west")
    await world.delete_pool("west")
    limits = Limits(holding_limit=5, claim_limits=ClaimLimits(per_day=5), deals_exempt=True)
    await world.parts.commands.limits.update(TENANT, lambda _: limits, order())
    await world.customer("c1")
    await world.sweep()
    await world.claim("c1", "wang", "request")
    await world.transfer("c1", "zhao")
    await world.release("c1")
    await world.assign("c1", "wang")
    await world.activity("c1")
    wish = Wish(CustomerName(TENANT, "c1"), 3, "abroad")
    asked = await world.parts.commands.extensions.ask(wish, order("extend"))
    ruling = Ruling(ExtensionName(TENANT, "c1", asked.id), approved=False, reason="no")
    await world.parts.commands.extensions.decide(ruling, order())
    name, owner = CustomerName(TENANT, "c2"), RepName(TENANT, "wang")
    kept = await world.parts.commands.reserve(
        Reserve(name, owner, Purpose.SELF_SOURCED), order("reserve")
    )
    assert kept.custody.reservation is not None
    cancellation = Cancellation(name, kept.custody.reservation.token)
    await world.parts.commands.cancel_reservation(cancellation, order("cancel"))
    await world.parts.commands.reserve(Reserve(name, owner, Purpose.SELF_SOURCED), order())
    await world.at(START + DAY)
    await world.sweep()
    await world.at(at(2060, 3, 11) + AFTER)
    await world.sweep()
    await world.at(at(2060, 3, 14) + AFTER)
    await world.sweep()
    assert (await world.custody("c1")).state is State.IN_POOL
    assert (await world.custody("c2")).state is State.OUT
    await world.customer("c3", admission_then=f"{PARENT}/pools/other", admission_after_days=2)
    await world.pool("other")
    await world.sweep()
    await world.at(at(2060, 3, 16) + AFTER)
    await world.sweep()
    assert (await world.custody("c3")).pool == "other"
    await world.claim("c1", "wang")
    await world.parts.custodies.postpone(world.lease, "clock", f"{TENANT}/c1", world.now + DAY)
    changed = Limits(tier_weights={"": 7})
    await world.parts.commands.limits.update(TENANT, lambda _: changed, order())
    await world.sweep()
    assert (await world.custody("c1")).weight == 7


@pytest.mark.timeout(300)
async def test_a_step_that_fails_at_a_read_leaves_nothing_behind(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaking = _Breaking(Store.run)

    async def run(store: Store, script: Script, partition: Partition, **given: Any) -> Reply:
        return await breaking.run(store, script, partition, **given)

    async with hands(store_settings) as world:
        monkeypatch.setattr(Store, "run", run)
        await everything(world)
    names = {name.rpartition(".")[2] for name in breaking.tried}
    assert names >= writing_scripts() - _UNTRIED
    assert all(reads > 0 for reads in breaking.tried.values())


class _Overtaken:
    """Lets whoever lost the lease take each fenced step before its holder does."""

    def __init__(self, run: Any) -> None:
        self._run = run
        self.fenced_off: set[str] = set()

    async def run(self, store: Store, script: Script, partition: Partition, **given: Any) -> Reply:
        name = script.name.rpartition(".")[2]
        if "token" in script.header.args and name not in self.fenced_off:
            before = await contents(store)
            # After a fail-over the same number can be given out twice; and an older one is older.
            for stale in ({"holder": "another"}, {"token": given["args"]["token"] - 1}):
                late = {**given, "args": {**given["args"], **stale}}
                with pytest.raises(LeaseLost):
                    await self._run(store, script, partition, **late)
                assert await contents(store) == before, name
            self.fenced_off.add(name)
        reply: Reply = await self._run(store, script, partition, **given)
        return reply


@pytest.mark.timeout(300)
async def test_each_step_of_a_sweep_is_fenced_off_once_the_lease_is_lost(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hands(store_settings) as world:
        overtaken = _Overtaken(Store.run)

        async def run(store: Store, script: Script, partition: Partition, **given: Any) -> Reply:
            return await overtaken.run(store, script, partition, **given)

        monkeypatch.setattr(Store, "run", run)
        await everything(world)
    assert overtaken.fenced_off == {
        *("reclaim", "warn", "move_on", "reschedule", "postpone"),
        *("end_reservation", "advance_recomputation"),
    }
