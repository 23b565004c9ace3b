"""Refusals become statuses here, and nowhere else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NoReturn

import grpc

from gonghai_chassis.errors import NotBuilt, Reason, Refusal
from gonghai_chassis.incidents import incident_of
from gonghai_chassis.statuses import code_of, refusal_of, status_of

if TYPE_CHECKING:
    from gonghai_chassis.chain.call import Call, Method, Proceed

DETAILS = "grpc-status-details-bin"
CALL_ID = "x-request-id"

LAST_TRY: Final = 0.3
"""Seconds before the caller's deadline from which on UNAVAILABLE is not worth another try."""

_NO_MORE: Final = (("grpc-retry-pushback-ms", "-1"),)


async def leave(call: Call, refusal: Refusal) -> NoReturn:
    """End the call with the refusal's status.

    Raises:
        AbortError: grpc.aio ends the call by it.
        CancelledError: the caller has gone, and did not hear it.
    """
    status = status_of(refusal)
    code = code_of(refusal)
    call.code = code
    call.reason = refusal.reason.value
    call.incident = refusal.metadata.get("incident", "") if code is grpc.StatusCode.INTERNAL else ""
    try:
        await call.transport.abort(
            code,
            status.message,
            (
                (DETAILS, status.SerializeToString()),
                (CALL_ID, call.info.call_id),
                *(_NO_MORE if _too_late_to_retry(call, code) else ()),
            ),
        )
    except grpc.aio.AbortError:
        raise
    except Exception as error:
        # The caller hung up in this very moment: nobody is left to tell, and nothing is wrong here.
        call.code, call.reason, call.incident = grpc.StatusCode.CANCELLED, "", ""
        raise asyncio.CancelledError from error
    raise AssertionError(code)  # abort always raises


def _too_late_to_retry(call: Call, code: grpc.StatusCode) -> bool:
    """Say whether a retry would only turn the answer into DEADLINE_EXCEEDED."""
    if code is not grpc.StatusCode.UNAVAILABLE:
        return False
    left: float | None = call.transport.time_remaining()
    return left is not None and left < LAST_TRY


class Errors:
    """Turns what is raised into the one status of the call; an unexpected failure tells nothing."""

    name = "errors"

    def around(self, method: Method, proceed: Proceed) -> Proceed:
        """Catch refusals and failures."""

        async def run(call: Call) -> object:
            try:
                return await proceed(call)
            except grpc.aio.AbortError:
                # Health and reflection, which are not ours, abort by themselves.
                call.code = _code(call)
                raise
            except asyncio.CancelledError:
                call.code, call.reason = _cancelled(call)
                raise
            except NotImplementedError as error:
                if _code(call) is not grpc.StatusCode.UNIMPLEMENTED:
                    return await leave(call, _incident(call, error))
                # The generated base class: the method is in the contract, and nobody wrote it.
                return await leave(call, NotBuilt(method.path))
            except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets a status
                refusal = refusal_of(error, getattr(call.request, "request_id", ""))
                return await leave(call, refusal or _incident(call, error))

        return run


def _incident(call: Call, error: Exception) -> Refusal:
    return incident_of(error, method=call.method.path, call_id=call.info.call_id)


def _code(call: Call) -> grpc.StatusCode:
    known = call.transport.code()
    for code in grpc.StatusCode:
        if known in {code, code.value[0]}:
            return code
    return grpc.StatusCode.UNKNOWN


def _cancelled(call: Call) -> tuple[grpc.StatusCode, str]:
    """Tell a caller who gave up from one whose deadline has passed."""
    remaining: float | None = call.transport.time_remaining()
    if remaining is not None and remaining <= 0:
        return grpc.StatusCode.DEADLINE_EXCEEDED, Reason.DEADLINE_EXCEEDED
    return grpc.StatusCode.CANCELLED, ""
