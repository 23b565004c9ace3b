"""What survives a crash: a note of the plugin that was at work when the process ended.

The rule engine is C: it could end the process, or loop with the interpreter lock held, and then
nothing in the process notices. So a service keeps a note in a file that is mapped into memory, and
asks the kernel to end the process when one piece of work takes more processor time than any can.
Who starts the service starts it again; it reads the note, and is careful with that plugin: one
that was being loaded is a suspect until it has been loaded in another process without ending that,
one that was deciding is decided in a worker from then on. It is careful with that version alone: a
candidate that ended it says nothing about what is installed under the same name.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import signal
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gonghai_engine.faults import TookTooLong

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path
    from types import FrameType

LOADING: Final = "loading"
DECIDING: Final = "deciding"

_WORK: Final = slice(0, 512)
_SUSPECTS: Final = slice(512, 1024)
"""The two parts of the page: each a byte that says whether it holds, and texts ending in nought."""

_SIZE: Final = 1024
_SLOTS: Final = 64
_CLEAR: Final = bytes(512)
_BETWEEN: Final = "\x1f"

_CANDIDATE: Final = "candidate"
_INSTALLED: Final = "installed"


@dataclass(frozen=True, slots=True, order=True)
class PluginVersion:
    """One version of a plugin: the installed one, or a candidate.

    Attributes:
        plugin: its name.
        version: before it is loaded that of its distribution, from then on its own.
        candidate: whether it is tried beside the installed one.
    """

    plugin: str
    version: str
    candidate: bool = False

    def to_text(self) -> str:
        """Return it as a note has it."""
        where = _CANDIDATE if self.candidate else _INSTALLED
        return _BETWEEN.join((where, self.plugin, self.version))

    @classmethod
    def from_text(cls, text: str) -> PluginVersion | None:
        """Read what `to_text` made; None for anything else, such as a part of it."""
        where, _, rest = text.partition(_BETWEEN)
        plugin, between, version = rest.partition(_BETWEEN)
        if where not in {_CANDIDATE, _INSTALLED} or not (plugin and between):
            return None
        return cls(plugin, version, where == _CANDIDATE)


class Note:
    """One process's note. What the process before it left there is in `found`.

    Attributes:
        found: (LOADING or DECIDING, which version of a plugin) of a process that ended meanwhile.
        suspects: versions that a process ended on while it loaded them, not trusted since; this
            outlives also an orderly end.
    """

    def __init__(self, folder: Path, service: str, seconds: float = 10.0) -> None:
        """Take the first note of the service that no living process has.

        Args:
            folder: where notes are; made when it is not there.
            service: whose they are.
            seconds: of processor time, for one piece of work.

        Raises:
            OSError: there is no such folder to be had, or it is somebody else's.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid != os.geteuid():
            raise PermissionError(f"{folder} is somebody else's")
        self._seconds = seconds
        self._file = _take(folder, service)
        os.ftruncate(self._file, _SIZE)
        self._page = mmap.mmap(self._file, _SIZE)
        self.found = _read(self._page[_WORK])
        listed = map(PluginVersion.from_text, _texts(self._page[_SUSPECTS]))
        self.suspects = frozenset(filter(None, listed))
        if self.found is not None and self.found[0] == LOADING:
            self._suspect(self.suspects | {self.found[1]})
        self._page[_WORK] = _CLEAR
        self._at: PluginVersion | None = None

    def close(self) -> None:
        """Leave the note to others."""
        self._page[_WORK] = _CLEAR
        self._page.close()
        os.close(self._file)

    def trust(self, plugin: PluginVersion) -> None:
        """Note that a version is no suspect any more."""
        self._suspect(self.suspects - {plugin})

    def forget_others(self, there: Collection[PluginVersion], *, candidates: bool) -> None:
        """Drop suspects that are not there any more, among candidates or what is installed."""
        gone = {each for each in self.suspects if each.candidate is candidates} - set(there)
        if gone:
            self._suspect(self.suspects - gone)

    @contextmanager
    def loading(self, plugin: PluginVersion) -> Iterator[None]:
        """Load a plugin. Raises TookTooLong inside when it takes too long, by the clock."""
        in_main = threading.current_thread() is threading.main_thread()
        before = signal.signal(signal.SIGALRM, _raise) if in_main else None
        self._write(LOADING, plugin)
        signal.setitimer(signal.ITIMER_VIRTUAL, self._seconds * 2)
        if in_main:
            # Repeated, for a plugin that swallows what it is told.
            signal.setitimer(signal.ITIMER_REAL, self._seconds, 1.0)
        try:
            yield
        finally:
            if in_main:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, before)
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            self._page[:1] = b"\0"

    def begin(self) -> None:
        """Start the alarm: decisions are made from now on."""
        signal.setitimer(signal.ITIMER_VIRTUAL, self._seconds)

    def at(self, plugin: PluginVersion) -> None:
        """Note whose policy decides next."""
        if plugin is not self._at:
            self._at = plugin
            self._write(DECIDING, plugin)

    def end(self) -> None:
        """Note that the decisions are made."""
        self._at = None
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        self._page[:1] = b"\0"

    def _write(self, work: str, plugin: PluginVersion) -> None:
        # The first byte last: a note is whole, or none.
        text = f"{work} {plugin.to_text()}".encode()[: len(_CLEAR) - 2]
        self._page[1 : 2 + len(text)] = text + b"\0"
        self._page[:1] = b"\1"

    def _suspect(self, plugins: frozenset[PluginVersion]) -> None:
        self.suspects = plugins
        first = _SUSPECTS.start
        text = b"".join(plugin.to_text().encode() + b"\0" for plugin in sorted(plugins))
        held = text[: len(_CLEAR) - 2].ljust(len(_CLEAR) - 1, b"\0")
        self._page[first : first + 1] = b"\0"
        self._page[first + 1 : _SUSPECTS.stop] = held
        self._page[first : first + 1] = b"\1"


def _take(folder: Path, service: str) -> int:
    for slot in range(_SLOTS):
        file = os.open(
            folder / f"{service}-{slot}.note",
            os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW,
            0o600,
        )
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            continue
        return file
    raise OSError(f"{_SLOTS} processes have notes in {folder}")


def _read(part: bytes) -> tuple[str, PluginVersion] | None:
    work, _, text = next(iter(_texts(part)), "").partition(" ")
    plugin = PluginVersion.from_text(text)
    return None if plugin is None else (work, plugin)


def _texts(part: bytes) -> list[str]:
    if part[:1] != b"\1":
        return []
    return [each.decode(errors="replace") for each in part[1:].split(b"\0") if each]


def _raise(_signal: int, _frame: FrameType | None) -> None:
    raise TookTooLong
