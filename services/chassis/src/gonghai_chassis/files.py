"""Files that change while the service runs: keys, tokens, certificates.

A secret mounted into a pod is replaced by renaming a link, so a file is told apart by its identity
as well as by its times.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Identity = tuple[int, int, int]


class WatchedFile:
    """A file that is looked at again, at most once in a while, when it is asked for."""

    def __init__(
        self, path: Path, interval: float = 1.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Take the path, how many seconds to trust the last look, and a clock."""
        self.path = path
        self._interval = interval
        self._monotonic = monotonic
        self._looked = float("-inf")
        self._seen: Identity | None = None

    def changed(self) -> bytes | None:
        """Return the content when it is another one than at the last call, else None.

        A file that cannot be read just now (it is being replaced) counts as unchanged.
        """
        now = self._monotonic()
        if now - self._looked < self._interval:
            return None
        self._looked = now
        try:
            about = self.path.stat()
            identity = (about.st_ino, about.st_mtime_ns, about.st_size)
            if identity == self._seen:
                return None
            content = self.path.read_bytes()
        except OSError:
            return None
        self._seen = identity
        return content
