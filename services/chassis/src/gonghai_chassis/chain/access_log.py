"""One line for each call.

Fields: `time` (RFC 3339), `level` (info; warning for INTERNAL, UNKNOWN, UNAVAILABLE and
DEADLINE_EXCEEDED), `service`, `event` ("call"), `method`, `code`, `call_id`, `principal`, `ms`
(milliseconds), where there are any `tenant`, `trace_id`, `reason` and `incident`, and for calls
that did not succeed `peer`. Nothing of the request itself is logged.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import grpc

from gonghai_chassis.logs import CallLine

if TYPE_CHECKING:
    from gonghai_chassis.chain.call import Call, Method, Proceed
    from gonghai_chassis.logs import CallLog

_OK: Final = grpc.StatusCode.OK


class AccessLog:
    """Writes the line when the call has ended; health checks that succeed are not worth one."""

    name = "access_log"

    def __init__(self, log: CallLog, *, successes: bool) -> None:
        """Take where to write, and whether calls that succeed are written too."""
        self._log = log
        self._successes = successes

    def around(self, method: Method, proceed: Proceed) -> Proceed:
        """Write a line for each call of the method."""
        write = self._log.write
        successes = self._successes and method.is_ours
        path = method.path.lstrip("/")

        async def run(call: Call) -> object:
            begun = time.perf_counter()
            try:
                return await proceed(call)
            finally:
                code = call.code
                if successes or code is not _OK:
                    info = call.info
                    write(
                        CallLine(
                            time.time(),
                            path,
                            code.name,
                            info.call_id,
                            str(info.principal),
                            info.tenant,
                            time.perf_counter() - begun,
                            info.trace.trace_id if info.trace is not None else "",
                            call.reason,
                            call.incident,
                            "" if code is _OK else call.transport.peer(),
                        )
                    )

        return run
