"""Why an event could not be processed: its own fault, or something that passes by itself."""

from __future__ import annotations

import secrets

import grpc
import structlog

from gonghai_chassis.errors import Reason, Refusal
from gonghai_chassis.store.failures import ScriptFailed, StoreFailure

_log = structlog.get_logger(__name__)

_PASSING = frozenset(
    {
        Reason.STORE_UNAVAILABLE,
        Reason.STORE_FULL,
        Reason.PEER_UNAVAILABLE,
        Reason.DRAINING,
        Reason.DEADLINE_EXCEEDED,
        Reason.CONTENTION,
        Reason.RATE_LIMIT,
        # The service itself is not let in: every event would fail.
        Reason.NOT_SIGNED_IN,
        Reason.NOT_ALLOWED,
    }
)


def passes_by_itself(error: Exception) -> bool:
    """Whether the next event would fail as well, so that this one is to be waited for.

    Store and network that are away, a cursor that moved, a deadline: the world's. A payload that
    cannot be read, a script or a decision that breaks off: the event's.
    """
    if isinstance(error, StoreFailure):
        return not isinstance(error, ScriptFailed)
    if isinstance(error, Refusal):
        return error.reason in _PASSING
    return isinstance(error, OSError | MemoryError | grpc.RpcError)


def problem_of(error: Exception, **where: object) -> str:
    """Logs why an event was quarantined, or failed again; returns what its tenant may read.

    That is a word for it and never a message, which may say what the event says.
    """
    incident = secrets.token_hex(8)
    _log.error("event_failed", incident=incident, exc_info=error, **where)
    said = error.reason if isinstance(error, Refusal) else type(error).__name__
    return f"{said} (incident {incident})"
