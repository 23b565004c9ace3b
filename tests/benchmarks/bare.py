"""The baseline: a grpc.aio server without interceptors and store, that answers an empty call.

Run as `python -m tests.benchmarks.bare`; it prints its port and serves until its input ends.
"""

from __future__ import annotations

import asyncio
import sys

import grpc
import uvloop
from google.protobuf.empty_pb2 import Empty

SERVICE = "bare.Bare"
METHOD = f"/{SERVICE}/Empty"


async def _empty(request: Empty, context: object) -> Empty:
    del request, context
    return Empty()


async def serve() -> None:
    """Serve until standard input ends."""
    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(
        _empty, request_deserializer=Empty.FromString, response_serializer=Empty.SerializeToString
    )
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(SERVICE, {"Empty": handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await server.stop(None)


if __name__ == "__main__":
    uvloop.run(serve())
