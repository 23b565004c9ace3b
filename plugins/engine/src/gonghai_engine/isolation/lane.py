"""Decisions of one plugin in a process of its own: killed when it hangs, replaced when it ends.

What must hold: an answer comes within bounded time, whatever the plugin does; one request that
makes the plugin hang or crash fails by itself, those beside it are decided; a tenant whose requests
do so again and again is put aside for a while, so that others of the same plugin get on.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gonghai_engine.decisions import DecisionFailure
from gonghai_engine.faults import EngineError
from gonghai_engine.isolation.process import Ended, PluginProcess

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence

    from gonghai_engine.decisions import Decision, DecisionRequest
    from gonghai_engine.explain import Explanation
    from gonghai_engine.tenants import TenantPolicy

_AT_A_TIME: Final = 128
_EVERYBODY: Final = ""
"""Whose trouble it is when the plugin's process does not even start."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much patience a plugin's own code gets.

    Attributes:
        decision: seconds of the processor for one decision, or one check of settings.
        start: the same for its process to start.
        waiting: seconds that a request waits for those before it.
        ends: how often in a row it may make its process end before its tenant is put aside.
        aside: seconds for which.
    """

    decision: float = 1.0
    start: float = 20.0
    waiting: float = 3.0
    ends: int = 3
    aside: float = 30.0


class _Busy(Exception):  # noqa: N818 - what the plugin is
    """Others before had the plugin for too long."""


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
        ends: how often its process ended, by cause (`plugin_hung`, `plugin_crashed`).
        good: how many answers it has given since that happened last.
    """

    def __init__(
        self,
        plugin: str,
        limits: Limits,
        tell: Callable[..., object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Decide for a plugin.

        Args:
            plugin: its name.
            limits: how much patience it gets.
            tell: is told what happens to it: an event's name, and figures.
            clock: seconds.
        """
        self._plugin = plugin
        self._limits = limits
        self._tell = tell
        self._clock = clock
        self._turn = asyncio.Lock()
        self._process: PluginProcess | None = None
        self._in_a_row: Counter[str] = Counter()
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

    async def decide(
        self, policies: Mapping[str, TenantPolicy], requests: Sequence[DecisionRequest]
    ) -> list[Decision | DecisionFailure]:
        """Decide each request, in order, by its tenant's policy. Never raises for a bad one."""
        answers: list[Decision | DecisionFailure] = []
        for start in range(0, len(requests), _AT_A_TIME):
            part = self._part(policies, requests[start : start + _AT_A_TIME], explain=False)
            # A caller who leaves must not leave half an answer behind.
            answers += await asyncio.shield(asyncio.create_task(part))
        return answers

    async def explain(
        self, policy: TenantPolicy, request: DecisionRequest
    ) -> Explanation | DecisionFailure:
        """Decide, with the truth of every rule and condition."""
        part = self._part({request.tenant: policy}, [request], explain=True)
        answer: Explanation | DecisionFailure
        (answer,) = await asyncio.shield(asyncio.create_task(part))
        return answer

    async def check(self, text: str) -> str:
        """Read a document there first. Return why that does not come to an end, "" if it does."""
        return await asyncio.shield(asyncio.create_task(self._checked(text)))

    async def stop(self) -> None:
        """End the process, whatever it is at."""
        process, self._process = self._process, None
        if process is not None:
            await process.stop()

    async def _part(
        self,
        policies: Mapping[str, TenantPolicy],
        requests: Sequence[DecisionRequest],
        *,
        explain: bool,
    ) -> list[Any]:
        answers: dict[int, Any] = {}

        def fail(places: Iterable[int], cause: str, why: str) -> None:
            for place in places:
                answers[place] = self._failure(policies, requests[place], cause, why)

        while True:
            open_ = [place for place in range(len(requests)) if place not in answers]
            for place in open_:
                why = self._why_aside(requests[place].tenant)
                if why:
                    fail([place], "plugin_aside", why)
            todo = [place for place in open_ if place not in answers]
            if not todo:
                return [answers[place] for place in range(len(requests))]
            try:
                made = await self._in_turn(policies, [requests[at] for at in todo], explain=explain)
            except _Busy:
                fail(todo, "plugin_busy", f"it is busy for longer than {self._limits.waiting:g} s")
            except _Blamed as blamed:
                self._note(blamed)
                places = [todo[place] for place in blamed.places]
                fail(places, blamed.end.cause, blamed.end.message)
            else:
                answers.update(zip(todo, made, strict=False))

    async def _in_turn(
        self,
        policies: Mapping[str, TenantPolicy],
        requests: Sequence[DecisionRequest],
        *,
        explain: bool,
    ) -> list[Any]:
        """Answer all of them, or none: [] where one before was put aside meanwhile."""
        async with self._my_turn():
            tenants = {request.tenant for request in requests}
            if any(map(self._why_aside, tenants)):
                return []
            made = await self._made(policies, requests, explain=explain)
        for tenant in (*tenants, _EVERYBODY):
            self._in_a_row.pop(tenant, None)
        self.good += len(made)
        return made

    async def _made(
        self,
        policies: Mapping[str, TenantPolicy],
        requests: Sequence[DecisionRequest],
        *,
        explain: bool,
    ) -> list[Any]:
        process = await self._started(range(len(requests)))
        for tenant in dict.fromkeys(request.tenant for request in requests):
            policy = policies[tenant]
            if process.knows(policy):
                continue
            try:
                await process.take_policy(policy, self._limits.decision)
            except Ended as end:
                theirs = [at for at, request in enumerate(requests) if request.tenant == tenant]
                raise _Blamed(end, tenant, theirs) from end
        try:
            if explain:
                return [await process.explain(requests[0], self._limits.decision)]
            return await process.decide(requests, self._limits.decision)
        except Ended as end:
            place = min(max(0, end.place), len(requests) - 1)
            raise _Blamed(end, requests[place].tenant, [place]) from end

    async def _started(self, places: Iterable[int]) -> PluginProcess:
        if self._process is not None and self._process.alive:
            return self._process
        try:
            self._process = await PluginProcess.start(self._plugin, self._limits.start)
        except (Ended, EngineError, OSError) as error:
            end = error if isinstance(error, Ended) else Ended("plugin_crashed", str(error))
            raise _Blamed(end, _EVERYBODY, places) from error
        self._tell("plugin_process_started", plugin=self._plugin)
        return self._process

    async def _checked(self, text: str) -> str:
        try:
            async with self._my_turn():
                process = await self._started(())
                await process.check(text, self._limits.decision)
        except _Busy:
            return f"the plugin is busy for longer than {self._limits.waiting:g} s"
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
        self._in_a_row[tenant] += 1
        self._tell(end.cause, plugin=self._plugin, tenant=tenant, why=end.message)
        if self._in_a_row[tenant] >= self._limits.ends:
            self._aside[tenant] = (self._clock() + self._limits.aside, end.message)
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
    async def _my_turn(self) -> AsyncIterator[None]:
        try:
            await asyncio.wait_for(self._turn.acquire(), self._limits.waiting)
        except TimeoutError:
            raise _Busy from None
        try:
            yield
        finally:
            self._turn.release()

    def _failure(
        self,
        policies: Mapping[str, TenantPolicy],
        request: DecisionRequest,
        cause: str,
        why: str,
    ) -> DecisionFailure:
        return DecisionFailure(
            request.subject,
            request.policy,
            cause,
            f"the plugin {self._plugin!r}: {why}",
            self._plugin,
            policies[request.tenant].revision,
            request.now,
        )
