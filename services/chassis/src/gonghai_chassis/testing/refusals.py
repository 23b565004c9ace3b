"""Reads the refusals that a test's call gets, as a caller would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import grpc
from google.rpc import error_details_pb2

from gonghai_chassis.clients import status_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable

    from google.protobuf.message import Message
    from google.rpc import status_pb2

Detail = TypeVar("Detail", bound="Message")


@dataclass(frozen=True, slots=True)
class Refused:
    """One refusal as it came over the wire."""

    code: grpc.StatusCode
    message: str
    status: status_pb2.Status

    @property
    def info(self) -> error_details_pb2.ErrorInfo:
        """The one ErrorInfo.

        Raises:
            AssertionError: there is none, or more than one.
        """
        found = self.details(error_details_pb2.ErrorInfo)
        if len(found) != 1:
            message = f"{len(found)} ErrorInfo in {self.status}"
            raise AssertionError(message)
        return found[0]

    @property
    def reason(self) -> str:
        """Its reason."""
        return self.info.reason

    @property
    def metadata(self) -> dict[str, str]:
        """Its metadata."""
        return dict(self.info.metadata)

    def details(self, kind: type[Detail]) -> list[Detail]:
        """Return the details of a kind."""
        found = []
        for packed in self.status.details:
            detail = kind()
            if packed.Unpack(detail):
                found.append(detail)
        return found


async def refused(call: Awaitable[object] | AsyncIterable[object]) -> Refused:
    """Wait for a call to be refused: a unary one, or a stream that is read to its end.

    Raises:
        AssertionError: it was not.
    """
    try:
        if hasattr(call, "__aiter__"):
            async for _ in call:
                pass
        else:
            await call
    except grpc.aio.AioRpcError as error:
        return Refused(error.code(), error.details() or "", status_in(error))
    message = "the call succeeded"
    raise AssertionError(message)
