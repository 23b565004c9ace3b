"""Decisions of one plugin in a process of its own: killed when it hangs, replaced when it ends.

What must hold: an answer comes within bounded time, whatever the plugin does; one request that
makes the plugin hang or crash fails by itself, those beside it are decided; a tenant whose requests
do so again and again is put aside for a while, and one that asks for much has a short turn at a
time, so that others of the same plugin get on. Of a lane that has been stopped nothing is left, not
even the work for somebody who went away meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict, deque
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from gonghai_engine.decisions import DecisionFailure, FailureCause
from gonghai_engine.faults import EngineError
from gonghai_engine.isolation.process import SLACK, Ended, PluginProcess
from gonghai_engine.isolation.turns import Turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
    from pathlib import Path

    from gonghai_engine.decisions import Decision, DecisionRequest
    from gonghai_engine.explain import Explanation
    from gonghai_engine.tenants import TenantPolicy

_T = TypeVar("_T")

_AT_A_TIME: Final = 128
_MOMENT: Final = 1.0
_EVERYBODY: Final = ""
"""Whose trouble it is when the plugin's process does not even start, or when settings are checked:
no tenant has such a name."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much patience a plugin's own code gets.

    Attributes:
        decision: seconds of the processor for one decision, or one check of settings.
        start: the same for its process to start.
        turn: seconds after which a tenant that asks for many decisions lets others in.
        waiting: seconds that a request waits for those before it, beyond what it takes to end one
            of them that hangs. What it takes to start the process is not counted: that depends on
            the machine, not on them.
        ends: how often it may make its process end before its tenant is put aside,
        within: in how many seconds.
        aside: seconds for which.
        idle: seconds after which a process ends that is there only now and then.
    """

    decision: float = 1.0
    start: float = 20.0
    turn: float = 0.2
    waiting: float = 5.0
    ends: int = 3
    within: float = 60.0
    aside: float = 30.0
    idle: float = 60.0

    @property
    def patience(self) -> float:
        """Return for how long a request waits in all: longer than what hangs before it can."""
        return self.decision * SLACK + self.waiting


class _Busy(Exception):  # noqa: N818 - what the plugin is
    """Others before had the plugin for too long, or it was stopped."""


class _Blamed(Exception):  # noqa: N818 - who is
    """The process ended; ``places`` are those of the requests that it was about."""

    def __init__(self, end: Ended, tenant: str, places: Iterable[int]) -> None:
        super().__init__(str(end))
        self.end = end
        self.tenant = tenant
        self.places = tuple(places)


class Lane:
    """Where one plugin is decided. Its process is started by the first request.

    Attributes:
        ends: how often its process ended, by cause (PLUGIN_HUNG, PLUGIN_CRASHED).
        good: how many answers it has given since that happened last.
    """

    def __init__(
        self,
        plugin: str,
        limits: Limits,
        tell: Callable[..., object],
        clock: Callable[[], float] = time.monotonic,
        *,
        idle: float | None = None,
        folder: Path | None = None,
    ) -> None:
        """Decide for a plugin.

        Args:
            plugin: its name.
            limits: how much patience it gets.
            tell: is told what happens to it: an event's name, and figures.
            clock: seconds.
            idle: seconds after which its process ends if nobody asks; None: it stays.
            folder: where it is a candidate; None: it is installed.
        """
        self._plugin = plugin
        self._limits = limits
        self._tell = tell
        self._clock = clock
        self._idle = idle
        self._folder = folder
        self._turns = Turns()
        self._process: PluginProcess | None = None
        self._resting: asyncio.TimerHandle | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        self._asked: set[asyncio.Task[Any]] = set()
        self._stopped = False
        self._gone: set[str] = set()
        self._ended: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=limits.ends))
        self._aside: dict[str, tuple[float, str]] = {}
        self.ends: Counter[str] = Counter()
        self.good = 0

    @property
    def aside(self) -> int:
        """Return how many tenants it is put aside for."""
        return sum(1 for tenant in list(self._aside) if self._why_aside(tenant))

    @property
    def problem(self) -> str:
        """Say what is wrong with the plugin at present, "" when nothing is."""
        why = sorted(filter(None, map(self._why_aside, list(self._aside))))
        return f"put aside for {len(why)} tenant(s): {why[0]}" if why else ""

    @property
    def process(self) -> PluginProcess | None:
        """Return its process, None where there is none at present."""
        return self._process

    async def decide(
        self, policies: Mapping[str, TenantPolicy], requests: Sequence[DecisionRequest]
    ) -> list[Decision | DecisionFailure]:
        """Decide each request, in order, by its tenant's policy. Never raises for a bad one."""
        by_tenant: dict[str, list[int]] = {}
        for place, request in enumerate(requests):
            by_tenant.setdefault(request.tenant, []).append(place)
        answers: dict[int, Decision | DecisionFailure] = {}

        async def decide(tenant: str, places: Sequence[int]) -> None:
            for start in range(0, len(places), _AT_A_TIME):
                some = places[start : start + _AT_A_TIME]
                asked = [requests[place] for place in some]
                made = await self._whole(self._part(policies[tenant], asked, explain=False))
                answers.update(zip(some, made, strict=True))

        await asyncio.gather(*(decide(tenant, places) for tenant, places in by_tenant.items()))
        return [answers[place] for place in range(len(requests))]

    async def explain(
        self, policy: TenantPolicy, request: DecisionRequest
    ) -> Explanation | DecisionFailure:
        """Decide, with the truth of every rule and condition."""
        answer: Explanation | DecisionFailure
        (answer,) = await self._whole(self._part(policy, [request], explain=True))
        return answer

    async def check(self, settings: dict[str, object]) -> str:
        """Try settings there first. Return why that does not come to an end, "" if it does."""
        return await self._whole(self._checked(settings))

    def forget(self, tenant: str) -> None:
        """Drop what is known of a tenant: here at once, in the process before it is asked again."""
        self._aside.pop(tenant, None)
        self._ended.pop(tenant, None)
        if self._process is not None:
            self._gone.add(tenant)

    def let_go(self) -> None:
        """Let the process end when nobody has asked anything for a moment."""
        self._idle = _MOMENT
        if self._turns.free:
            self._rest()

    def end(self) -> None:
        """End the process at once, whatever it is at: from now on nothing is decided here."""
        self._stopped = True
        if self._resting is not None:
            self._resting.cancel()
        if self._process is not None:
            self._process.kill()

    async def stop(self) -> None:
        """End the process at once, and wait until nothing of it is left."""
        self.end()
        if self._asked:
            await asyncio.wait(self._asked)
        process, self._process = self._process, None
        self._gone.clear()
        if process is not None:
            await process.stop()
        if self._leaving:
            await asyncio.wait(self._leaving)

    async def _whole(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Do something to its end: a caller who leaves must not leave half an answer behind."""
        task = asyncio.create_task(work)
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
        return await asyncio.shield(task)

    async def _part(
        self, policy: TenantPolicy, requests: Sequence[DecisionRequest], *, explain: bool
    ) -> list[Any]:
        """Answer one tenant's requests, in as many turns as that takes."""
        answers: dict[int, Any] = {}

        def fail(places: Iterable[int], cause: FailureCause, why: str) -> None:
            for place in places:
                answers[place] = self._failure(policy, requests[place], cause, why)

        while todo := [place for place in range(len(requests)) if place not in answers]:
            why = self._why_aside(policy.tenant)
            if why:
                fail(todo, FailureCause.PLUGIN_ASIDE, why)
                break
            try:
                made = await self._in_turn(policy, [requests[at] for at in todo], explain=explain)
            except _Busy as busy:
                fail(todo, FailureCause.PLUGIN_BUSY, str(busy))
            except _Blamed as blamed:
                self._note(blamed)
                places = [todo[place] for place in blamed.places]
                fail(places, blamed.end.cause, blamed.end.message)
            else:
                answers.update(zip(todo, made, strict=False))
        return [answers[place] for place in range(len(requests))]

    async def _in_turn(
        self, policy: TenantPolicy, requests: Sequence[DecisionRequest], *, explain: bool
    ) -> list[Any]:
        """Answer the first of them, as many as the turn is long for.

        None where the tenant was put aside meanwhile.
        """
        async with self._my_turn(policy.owner):
            if self._why_aside(policy.tenant):
                return []
            made = await self._made(policy, requests, explain=explain)
        self.good += len(made)
        return made

    async def _made(
        self, policy: TenantPolicy, requests: Sequence[DecisionRequest], *, explain: bool
    ) -> list[Any]:
        seconds, everyone = self._limits.decision, range(len(requests))
        process = await self._started(everyone)
        try:
            gone, self._gone = self._gone - {policy.tenant}, set()
            await process.forget(gone, seconds)
            if not process.knows(policy):
                await process.take_policy(policy, seconds)
        except Ended as end:
            raise _Blamed(end, policy.tenant, everyone) from end
        try:
            if explain:
                return [await process.explain(requests[0], seconds)]
            return await process.decide(requests, seconds, self._limits.turn)
        except Ended as end:
            place = min(max(0, end.place), len(requests) - 1)
            raise _Blamed(end, policy.tenant, [place]) from end

    async def _started(self, places: Iterable[int]) -> PluginProcess:
        if self._process is not None and self._process.alive:
            return self._process
        self._gone.clear()
        try:
            with self._turns.not_counted():
                process = self._process = await PluginProcess.start(self._plugin, self._folder)
                # It could not be ended before it was known here.
                self._see_that_it_goes_on()
                await process.loaded(self._limits.start)
        except (Ended, EngineError, OSError) as error:
            end = (
                error
                if isinstance(error, Ended)
                else Ended(FailureCause.PLUGIN_CRASHED, str(error))
            )
            raise _Blamed(end, _EVERYBODY, places) from error
        self._tell("plugin_process_started", plugin=self._plugin)
        return process

    async def _checked(self, settings: dict[str, object]) -> str:
        try:
            async with self._my_turn(_EVERYBODY):
                process = await self._started(())
                await process.check(settings, self._limits.decision)
        except _Busy as busy:
            return str(busy)
        except _Blamed as blamed:
            self._note(blamed)
            return blamed.end.message
        except Ended as end:
            self.ends[end.cause] += 1
            self._tell(end.cause, plugin=self._plugin, tenant="", why=end.message)
            return f"while its settings were checked, {end.message}"
        return ""

    def _note(self, blamed: _Blamed) -> None:
        end, tenant = blamed.end, blamed.tenant
        self.ends[end.cause] += 1
        self.good = 0
        self._tell(end.cause, plugin=self._plugin, tenant=tenant, why=end.message)
        now, ended = self._clock(), self._ended[tenant]
        ended.append(now)
        # What goes well between them counts for nothing: each end costs everybody a moment.
        if len(ended) == self._limits.ends and now - ended[0] <= self._limits.within:
            until = now + self._limits.aside
            self._aside[tenant] = (until, end.message)
            # Then it is tried again; one more end soon after is enough.
            ended.extend([until] * self._limits.ends)
            self._tell("plugin_put_aside", plugin=self._plugin, tenant=tenant, why=end.message)

    def _why_aside(self, tenant: str) -> str:
        """Say why it decides nothing for a tenant now; when the time is over it is tried again."""
        for name in (tenant, _EVERYBODY):
            until, why = self._aside.get(name, (0.0, ""))
            if self._clock() < until:
                return why
            self._aside.pop(name, None)
        return ""

    @asynccontextmanager
    async def _my_turn(self, tenant: str) -> AsyncIterator[None]:
        try:
            await self._turns.take(tenant, self._limits.patience)
        except TimeoutError:
            raise _Busy(f"it is busy for longer than {self._limits.patience:g} s") from None
        if self._resting is not None:
            self._resting.cancel()
        try:
            self._see_that_it_goes_on()
            yield
        except (_Blamed, Ended):
            # What was ended from here is not to be blamed for that, and not to be started again.
            self._see_that_it_goes_on()
            raise
        finally:
            self._rest()
            self._turns.leave()

    def _see_that_it_goes_on(self) -> None:
        if self._stopped:
            raise _Busy("it was stopped, and decides nothing any more")

    def _rest(self) -> None:
        """Let the process end after a while in which nobody asks, where it is to."""
        if self._resting is not None:
            # One left to itself would fall into the turn of who asks next.
            self._resting.cancel()
        if self._idle is not None and not self._stopped:
            loop = asyncio.get_running_loop()
            self._resting = loop.call_later(self._idle, self._retire)

    def _retire(self) -> None:
        """End the process that nobody asks any more."""
        process, self._process = self._process, None
        self._gone.clear()
        if process is not None:
            leaving = asyncio.ensure_future(process.stop())
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)

    def _failure(
        self, policy: TenantPolicy, request: DecisionRequest, cause: FailureCause, why: str
    ) -> DecisionFailure:
        return DecisionFailure(
            request.subject,
            request.policy,
            cause,
            f"the plugin {self._plugin!r}: {why}",
            self._plugin,
            policy.revision,
            request.now,
        )
