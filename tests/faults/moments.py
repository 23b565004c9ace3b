"""Letting time pass: a fault comes at a moment, not after a condition."""

from __future__ import annotations

import asyncio


async def lapse(seconds: float) -> None:
    """Let some seconds of real time go by."""
    never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    await asyncio.wait((never,), timeout=seconds)
