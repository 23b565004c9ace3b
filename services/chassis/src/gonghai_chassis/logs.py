"""Logs: structlog, as JSON on standard error, or for a person in dev.

A line logged while a call is answered names the call (`call_id`, `method`, `tenant`). The access
log has a writer of its own: one line for each call, through structlog, would cost more than the
call's own stages together.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import structlog

from gonghai_chassis.context import current_or_none

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableMapping

LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


def configure(level: str, log_format: str, service: str) -> None:
    """Set structlog up for this process.

    Args:
        level: debug, info, warning or error.
        log_format: json or console.
        service: What each line calls the service.
    """
    if log_format == "json":
        last: list[Any] = [
            # Without the local variables: they hold what customers told us.
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
            ),
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ]
    else:
        last = [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]

    def name_service(
        _logger: Any,  # noqa: ANN401 - structlog's signature
        _method: str,
        event: MutableMapping[str, Any],
    ) -> MutableMapping[str, Any]:
        event.setdefault("service", service)
        return event

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            name_service,
            _name_call,
            *last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _name_call(
    _logger: Any,  # noqa: ANN401 - structlog's signature
    _method: str,
    event: MutableMapping[str, Any],
) -> MutableMapping[str, Any]:
    call = current_or_none()
    if call is not None:
        event.setdefault("call_id", call.call_id)
        event.setdefault("method", call.method)
        if call.tenant:
            event.setdefault("tenant", call.tenant)
    return event


class CallLine(NamedTuple):
    """One line of the access log; see `gonghai_chassis.chain.access_log` for its fields."""

    at: float
    method: str
    code: str
    call_id: str
    principal: str
    tenant: str
    seconds: float
    trace_id: str
    reason: str
    incident: str
    peer: str


class CallLog:
    """Writes the access log: lines are gathered and written together, at most 50 ms later."""

    DELAY: Final = 0.05
    MOST: Final = 512

    def __init__(
        self,
        service: str,
        log_format: str,
        level: str,
        write: Callable[[str], object] | None = None,
    ) -> None:
        """Say how to write.

        Args:
            service: What each line calls the service.
            log_format: json or console.
            level: Lines below it are not written.
            write: Takes what is written; standard error when None.
        """
        self._service = service
        self._render = _as_json if log_format == "json" else _as_text
        self._least = LEVELS[level]
        self._out = write
        self._lines: list[CallLine] = []
        self._timer: asyncio.TimerHandle | None = None

    def write(self, line: CallLine) -> None:
        """Write the line of one call."""
        self._lines.append(line)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.DELAY, self.flush)
        elif len(self._lines) >= self.MOST:
            self.flush()

    def flush(self) -> None:
        """Write what was gathered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        lines, self._lines = self._lines, []
        written = [
            self._render(line, level, self._service)
            for line in lines
            if LEVELS[level := _level(line)] >= self._least
        ]
        if written:
            (self._out or sys.stderr.write)("".join(written))


_GRAVE: Final = frozenset({"INTERNAL", "UNKNOWN", "UNAVAILABLE", "DEADLINE_EXCEEDED"})
_quoted: Final = json.encoder.encode_basestring


def _level(line: CallLine) -> str:
    return "warning" if line.code in _GRAVE else "info"


def _optional(line: CallLine) -> Iterator[tuple[str, str]]:
    for key in ("tenant", "trace_id", "reason", "incident", "peer"):
        value = getattr(line, key)
        if value:
            yield key, value


def _as_json(line: CallLine, level: str, service: str) -> str:
    more = "".join(f', "{key}": {_quoted(value)}' for key, value in _optional(line))
    return (
        f'{{"time": "{_stamp(line.at)}", "level": "{level}", "service": "{service}",'
        f' "event": "call", "method": "{line.method}", "code": "{line.code}",'
        f' "call_id": "{line.call_id}", "principal": {_quoted(line.principal)},'
        f' "ms": {line.seconds * 1000:.3f}{more}}}\n'
    )


def _as_text(line: CallLine, level: str, service: str) -> str:
    more = "".join(f" {key}={value}" for key, value in _optional(line))
    return (
        f"{_stamp(line.at)} [{level:7}] {service} {line.method} {line.code}"
        f" {line.seconds * 1000:.1f} ms call_id={line.call_id} principal={line.principal}{more}\n"
    )


def _stamp(now: float) -> str:
    second = int(now)
    if second != _second.at:
        _second.at = second
        _second.text = datetime.fromtimestamp(second, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{_second.text}.{int((now - second) * 1_000_000):06d}Z"


class _Second:
    """The second that was written last: most lines share it with the one before."""

    at = -1
    text = ""


_second: Final = _Second()
