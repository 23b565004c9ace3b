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
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import structlog

from gonghai_chassis.context import current_or_none

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, MutableMapping

LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
Field = tuple[str, str | float]


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
        """Take the service's name, json or console, and the least level.

        Args:
            service: What each line calls the service.
            log_format: json or console.
            level: Lines below it are not written.
            write: Takes what is written; standard error when None.
        """
        self._service = service
        self._render = _as_json if log_format == "json" else _as_text
        self._least = LEVELS[level]
        self._write = write or sys.stderr.write
        self._lines: list[str] = []
        self._timer: asyncio.TimerHandle | None = None

    def write(self, level: str, fields: Iterable[Field]) -> None:
        """Write the line of one call; fields that are empty are left out."""
        if LEVELS[level] < self._least:
            return
        self._lines.append(self._render(time.time(), level, self._service, fields))
        if len(self._lines) >= self.MOST:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.DELAY, self.flush)

    def flush(self) -> None:
        """Write what was gathered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._lines:
            lines, self._lines = self._lines, []
            self._write("".join(lines))


_quoted: Final = json.encoder.encode_basestring


def _as_json(now: float, level: str, service: str, fields: Iterable[Field]) -> str:
    parts = [
        f'{{"time": "{_stamp(now)}", "level": "{level}", "service": "{service}", "event": "call"'
    ]
    for key, value in fields:
        if value != "":
            written = _quoted(value) if isinstance(value, str) else repr(value)
            parts.append(f'"{key}": {written}')
    return ", ".join(parts) + "}\n"


def _as_text(now: float, level: str, service: str, fields: Iterable[Field]) -> str:
    told = " ".join(f"{key}={value}" for key, value in fields if value != "")
    return f"{_stamp(now)} [{level}] {service} call {told}\n"


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
