"""Group commit: commands that wait at the same moment go to the store in one round trip.

A lane is a queue to one place (the one server, or a partition of a Cluster). While its round trips
are under way, what comes in collects, and goes out together as soon as one is back: one write, one
fsync and one wake-up of the process for all of them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Any

from redis.exceptions import (
    AskError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    MovedError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)

from gonghai_chassis.store.failures import (
    ScriptFailed,
    SlotUnderWay,
    StoreFull,
    StoreRefused,
    StoreUnavailable,
)

if TYPE_CHECKING:
    from gonghai_chassis.store.connection import Connection
    from gonghai_chassis.store.partitions import Partition
    from gonghai_chassis.store.round_trips import RoundTrips
    from gonghai_chassis.store.scripts import Script
    from gonghai_chassis.store.settings import StoreSettings

_WATCH_EVERY = 0.02
"""Seconds between looks for commands whose deadline has passed."""

_PAUSE_AFTER_OUTAGE = 0.03
"""Seconds before reads are sent again over a new connection."""

_PAUSE_WHILE_MOVING = 0.02
"""Seconds before commands are sent again that a slot under way keeps from being run."""

_MOST_HOPS = 5
"""How often a command is sent on, from master to master, before it is given up."""

_NOT_NOW = (
    AskError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    MovedError,
    NoPermissionError,
    NoScriptError,
    ReadOnlyError,
    TryAgainError,
)
_REFUSALS = ("BUSY ", "NOREPLICAS", "MISCONF", "LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN")
"""How the server says before a command that it takes none now; BUSY: another's runs too long."""

_NOT_HERE = "attempted to access a non local key"
"""How a server of a Cluster stops a script at a key whose slot is under way."""


class Command:
    """One script call that waits for its answer.

    Attributes:
        script: what to run.
        words: the command.
        deadline: when its caller stops waiting (`time.monotonic`).
        answer: the server's, or the failure.
        put_off: whether it was surely not run, since its slot is under way to another master.
    """

    __slots__ = ("answer", "deadline", "put_off", "script", "words")

    def __init__(
        self,
        script: Script,
        words: tuple[Any, ...],
        deadline: float,
        answer: asyncio.Future[Any],
    ) -> None:
        self.script = script
        self.words = words
        self.deadline = deadline
        self.answer = answer
        self.put_off = False


