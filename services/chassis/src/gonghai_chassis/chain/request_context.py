"""Makes the context of the call: its id, its trace, its language."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gonghai_chassis.context import enter
from gonghai_chassis.ids import new_id
from gonghai_chassis.traces import Trace

if TYPE_CHECKING:
    from gonghai_chassis.chain.call import Call, Method, Proceed

_CALL_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class RequestContextStage:
    """Fills in what the headers say, and makes it the context of the task."""

    name = "request_context"

    def around(self, method: Method, proceed: Proceed) -> Proceed:
        """Read the headers."""
        del method

        async def run(call: Call) -> object:
            info = call.info
            given = call.header("x-request-id")
            # What a stranger sends stands in our logs: only harmless characters, and not too many.
            info.call_id = given if _CALL_ID.fullmatch(given) else new_id()
            info.language = language_of(call.header("accept-language"))
            traceparent = call.header("traceparent")
            if traceparent:
                info.trace = Trace.parse(traceparent, call.header("tracestate"))
            enter(info)
            return await proceed(call)

        return run


def language_of(accepted: str) -> str:
    """Return `zh` or `en`: the one that an accept-language header (RFC 9110, 12.5.4) prefers."""
    best, weight = "en", 0.0
    for part in accepted.split(",") if accepted else ():
        tag, _, parameter = part.strip().partition(";")
        language = tag.partition("-")[0].lower()
        if language not in {"en", "zh"}:
            continue
        given = _weight(parameter)
        if given > weight:
            best, weight = language, given
    return best


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    try:
        return float(value) if name == "q" else 1.0
    except ValueError:
        return 0.0
