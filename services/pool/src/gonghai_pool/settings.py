"""What the pool service is told by its environment."""

from __future__ import annotations

from pydantic import Field

from gonghai_chassis.settings import Settings


class PoolSettings(Settings):
    """Settings of the pool service, from variables that begin with GONGHAI_."""

    port: int = Field(7402, ge=0, le=65535, description="The port to listen on; 0 picks a free one")
