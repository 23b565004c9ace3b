"""Identifiers that are made here: time-ordered for resources, random for holders and nonces."""

from __future__ import annotations

import secrets
import time

_TIME_BITS = 48
_RANDOM_BITS = 74


def new_id() -> str:
    """A new id, 32 hexadecimal digits, in the order of making (UUID version 7, RFC 9562).

    Its time is this machine's and serves only to keep ids made one after the other together; no
    decision rests on it.
    """
    milliseconds = time.time_ns() // 1_000_000 & (1 << _TIME_BITS) - 1
    random = secrets.randbits(_RANDOM_BITS)
    high = milliseconds << 16 | 0x7 << 12 | random >> 62
    low = 0b10 << 62 | random & (1 << 62) - 1
    return f"{high:016x}{low:016x}"


def new_holder() -> str:
    """A random id for one life of one process."""
    return secrets.token_hex(16)
