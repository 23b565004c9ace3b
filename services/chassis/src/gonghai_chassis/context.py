"""What is known of the call that is being answered.

The chain fills it in; `current()` finds it wherever the call's task runs. The `call_id` is that of
the `x-request-id` metadata (made when missing): it joins log lines of all services. It has nothing
to do with the `request_id` field of mutations, which makes them idempotent.
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonghai_chassis import fingerprints
from gonghai_chassis.errors import NotAllowed
from gonghai_chassis.principals import LOCAL_ADMIN, Principal, Reach
from gonghai_chassis.seals import OF_THIS_PROCESS, Seal

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from gonghai_chassis.traces import Trace


@dataclass(slots=True)
class RequestContext:
    """The call that is being answered.

    Attributes:
        method: The full method: `/gonghai.pool.v1.PoolService/ClaimCustomer`.
        call_id: What joins the log lines of one call over all services.
        principal: Who calls.
        reach: How far his grant for this method goes.
        tenant: The tenant that the request names, checked to be his; "" when it names none.
        language: The language he reads: `en` or `zh`.
        deadline: When the caller gives up, in seconds of `time.monotonic()`; None for a stream
            that may stay open.
        trace: The W3C trace context that came in, if one did.
        pages: What page tokens are sealed with.
    """

    method: str
    call_id: str
    principal: Principal = LOCAL_ADMIN
    reach: Reach = Reach.NONE
    tenant: str = ""
    language: str = "en"
    deadline: float | None = None
    trace: Trace | None = None
    pages: Seal = OF_THIS_PROCESS

    def remaining(self) -> float | None:
        """Return how many seconds are left until the deadline, at least 0; None without one."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    def fingerprint(self, request: Message) -> str:
        """Return the digest that a `request_id` is remembered with; "" for one without."""
        if not getattr(request, "request_id", ""):
            return ""
        return fingerprints.fingerprint(self.method, str(self.principal), request).hex()

    def require_rep(self, rep: str) -> None:
        """Check that the caller may act for this rep, as far as the door can know.

        With a reach of OWN he must be that rep. TEAM is the servicer's to check further.

        Raises:
            NotAllowed: he is somebody else.
        """
        if self.reach is Reach.OWN and self.principal.rep != rep:
            raise NotAllowed(self.method, "you may do this for yourself only")


_current: ContextVar[RequestContext] = ContextVar("gonghai_request")


def current() -> RequestContext:
    """Return the context of the call that this task answers.

    Raises:
        LookupError: this task answers no call (a worker, say).
    """
    return _current.get()


def current_or_none() -> RequestContext | None:
    """Return the context of the call that this task answers, if it answers one."""
    return _current.get(None)


def enter(context: RequestContext) -> None:
    """Make this the context of the running task."""
    _current.set(context)
