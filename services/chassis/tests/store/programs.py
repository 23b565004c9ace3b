"""The servers that fail-over is tested on: the one that comes along, and the machine's own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gonghai_chassis.embedded import bundled_binary

_OWN = "redis-server"


def programs() -> list[str]:
    """The names to parametrize a test by."""
    return ["valkey", _OWN]


def program(name: str) -> Path:
    """The program of a name; skips, visibly, where the machine has no redis-server."""
    if name != _OWN:
        return bundled_binary()
    found = shutil.which(_OWN)
    if found is None:
        pytest.skip(f"There is no {_OWN} on the PATH.")
    return Path(found)
