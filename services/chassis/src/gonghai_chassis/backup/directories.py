"""Directories that are there whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def is_free(directory: Path) -> bool:
    """Whether the path has nothing, or an empty directory."""
    return not directory.exists() or (directory.is_dir() and not any(directory.iterdir()))


@contextmanager
def whole(directory: Path) -> Iterator[Path]:
    """Gives a directory to fill, which gets its name when the block ends well.

    Until then it stands beside that name, as `.NAME.….unfinished`; it is removed when the block
    ends otherwise, and left behind by a process that is killed.
    """
    parent = directory.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(
        tempfile.mkdtemp(prefix=f".{directory.name}.", suffix=".unfinished", dir=parent)
    )
    try:
        yield unfinished
        sync(unfinished)
        # An empty directory of that name is replaced.
        unfinished.rename(directory)
        sync(parent)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def sync(directory: Path) -> None:
    """Sees to it that the directory's names are on the disk."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
