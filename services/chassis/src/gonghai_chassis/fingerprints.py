"""Digests of requests: what a request id is remembered with, and what a page token is bound to."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.message import Message

SIZE = 16
"""Bytes of a fingerprint: 2^64 requests before two are likely to share one."""


def fingerprint(method: str, principal: str, request: Message) -> bytes:
    """Digest who asks for what, so that a request id is not reused for something else.

    Covers the method, the principal (with the person it acts for) and the content without the
    `request_id` itself. Deterministic within one version of the contract: a request that is retried
    over an upgrade that adds fields has the same content and the same digest.
    """
    return _digest((method, principal), content(request, ("request_id",)))


def content(request: Message, without: Iterable[str]) -> bytes:
    """Serialize a request deterministically, leaving out some of its top fields."""
    fields = request.DESCRIPTOR.fields_by_name
    present = [name for name in without if name in fields and getattr(request, name)]
    if not present:
        return request.SerializeToString(deterministic=True)
    rest = type(request)()
    rest.CopyFrom(request)
    for name in present:
        rest.ClearField(name)
    return rest.SerializeToString(deterministic=True)


def digest_of(*parts: bytes | str) -> bytes:
    """Digest a sequence of parts; where one ends counts."""
    return _digest(parts, b"")


def _digest(parts: Iterable[bytes | str], tail: bytes) -> bytes:
    digest = hashlib.blake2b(digest_size=SIZE)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(4, "big"))
        digest.update(data)
    digest.update(tail)
    return digest.digest()
