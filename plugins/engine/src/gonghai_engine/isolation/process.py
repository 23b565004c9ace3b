"""A plugin's process, from the side of the service: started, asked, and killed when it hangs."""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from gonghai_engine.decisions import FailureCause
from gonghai_engine.faults import EngineError
from gonghai_engine.isolation import answers, wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gonghai_engine.decisions import Decision, DecisionFailure, DecisionRequest
    from gonghai_engine.explain import Explanation
    from gonghai_engine.tenants import TenantPolicy

_LOOKS: Final = 4
"""How often it is looked at in the time that one request may take."""

SLACK: Final = 3
"""How many times that long it may take by the clock: it may wait for the processor, or sleep."""

MOST_POLICIES: Final = 1_024
"""How many tenants' policies it keeps: of more, those that were not asked for the longest go."""

_STANDARD_ERROR: Final = 2
_USER_TIME, _SYSTEM_TIME = 11, 12
"""Of the fields of /proc/PID/stat that follow the command's name."""

_TICKS: Final = os.sysconf("SC_CLK_TCK")


class Ended(Exception):  # noqa: N818 - what the process has
    """The process is no more: it hung and was killed, or crashed.

    Attributes:
        cause: PLUGIN_HUNG or PLUGIN_CRASHED.
        place: of the request that it was at; -1 for none.
    """

    def __init__(self, cause: FailureCause, message: str, place: int = -1) -> None:
        super().__init__(message)
        self.cause = cause
        self.message = message
        self.place = place


def launch(
    plugin: str, folder: Path | None = None
) -> tuple[subprocess.Popen[bytes], mmap.mmap, socket.socket]:
    """Start a worker; return it, the page in which it says where it is, and the way to it.

    With a ``folder`` it takes the candidate that is there, not the installed version.

    By the standard library, which uses vfork: the event loop of the services forks, and then the
    threads of grpc are begun anew in the child, and crash it.
    """
    ours, theirs = socket.socketpair()
    with theirs, tempfile.TemporaryFile() as file:
        os.ftruncate(file.fileno(), wire.PROGRESS.size)
        page = mmap.mmap(file.fileno(), wire.PROGRESS.size)
        process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [
                sys.executable,
                "-P",
                "-m",
                "gonghai_engine.isolation.worker",
                plugin,
                str(theirs.fileno()),
                str(file.fileno()),
                *([] if folder is None else [str(folder)]),
            ],
            stdin=subprocess.DEVNULL,
            stdout=_STANDARD_ERROR,
            pass_fds=(theirs.fileno(), file.fileno()),
            env=_environment(),
            # What stops the service at a terminal must not stop this before it.
            start_new_session=True,
        )
    return process, page, ours


