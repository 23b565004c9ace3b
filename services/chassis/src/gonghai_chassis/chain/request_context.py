"""Makes the context of the call: its id, its trace, its language, and what seals its pages."""

from __future__ import annotations

import itertools
import re
import secrets
from typing import TYPE_CHECKING, Final

from gonghai_chassis.context import enter
from gonghai_chassis.traces import Trace

if TYPE_CHECKING:
    from collections.abc import Callable

    from gonghai_chassis.chain.call import Call, Method
    from gonghai_chassis.seals import Seal

_PROCESS: Final = secrets.token_hex(12)
"""Call ids are this and a number: as unique as a random id, and cheaper."""
_calls: Final = itertools.count(1)
_CALL_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class RequestContextStage:
    """Fills in what the headers say, and makes it the context of the task."""

    name = "request_context"

    def __init__(self, pages: Seal) -> None:
        """Take what page tokens are sealed with."""
        self._pages = pages

    def gate(self, method: Method) -> Callable[[Call], None]:
        """Read the headers."""
        del method
        return self._fill_in

    def _fill_in(self, call: Call) -> None:
        call.info.pages = self._pages
        _read_headers(call)


def _read_headers(call: Call) -> None:
    info = call.info
    metadata = call.metadata
    given = metadata.get("x-request-id")
    # What a stranger sends stands in our logs: only harmless characters, and not too many.
    if given is not None and isinstance(given, str) and _CALL_ID.fullmatch(given):
        info.call_id = given
    else:
        info.call_id = f"{_PROCESS}{next(_calls):08x}"
    if "accept-language" in metadata:
        info.language = language_of(call.header("accept-language"))
    if "traceparent" in metadata:
        info.trace = Trace.parse(call.header("traceparent"), call.header("tracestate"))
    enter(info)


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
