"""W3C trace context (https://www.w3.org/TR/trace-context/): read, and passed on.

Spans are not made here; a call that came with a trace passes it to the peers that it calls, and its
log lines name it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


@dataclass(frozen=True, slots=True)
class Trace:
    """One trace context: what `traceparent` and `tracestate` said."""

    trace_id: str
    parent_id: str
    flags: str = "00"
    state: str = ""

    @classmethod
    def parse(cls, traceparent: str, tracestate: str = "") -> Trace | None:
        """Read the headers; None when `traceparent` is not valid, which the standard ignores."""
        match = _TRACEPARENT.fullmatch(traceparent)
        if match is None:
            return None
        version, trace_id, parent_id, flags, more = match.groups()
        if version == "ff" or (version == "00" and more):
            return None
        if not int(trace_id, 16) or not int(parent_id, 16):
            return None
        return cls(trace_id, parent_id, flags, tracestate)

    @property
    def traceparent(self) -> str:
        """The header to send on."""
        return f"00-{self.trace_id}-{self.parent_id}-{self.flags}"