class PluginProcess:
    """One worker. Not to be asked twice at once."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        page: mmap.mmap,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        """Take a process that was started, the page in which it says where it is, and the ways."""
        self._process = process
        self._page = page
        self._answers, self._requests = streams
        self._policies: OrderedDict[str, tuple[int, str]] = OrderedDict()

    @classmethod
    async def start(cls, plugin: str, folder: Path | None = None) -> Self:
        """Start one; before it is asked anything it is to have its plugin `loaded`."""
        process, page, ours = launch(plugin, folder)
        ours.setblocking(False)  # noqa: FBT003 - its name
        try:
            return cls(process, page, await asyncio.open_connection(sock=ours))
        except BaseException:
            process.kill()
            ours.close()
            raise

    async def loaded(self, seconds: float) -> None:
        """Wait until it has loaded its plugin; where it does not, it is ended.

        Raises:
            Ended: it did not come up.
            EngineError: it came up without the plugin.
        """
        try:
            error = str(await self._answer("ready", seconds))
        except BaseException:
            self.kill()
            raise
        if error:
            await self.stop()
            raise EngineError(f"in a process of its own it does not load: {error}")

    @property
    def alive(self) -> bool:
        """Say whether it can be asked."""
        return self._process.poll() is None

    def knows(self, policy: TenantPolicy) -> bool:
        """Say whether it has this revision of the tenant."""
        if self._policies.get(policy.tenant) != (policy.revision, policy.document.digest):
            return False
        self._policies.move_to_end(policy.tenant)
        return True

    @property
    def pid(self) -> int:
        """Return its number."""
        return self._process.pid

    @property
    def known(self) -> int:
        """Return of how many tenants it has the policy."""
        return len(self._policies)

    async def take_policy(self, policy: TenantPolicy, seconds: float) -> None:
        """Tell it a tenant's policy. Raises Ended."""
        text = policy.document.text
        await self._ask(("policy", policy.tenant, policy.revision, text), "done", seconds)
        self._policies[policy.tenant] = (policy.revision, policy.document.digest)
        self._policies.move_to_end(policy.tenant)
        excess = len(self._policies) - MOST_POLICIES
        if excess > 0:
            await self.forget(list(self._policies)[:excess], seconds)

    async def forget(self, tenants: Iterable[str], seconds: float) -> None:
        """Let it drop what it knows of tenants. Raises Ended."""
        known = [tenant for tenant in tenants if self._policies.pop(tenant, None) is not None]
        if known:
            await self._ask(("forget", known), "done", seconds)

    async def check(self, settings: dict[str, object], seconds: float) -> None:
        """Let it try settings of the plugin. Raises Ended where that does not come to an end."""
        await self._ask(("check", settings), "done", seconds)

    async def decide(
        self, requests: Sequence[DecisionRequest], seconds: float, turn: float
    ) -> list[Decision | DecisionFailure]:
        """Decide, each within the seconds. Raises Ended with the place of the one at fault.

        When the turn's seconds are over, the rest is not looked at: fewer are answered then, but
        one at least.
        """
        data = await self._ask(("decide", list(requests), turn), "decided", seconds)
        try:
            made = answers.decisions(data)
        except EngineError:
            raise self._nonsense() from None
        if not 0 < len(made) <= len(requests):
            raise self._nonsense()
        return made

    async def explain(
        self, request: DecisionRequest, seconds: float
    ) -> Explanation | DecisionFailure:
        """Explain. Raises Ended."""
        data = await self._ask(("explain", request), "explained", seconds)
        try:
            return answers.explanation(data)
        except EngineError:
            raise self._nonsense() from None

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._requests.close()

    async def stop(self) -> None:
        """End it, and wait until nothing of it is left."""
        self.kill()
        await self._ended()
        with contextlib.suppress(OSError):
            await self._requests.wait_closed()

    async def _ask(self, message: tuple[Any, ...], kind: str, seconds: float) -> Any:  # noqa: ANN401 - plain data
        wire.PROGRESS.pack_into(self._page, 0, -1)
        # Without waiting until it is read: a process that hangs reads nothing, and is killed below.
        self._requests.write(wire.question(message))
        return await self._answer(kind, seconds)

    async def _answer(self, kind: str, seconds: float) -> Any:  # noqa: ANN401 - plain data
        reading = asyncio.ensure_future(self._read())
        at, spent, looks = -1, 0.0, 0
        while not (await asyncio.wait([reading], timeout=seconds / _LOOKS))[0]:
            if not looks or at != self._place:
                at, spent, looks = self._place, self._spent, 1
                continue
            # Its own time, not the clock's: that others take the processor is not its fault. Of the
            # clock looks are counted: that the whole machine stood still is not its fault either.
            looks += 1
            if self._spent - spent >= seconds or looks >= _LOOKS * SLACK:
                self.kill()
                with contextlib.suppress(asyncio.IncompleteReadError, EngineError, OSError):
                    await reading
                await self._ended()
                raise Ended(FailureCause.PLUGIN_HUNG, f"it took longer than {seconds:g} s", at)
        try:
            found, what = reading.result()
        except (asyncio.IncompleteReadError, OSError):
            place = self._place
            self.kill()
            code = await self._ended()
            raise Ended(
                FailureCause.PLUGIN_CRASHED, f"its process ended {how(code)}", place
            ) from None
        except EngineError:
            raise self._nonsense() from None
        if found != kind:
            raise self._nonsense()
        return what

    async def _read(self) -> tuple[str, Any]:
        header = await self._answers.readexactly(wire.HEADER.size)
        return wire.read_answer(await self._answers.readexactly(wire.length(header)))

    async def _ended(self) -> int:
        """Wait for the end of a process that was killed; return how it came."""
        return await asyncio.to_thread(self._process.wait)

    def _nonsense(self) -> Ended:
        place = self._place
        self.kill()
        return Ended(FailureCause.PLUGIN_CRASHED, "its process answered nonsense", place)

    @property
    def _spent(self) -> float:
        """Return how many seconds of the processor it has used; 0 where that is not known."""
        try:
            stat = Path(f"/proc/{self._process.pid}/stat").read_text("utf-8")
        except OSError:
            return 0.0
        fields = stat.rpartition(")")[2].split()
        return (int(fields[_USER_TIME]) + int(fields[_SYSTEM_TIME])) / _TICKS

    @property
    def _place(self) -> int:
        return int(wire.PROGRESS.unpack_from(self._page, 0)[0])


def _environment() -> dict[str, str]:
    """Where the service finds its plugins, and nothing that the service alone is to know."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GONGHAI_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def how(code: int) -> str:
    """Say how a process ended, by its return code."""
    if code >= 0:
        return f"with code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"
