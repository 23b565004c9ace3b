"""What each command is told beside its own: who asks, as whom it is remembered, until when."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gonghai_pool.store.custodies import Request

if TYPE_CHECKING:
    from gonghai_pool.ground import Actor
    from gonghai_pool.viewing import Viewer


@dataclass(frozen=True, slots=True)
class Order:
    """The circumstances of a call.

    Attributes:
        actor: who stands in the history.
        viewer: what he may see and do.
        request: what the call is remembered by.
        deadline: when the caller gives up, in seconds of `time.monotonic`; None for never.
    """

    actor: Actor
    viewer: Viewer
    request: Request = field(default_factory=Request)
    deadline: float | None = None
