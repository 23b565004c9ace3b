"""Ids that the same circumstances always make, so that an attempt repeated makes no others."""

from __future__ import annotations

import hashlib


def derived_id(*parts: str) -> str:
    """Return the id that the same parts always give: 32 hexadecimal digits."""
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
