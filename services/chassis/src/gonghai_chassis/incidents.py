"""When something broke that should not have: an id for the caller, the rest for the log."""

from __future__ import annotations

import secrets

import structlog

from gonghai_chassis.errors import Reason, Refusal

_log = structlog.get_logger("gonghai.incident")


def incident_of(error: BaseException, **where: str) -> Refusal:
    """Log a fault of ours with its traceback; return what the caller may know: an id."""
    incident = secrets.token_hex(8)
    _log.error("unexpected failure", incident=incident, exc_info=error, **where)
    return Refusal(
        Reason.INTERNAL_FAULT,
        f"something went wrong inside; the operator finds it as incident {incident}",
        metadata={"incident": incident},
    )
