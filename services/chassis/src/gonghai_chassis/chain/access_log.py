"""One line for each call.

Fields: `time` (RFC 3339), `level` (info; warning for INTERNAL, UNAVAILABLE, DEADLINE_EXCEEDED),
`event` ("call"), `method`, `code`, `reason`, `call_id`, `principal`, `tenant`, `ms` (milliseconds),
`peer`, and where there are any `trace_id` and `incident`. Nothing of the request itself is logged.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import grpc

if TYPE_CHECKING:
    from gonghai_chassis.chain.call import Call, Method, Proceed
    from gonghai_chassis.logs import CallLog

_GRAVE: Final = frozenset(
    {
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }
)


class AccessLog:
    """Writes the line when the call has ended; health checks that succeed are not worth one."""

    name = "access_log"

    def __init__(self, log: CallLog, *, successes: bool) -> None:
        """Take where to write, and whether calls that succeed are written too."""
        self._log = log
        self._successes = successes

    def around(self, method: Method, proceed: Proceed) -> Proceed:
        """Write a line for each call of the method."""
        log = self._log
        successes = self._successes and method.is_ours
        path = method.path.lstrip("/")

        async def run(call: Call) -> object:
            begun = time.perf_counter()
            try:
                return await proceed(call)
            finally:
                code = call.code
                if successes or code is not grpc.StatusCode.OK:
                    info = call.info
                    log.write(
                        "warning" if code in _GRAVE else "info",
                        (
                            ("method", path),
                            ("code", code.name),
                            ("reason", call.reason),
                            ("call_id", info.call_id),
                            ("principal", str(info.principal)),
                            ("tenant", info.tenant),
                            ("ms", round((time.perf_counter() - begun) * 1000, 3)),
                            ("peer", call.transport.peer()),
                            ("trace_id", info.trace.trace_id if info.trace else ""),
                            ("incident", call.incident),
                        ),
                    )

        return run