class Lane:
    """The queue to one place; commands of one caller keep their order because it waits for each."""

    def __init__(
        self, connection: Connection, settings: StoreSettings, partition: Partition | None
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._partition = partition
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Command] = deque()
        self._sent: set[Command] = set()
        self._trips: set[asyncio.Task[None]] = set()
        self._scheduled = False
        self._closing = False
        self._watch: asyncio.TimerHandle | None = None

    def submit(
        self, script: Script, words: tuple[Any, ...], deadline: float
    ) -> asyncio.Future[Any]:
        """Queues a command; the future gives the server's answer or the failure."""
        answer = self._loop.create_future()
        self._waiting.append(Command(script, words, deadline, answer))
        if not self._scheduled and len(self._trips) < self._settings.pipelines:
            # One turn of the loop later, so that callers that are ready now go together.
            self._scheduled = True
            self._loop.call_soon(self._depart)
        if self._watch is None:
            self._watch = self._loop.call_later(_WATCH_EVERY, self._look_at_deadlines)
        return answer

    async def close(self) -> None:
        """Waits for the round trips under way, then refuses what is left."""
        self._closing = True
        while self._trips:
            await asyncio.wait(self._trips)
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        while self._waiting:
            self._fail(self._waiting.popleft(), StoreRefused("The store is being closed."))

    def _depart(self) -> None:
        self._scheduled = False
        while self._waiting and len(self._trips) < self._settings.pipelines:
            batch: list[Command] = []
            while self._waiting and len(batch) < self._settings.batch:
                command = self._waiting.popleft()
                if not command.answer.done():
                    # This time it may be run; what only reads does nothing either way.
                    command.put_off = command.put_off and not command.script.writes
                    batch.append(command)
            if not batch:
                return
            self._sent.update(batch)
            trip = self._loop.create_task(self._trip(batch))
            self._trips.add(trip)
            trip.add_done_callback(self._returned)

    def _returned(self, trip: asyncio.Task[None]) -> None:
        self._trips.discard(trip)
        if self._waiting and not self._scheduled:
            self._depart()

    def _look_at_deadlines(self) -> None:
        now = monotonic()
        for command in self._sent:
            if command.deadline < now:
                late = StoreUnavailable("The store did not answer in time.")
                self._fail(command, _under_way() if command.put_off else late)
        for command in self._waiting:
            if command.deadline < now:
                # It waits because the store does not answer those before it: the store is away,
                # and not the caller in a hurry.
                late = StoreRefused("The store was not free in time.")
                self._fail(command, _under_way() if command.put_off else late)
        busy = self._waiting or self._sent
        self._watch = self._loop.call_later(_WATCH_EVERY, self._look_at_deadlines) if busy else None

    async def _trip(self, batch: list[Command]) -> None:
        try:
            await self._send(self._connection.trips(self._partition), batch)
        except asyncio.CancelledError:
            for command in batch:
                self._fail(command, StoreUnavailable("The connection was closed."))
            raise
        except Exception as error:  # noqa: BLE001 - redis-py leaks more kinds than it documents
            await self._broken(batch, error)
        finally:
            self._sent.difference_update(batch)

    async def _broken(self, batch: list[Command], error: Exception) -> None:
        failure = StoreUnavailable(f"The store could not be reached: {error}")
        failure.__cause__ = error
        again = []
        for command in batch:
            if command.script.repeatable and not command.answer.done():
                again.append(command)
            else:
                self._fail(command, failure)
        await self._refresh()
        if again and not self._closing:
            await asyncio.sleep(_PAUSE_AFTER_OUTAGE)
            self._waiting.extendleft(reversed(again))
        else:
            for command in again:
                self._fail(command, failure)

    async def _refresh(self) -> None:
        try:
            await self._connection.refresh()
        except Exception:  # noqa: BLE001 - the next round trip finds out by itself
            return

    async def _send(
        self,
        trips: RoundTrips,
        batch: list[Command],
        *,
        asking: bool = False,
        hops: int = _MOST_HOPS,
    ) -> None:
        answers = await self._exchange(trips, batch, asking=asking)
        await self._load_unknown(trips, batch, answers, asking=asking)
        # By where to go and how: what the old master sends on is only taken when it is asked for.
        onward: dict[tuple[RoundTrips, bool], list[Command]] = {}
        later: list[Command] = []
        for command, answer in zip(batch, answers, strict=True):
            if isinstance(answer, AskError) and hops:
                try:
                    target = await self._connection.redirect(answer)
                except StoreRefused as failure:
                    self._fail(command, failure)
                    continue
                place = (target, not isinstance(answer, MovedError))
                onward.setdefault(place, []).append(command)
            elif isinstance(answer, TryAgainError):
                later.append(command)
            else:
                self._settle(command, answer)
        for (target, as_asked), commands in onward.items():
            await self._send(target, commands, asking=as_asked, hops=hops - 1)
        if later:
            await self._postpone(later)

    async def _load_unknown(
        self, trips: RoundTrips, batch: list[Command], answers: list[Any], *, asking: bool
    ) -> None:
        """Sends those again whose script the server did not know: they were surely not run."""
        places = [n for n, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if not places:
            return
        unknown = [batch[n] for n in places]
        texts = {command.script.sha: command.script.text for command in unknown}
        await trips.exchange([("SCRIPT", "LOAD", text) for text in texts.values()])
        again = await self._exchange(trips, unknown, asking=asking)
        for n, answer in zip(places, again, strict=True):
            answers[n] = answer

    async def _postpone(self, commands: list[Command]) -> None:
        """Queues commands again that were surely not run, until they are, or their time is up.

        Of a slot under way each side has some keys, and neither takes a step that needs both or
        makes new ones.
        """
        if self._closing:
            for command in commands:
                self._fail(command, _under_way())
            return
        for command in commands:
            command.put_off = True
        await asyncio.sleep(_PAUSE_WHILE_MOVING)
        self._waiting.extendleft(reversed(commands))

    async def _exchange(
        self, trips: RoundTrips, batch: list[Command], *, asking: bool
    ) -> list[Any]:
        words: list[tuple[Any, ...]] = []
        for command in batch:
            if asking:
                words.append(("ASKING",))
            words.append(command.words)
        replicas = self._settings.wait_replicas
        confirm = replicas > 0 and any(command.script.writes for command in batch)
        if confirm:
            words.append(("WAIT", replicas, int(self._settings.wait_timeout * 1000)))
        answers = await trips.exchange(words)
        confirmed = answers.pop() if confirm else replicas
        if asking:
            answers = answers[1::2]
        if isinstance(confirmed, int) and confirmed >= replicas:
            return answers
        lost = StoreUnavailable("Too few replicas confirmed the write.")
        return [
            lost if command.script.writes and not isinstance(answer, Exception) else answer
            for command, answer in zip(batch, answers, strict=True)
        ]

    def _settle(self, command: Command, answer: Any) -> None:  # noqa: ANN401
        if isinstance(answer, Exception):
            self._fail(command, _failure(command, answer))
        elif not command.answer.done():
            command.answer.set_result(answer)

    def _fail(self, command: Command, failure: Exception) -> None:
        if not command.answer.done():
            command.answer.set_exception(failure)


def _under_way() -> SlotUnderWay:
    return SlotUnderWay("A slot is under way to another master.")


def _failure(command: Command, error: Exception) -> Exception:
    if isinstance(error, StoreUnavailable):
        return error
    if isinstance(error, OutOfMemoryError) or str(error).startswith("OOM"):
        return StoreFull("The store is full and takes no more writes.")
    if isinstance(error, _NOT_NOW) or str(error).startswith(_REFUSALS):
        return StoreRefused(f"The store refuses commands at the moment: {error}")
    if _NOT_HERE in str(error):
        # No fault of the script's or of what it was given: the next one would fail as well.
        kind = StoreUnavailable if command.script.writes else SlotUnderWay
        return kind(f"A slot is under way to another master: {error}")
    if isinstance(error, ResponseError):
        return ScriptFailed(f"{command.script.name}: {error}")
    return StoreUnavailable(f"The store's answer was lost: {error}")
