"""The settings of the archive service."""

from __future__ import annotations

from pydantic import Field

from gonghai_chassis.settings import Settings


class ArchiveSettings(Settings):
    """What the archive is told by its environment."""

    port: int = Field(7401, ge=0, le=65535, description="The port to listen on; 0 picks a free one")
    currency: str = Field(
        "CNY", pattern="^[A-Z]{3}$", description="The currency of all amounts (ISO 4217)"
    )
