"""Where the services listen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LOOPBACK: Final = "127.0.0.1"
PORT_BASE: Final = 7400
"""The store's port in dev; archive, pool and assignment listen on the three after it."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the services listen: `host:port` each."""

    archive: str = f"{LOOPBACK}:{PORT_BASE + 1}"
    pool: str = f"{LOOPBACK}:{PORT_BASE + 2}"
    assignment: str = f"{LOOPBACK}:{PORT_BASE + 3}"

    @property
    def by_name(self) -> dict[str, str]:
        """The addresses by service."""
        return {"archive": self.archive, "pool": self.pool, "assignment": self.assignment}
