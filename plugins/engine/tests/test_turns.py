"""Tenants of one plugin that is kept apart do not wait for each other's work."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from plugins.engine.tests.distributions import install, use
from plugins.engine.tests.kept_apart import (
    FEW,
    LEAVES,
    LOOPS,
    MANY,
    MOODY,
    PATIENCE,
    SLEEPS,
    SLOW,
    Service,
)

from gonghai_chassis.testing.eventually import eventually
from gonghai_engine.isolation import process
from gonghai_engine.isolation.lane import Limits
from gonghai_engine.isolation.turns import Turns

if TYPE_CHECKING:
    import subprocess
    from collections.abc import AsyncIterator
    from pathlib import Path

# What waits outlasts what hangs by a moment, and no more.
LIMITS = Limits(decision=PATIENCE, waiting=0.6, idle=0.2)
WAITS = LIMITS.patience


@pytest.fixture
async def moody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    install(tmp_path / "site", "moody", MOODY)
    use(monkeypatch, tmp_path / "site")
    service = Service("moody", LIMITS)
    yield service
    await service.engine.stop()


async def test_of_those_who_wait_each_tenant_has_a_turn() -> None:
    turns, had = Turns(), list[str]()

    async def take(tenant: str) -> None:
        await turns.take(tenant, 10)
        had.append(tenant)
        await asyncio.sleep(0)
        turns.leave()

    await asyncio.gather(*map(take, "tttttuuv"))
    assert had == list("ttuvtutt")


async def test_who_leaves_or_waits_too_long_has_no_turn_and_nobody_loses_one() -> None:
    turns = Turns()
    await turns.take("t", 1)
    leaving = asyncio.create_task(turns.take("u", 10))
    staying = asyncio.create_task(turns.take("u", 10))
    with pytest.raises(TimeoutError):
        await turns.take("u", 0)
    leaving.cancel()
    turns.leave()
    await staying
    late = asyncio.create_task(turns.take("v", 10))
    await asyncio.sleep(0)
    turns.leave()
    late.cancel()  # in the moment in which it gets its turn
    await asyncio.gather(late, return_exceptions=True)
    await turns.take("t", 0)


async def test_what_does_not_count_makes_nobody_wait_too_long() -> None:
    turns = Turns()
    await turns.take("t", 1)
    waiting = asyncio.create_task(turns.take("u", 0.1))
    with turns.not_counted():
        await asyncio.wait([waiting], timeout=0.3)
        assert not waiting.done()
    with pytest.raises(TimeoutError):
        await waiting
    waiting = asyncio.create_task(turns.take("u", 0.1))
    with turns.not_counted():
        await asyncio.wait([waiting], timeout=0.3)
    turns.leave()
    await waiting


async def test_nobody_is_refused_because_the_machine_is_slow_to_start_the_process(
    moody: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = process.PluginProcess.start

    async def slowly(*given: Any) -> process.PluginProcess:  # noqa: ANN401 - as it is asked
        never = asyncio.get_running_loop().create_future()
        await asyncio.wait([never], timeout=WAITS + 0.3)
        return await begin(*given)

    monkeypatch.setattr(process.PluginProcess, "start", slowly)
    await moody.bind("moody", "t", "u")
    first = asyncio.create_task(moody.ask(FEW))
    assert await moody.ask(MANY, tenant="u") == ["many"]
    assert await first == ["otherwise"]


@pytest.mark.parametrize("at", ["starting", "loading", "deciding", "waiting"])
async def test_of_what_is_stopped_nothing_is_left_though_somebody_had_asked(
    moody: Service, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched: list[subprocess.Popen[bytes]] = []
    launch = process.launch

    def seen(*given: Any) -> Any:  # noqa: ANN401 - as it is asked
        made = launch(*given)
        launched.append(made[0])
        return made

    monkeypatch.setattr(process, "launch", seen)
    await moody.bind("moody", "t", "u")
    trying = len(launched)
    goes_on = asyncio.Event()
    if at == "starting":
        begin = process.PluginProcess.start

        async def held(*given: Any) -> process.PluginProcess:  # noqa: ANN401 - as it is asked
            begun = await begin(*given)
            await goes_on.wait()
            return begun

        monkeypatch.setattr(process.PluginProcess, "start", held)
    asking = asyncio.create_task(moody.ask(*[SLOW] * 1000))
    await eventually(lambda: len(launched) > trying)
    lane = moody.engine.lanes["moody"]
    if at != "starting":
        await eventually(lambda: lane.process is not None)
    if at in {"deciding", "waiting"}:
        await eventually(lambda: lane.good > 0)
    beside = asyncio.create_task(moody.ask(MANY, tenant="u")) if at == "waiting" else None
    for _ in range(3):
        await asyncio.sleep(0)  # until it waits for its turn
    asking.cancel()  # who asked has gone; what was asked goes on
    stopping = asyncio.create_task(moody.engine.stop())
    await asyncio.sleep(0)
    goes_on.set()
    await stopping
    assert len(launched) == trying + 1
    assert not [each.pid for each in launched if each.poll() is None]
    assert lane.process is None
    if beside is not None:
        assert await beside == ["plugin_busy"]
    # Nothing is under way that could start another one, nobody is blamed.
    assert asyncio.all_tasks() - {asyncio.current_task(), asking} == set()
    assert set(moody.told) == {"plugin_process_started"}
    assert not lane.ends


async def test_one_who_is_trusted_again_is_not_ended_while_others_ask(moody: Service) -> None:
    await moody.bind("moody", "t")
    assert await moody.ask(FEW) == ["otherwise"]
    lane = moody.engine.lanes["moody"]
    asking = asyncio.create_task(moody.ask(*[SLOW] * 30))
    await eventually(lambda: lane.good > 1)
    lane.let_go()
    assert await asking == ["otherwise"] * 30
    await eventually(lambda: lane.process is None)
    assert not lane.ends


async def test_one_who_is_trusted_again_on_trial_is_not_ended_in_the_middle_of_a_decision(
    moody: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, lane = asyncio.get_running_loop(), moody.engine.trial_lanes["moody"]
    set_timer, timers = loop.call_later, list[tuple[asyncio.TimerHandle, Any]]()

    def noted(seconds: float, callback: Any, *given: Any, **named: Any) -> asyncio.TimerHandle:  # noqa: ANN401 - as it is asked
        if getattr(callback, "__self__", None) is not lane:
            return set_timer(seconds, callback, *given, **named)
        timer = set_timer(3_600, callback, *given, **named)
        timers.append((timer, callback))
        return timer

    monkeypatch.setattr(loop, "call_later", noted)
    await moody.bind("moody", "t/trial-1", trial=True)
    assert await moody.ask(FEW, tenant="t/trial-1") == ["otherwise"]
    lane.let_go()
    decide = process.PluginProcess.decide
    deciding, goes_on = asyncio.Event(), asyncio.Event()

    async def held(*given: Any) -> Any:  # noqa: ANN401 - as it is asked
        deciding.set()
        await goes_on.wait()
        return await decide(*given)

    monkeypatch.setattr(process.PluginProcess, "decide", held)
    asking = asyncio.create_task(moody.ask(FEW, tenant="t/trial-1"))
    await deciding.wait()
    # The time of each that is still set comes now.
    for timer, comes in timers:
        if not timer.cancelled():
            comes()
    goes_on.set()
    assert await asking == ["otherwise"]
    assert not lane.ends
    assert lane.process is not None


async def test_a_tenant_that_asks_for_much_lets_others_in_between(moody: Service) -> None:
    await moody.bind("moody", "t", "u")
    assert await moody.ask(FEW) == ["otherwise"]
    much = asyncio.create_task(moody.ask(*[SLOW] * 100))
    await asyncio.sleep(0)
    assert await moody.ask(MANY, tenant="u") == ["many"]
    assert not much.done()
    assert await much == ["otherwise"] * 100


async def test_another_tenant_outlasts_a_function_that_sleeps(moody: Service) -> None:
    await moody.bind("moody", "t", "u")
    assert await moody.ask(FEW) == ["otherwise"]
    asleep = asyncio.create_task(moody.ask(SLEEPS))
    await asyncio.sleep(0)
    assert await moody.ask(MANY, tenant="u") == ["many"]
    assert await asleep == ["plugin_hung"]


async def test_documents_on_trial_are_decided_elsewhere_than_living_ones(moody: Service) -> None:
    await moody.bind("moody", "t", "u")
    await moody.bind("moody", "t/trial-1", trial=True)
    assert await moody.ask(FEW) == ["otherwise"]
    living = moody.engine.lanes["moody"]
    before = living.process
    trial = asyncio.create_task(moody.ask(LOOPS, LEAVES, MANY, tenant="t/trial-1"))
    await asyncio.sleep(0)
    assert await moody.ask(MANY, tenant="u") == ["many"]
    assert await trial == ["plugin_hung", "plugin_crashed", "many"]
    assert living.process is before
    assert not living.ends
    tried = moody.engine.trial_lanes["moody"]
    assert tried.ends == {"plugin_hung": 1, "plugin_crashed": 1}
    # It is there only while somebody tries something.
    await eventually(lambda: tried.process is None)
    assert await moody.ask(MANY, tenant="t/trial-1") == ["many"]


async def test_a_bad_request_among_good_ones_puts_its_tenant_aside_too(moody: Service) -> None:
    await moody.bind("moody", "t", "u")
    for _ in range(2):
        assert await moody.ask(MANY, LEAVES, MANY) == ["many", "plugin_crashed", "many"]
    aside = ["plugin_aside", "plugin_crashed", "plugin_aside"]
    assert await moody.ask(MANY, LEAVES, MANY) == aside
    assert await moody.ask(MANY, tenant="u") == ["many"]
    moody.clock.now += Limits().aside
    assert await moody.ask(MANY, LEAVES, MANY) == aside
    # What happens now and then only is no reason.
    for _ in range(2):
        moody.clock.now += Limits().aside + Limits().within + 1
        assert await moody.ask(LEAVES, MANY) == ["plugin_crashed", "many"]


async def test_what_nobody_lives_by_any_more_is_dropped_in_the_process(moody: Service) -> None:
    await moody.bind("moody", "t", *(f"u{number}" for number in range(4)))
    assert await moody.ask(MANY) == ["many"]
    lane = moody.engine.lanes["moody"]
    for number in range(4):
        assert await moody.ask(MANY, tenant=f"u{number}") == ["many"]
        moody.engine.forget(f"u{number}")
    assert await moody.ask(MANY) == ["many"]
    assert lane.process is not None
    assert lane.process.known == 1


async def test_a_process_keeps_the_policies_of_so_many_tenants_and_no_more(
    moody: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "MOST_POLICIES", 2)
    await moody.bind("moody", "t", "u", "v")
    for tenant in ("t", "u", "t", "v", "t", "u", "v", "t"):
        assert await moody.ask(MANY, tenant=tenant) == ["many"]
        found = moody.engine.lanes["moody"].process
        assert found is not None
        assert found.known <= 2
