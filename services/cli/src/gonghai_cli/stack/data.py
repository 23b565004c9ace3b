"""The data directory of a stack: who uses it, and what a killed one left behind."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from io import TextIOWrapper

_END_WITHIN: Final = 10.0
_LOOK_EVERY: Final = 0.02


class DataInUse(Exception):  # noqa: N818 - named after what is the case
    """Another stack runs on the same data."""


class DataDirectory:
    """One directory, held by one stack at a time.

    The kernel gives the lock back when its holder dies, however it dies, so no stale lock can be
    left. Processes that a killed holder started are found by what it wrote down, and ended before
    the next one begins. What was written down in another directory, of which this one is a copy,
    speaks of somebody else's processes.
    """

    def __init__(self, path: Path) -> None:
        """Name the directory; nothing is made yet."""
        self.path = path
        self._lock: TextIOWrapper | None = None

    @property
    def store(self) -> Path:
        """Where the store's data is."""
        return self.path / "store"

    @property
    def logs(self) -> Path:
        """Where the services write what they have to say."""
        return self.path / "logs"

    @property
    def _children(self) -> Path:
        return self.path / "processes.json"

    def acquire(self) -> list[str]:
        """Make the directory ours.

        Returns:
            The names of the processes that a killed holder had left running, and that were ended.

        Raises:
            DataInUse: a stack runs on it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        lock = (self.path / "lock").open("a+", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "another process"
            lock.close()
            raise DataInUse(
                f"{self.path} is in use by process {holder}. End that one, or choose other data"
                " with --data."
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock
        return self._end_orphans()

    def release(self) -> None:
        """Let others have it."""
        if self._lock is not None:
            self._children.unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def clear(self) -> None:
        """Throw the data away; only while it is ours."""
        if self._lock is None:
            raise RuntimeError("The directory is not ours.")
        shutil.rmtree(self.store, ignore_errors=True)
        shutil.rmtree(self.logs, ignore_errors=True)

    def note(self, children: dict[str, int]) -> None:
        """Write down which processes run for us, by name."""
        noted = {name: [pid, _born(pid)] for name, pid in children.items()}
        fresh = self._children.with_suffix(".new")
        fresh.write_text(json.dumps({"directory": self._identity(), "processes": noted}), "utf-8")
        fresh.replace(self._children)

    def _identity(self) -> list[int]:
        about = self.path.stat()
        return [about.st_dev, about.st_ino]

    def _end_orphans(self) -> list[str]:
        try:
            noted: dict[str, Any] = json.loads(self._children.read_text("utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return []
        # A copy has the file, too, but another identity; its original may be running.
        ours = noted.get("directory") == self._identity()
        ended = []
        for name, (pid, born) in noted["processes"].items() if ours else ():
            # The number may be another process's by now: the time of birth tells.
            if born is not None and _born(pid) == born:
                _end(pid, born)
                ended.append(name)
        self._children.unlink(missing_ok=True)
        return ended


def _born(pid: int) -> str | None:
    """Return what tells a process from a later one of the same number; None when it is gone.

    Where the system has no /proc nothing is told apart, and nothing is ended.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    # proc(5): the state is field 3, the start time field 22.
    return None if fields[0] == "Z" else fields[19]


def _end(pid: int, born: str) -> None:
    until = time.monotonic() + _END_WITHIN
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        while _born(pid) == born and time.monotonic() < until:
            time.sleep(_LOOK_EVERY)  # noqa: TID251 - it is no child of ours: there is nothing to wait on
        if _born(pid) != born:
            return
