"""Settings of the assignment service's process."""

from __future__ import annotations

from pydantic import Field

from gonghai_chassis.settings import Settings


class AssignmentSettings(Settings):
    """What the assignment service is told by its environment, beside what every service is."""

    port: int = Field(7403, ge=0, le=65535, description="The port to listen on; 0 picks a free one")
