"""Test runs on machines that stand still now and then, and on disks that do.

A virtual machine is paused while it is copied, a disk gives no answer for seconds: leases run out,
deadlines pass, and a test fails that is right. So the run watches its machine. A test that failed
while the machine stood still is run again, and the run says so at its end; a test that failed while
the machine ran is a failure, the first time.

What the tests write goes to memory where the machine has enough of it, so that a slow disk is
waited for by nobody.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, process_time
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest.terminal import TerminalReporter

AT_LEAST: Final = 0.4
"""Seconds; the shortest lease in the tests lives for little more than twice as long."""

_LOOK_EVERY: Final = 0.05
_TRIES: Final = 3
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - pytest makes a folder in it that is its user's
_ENOUGH: Final = 4 << 30
"""Bytes; a run needs about half a gibibyte, and the memory is needed for more than files."""


@dataclass(frozen=True)
class _Look:
    """One look at the clock, and at what the process had worked by then, in seconds."""

    at: float = field(default_factory=monotonic)
    worked: float = field(default_factory=process_time)

    def idle(self, now: _Look) -> float:
        """Seconds from then to now in which the process neither worked nor meant to wait."""
        return now.at - self.at - _LOOK_EVERY - (now.worked - self.worked)


@dataclass
class Watch:
    """Looks, on a thread of its own, whether time passes in which the machine does nothing.

    Where the tests' own process was at work in that time, it was not the machine that stood still:
    code that holds on to the interpreter is none of its faults.

    Attributes:
        folder: the disk that must answer; a file in it is written again and again.
        at_least: seconds from which on it is told.
        standstills: when each began and how long it took, in seconds of `time.monotonic`.
    """

    folder: Path
    at_least: float = AT_LEAST
    standstills: list[tuple[float, float]] = field(default_factory=list)
    _looked: _Look = field(default_factory=_Look)
    _end: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Prepares the thread."""
        self._thread = threading.Thread(target=self._look, name="standstill", daemon=True)

    def start(self) -> None:
        """Begins to look."""
        self._looked = _Look()
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread."""
        self._end.set()
        self._thread.join()

    def since(self, moment: float) -> float:
        """The longest standstill that reached beyond the moment, in seconds; 0 where none did.

        The one that goes on at this moment counts as well.
        """
        known = list(self.standstills)
        if self._thread.is_alive():
            known.append((self._looked.at, self._looked.idle(_Look())))
        long = [took for began, took in known if took >= self.at_least and began + took > moment]
        return max(long, default=0.0)

    def _look(self) -> None:
        descriptor = os.open(self.folder / "standstill", os.O_CREAT | os.O_WRONLY, 0o600)
        # A disk that refuses is looked at no more, and excuses nothing.
        with os.fdopen(descriptor, "wb"), suppress(OSError):
            while not self._end.wait(_LOOK_EVERY):
                self._write(descriptor)
                now = _Look()
                took = self._looked.idle(now)
                if took >= self.at_least:
                    self.standstills.append((self._looked.at, took))
                self._looked = now

    @staticmethod
    def _write(descriptor: int) -> None:
        os.pwrite(descriptor, b".", 0)
        os.fsync(descriptor)


_WATCH = pytest.StashKey[Watch]()
_BEGAN = pytest.StashKey[float]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Has the tests write to memory, unless their user says where."""
    if config.option.basetemp is None and roomy(_MEMORY):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


def roomy(folder: Path) -> bool:
    """Whether tests may write there: it can be written, has room, and programs in it may run."""
    if not os.access(folder, os.W_OK | os.X_OK):
        return False
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize >= _ENOUGH and not found.f_flag & os.ST_NOEXEC


@pytest.fixture(scope="session", autouse=True)
def _machine_is_watched(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[None]:
    watch = Watch(tmp_path_factory.mktemp("standstill"))
    request.config.stash[_WATCH] = watch
    watch.start()
    yield
    watch.stop()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Notes when the test begins, each time it does."""
    item.stash[_BEGAN] = monotonic()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Lets each test be tried again if the machine stood still while it failed."""
    if config.option.usepdb or not config.pluginmanager.hasplugin("rerunfailures"):
        return
    for item in items:
        item.add_marker(pytest.mark.flaky(reruns=_TRIES - 1, condition=_Excuse(item)))


@dataclass(frozen=True)
class _Excuse:
    """Whether the machine stood still during a test: what `flaky` asks after a failure.

    A test that took longer than it may is not tried again: the one time-out is for all its tries.
    """

    item: pytest.Item

    def __call__(self, error: BaseException | None) -> bool:
        watch = self.item.config.stash.get(_WATCH, None)
        if watch is None or (isinstance(error, pytest.fail.Exception) and "Timeout" in str(error)):
            return False
        return watch.since(self.item.stash[_BEGAN]) > 0


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """Says how often the machine stood still, where it did."""
    watch = config.stash.get(_WATCH, None)
    if watch is not None and watch.standstills:
        longest = max(took for _, took in watch.standstills)
        terminalreporter.section("the machine stood still")
        terminalreporter.write_line(
            f"{len(watch.standstills)} times, {longest:.1f} s at the longest; a test that fails"
            f" meanwhile is tried again, {_TRIES} times in all."
        )
