"""The servers that fail-over is tested on: the one that comes along, and the machine's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gonghai_chassis.embedded import bundled_binary
from gonghai_chassis.testing.plugin import own_redis

if TYPE_CHECKING:
    from pathlib import Path

_OWN = "redis-server"


def programs() -> list[str]:
    """The names to parametrize a test by."""
    return ["valkey", _OWN]


def program(name: str) -> Path:
    """The program of a name; skips, visibly, where the machine has no redis-server."""
    return own_redis() if name == _OWN else bundled_binary()
