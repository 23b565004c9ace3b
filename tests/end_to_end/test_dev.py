"""`gonghai dev` as a person meets it: a process, its ports, its data, its end."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gonghai.policy.v1 import policy_service_pb2
from gonghai_chassis.embedded import LOOPBACK, free_port
from gonghai_cli.services import Services
from gonghai_cli.stack import Addresses

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

GONGHAI = Path(sys.executable).with_name("gonghai")
DOCUMENT = "version: 1\ndefault: {plugin: standard}\n"


def port_base() -> int:
    """Return a port of which the three after it are free, too."""
    while True:
        base = free_port()
        try:
            for port in range(base, base + 4):
                with socket.socket() as probe:
                    probe.bind((LOOPBACK, port))
        except OSError:
            continue
        return base


class Dev:
    """A running `gonghai dev`."""

    def __init__(self, process: asyncio.subprocess.Process, base: int) -> None:
        self.process = process
        self.base = base
        self.said = ""

    @property
    def addresses(self) -> Addresses:
        """Where its services listen."""
        return Addresses(*(f"{LOOPBACK}:{self.base + place}" for place in (1, 2, 3)))

    async def until_it_serves(self) -> None:
        """Wait until it says so."""
        assert self.process.stdout is not None
        while "serving" not in self.said:
            line = await self.process.stdout.readline()
            assert line, self.said
            self.said += line.decode()

    async def ended(self) -> int:
        """Wait for its end; returns the exit status."""
        assert self.process.stdout is not None
        self.said += (await self.process.stdout.read()).decode()
        return await self.process.wait()


@asynccontextmanager
async def dev(data: Path, base: int, gonghai: Path = GONGHAI) -> AsyncIterator[Dev]:
    """Start `gonghai dev`; whatever happens, it ends with the block."""
    process = await asyncio.create_subprocess_exec(
        gonghai,
        *("dev", "--data", str(data), "--port-base", str(base), "--partitions", "2"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"COLUMNS": "200", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
    )
    try:
        yield Dev(process, base)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await process.communicate()


async def revisions(addresses: Addresses) -> int:
    """Say how many revisions of its policy the tenant acme has."""
    async with Services(addresses) as services:
        request = policy_service_pb2.ListRevisionsRequest(parent="tenants/acme")
        return len((await services.policies.ListRevisions(request)).revisions)


async def test_it_serves_ends_in_order_and_has_its_data_when_it_starts_again(
    tmp_path: Path,
) -> None:
    base = port_base()
    async with dev(tmp_path, base) as first:
        await first.until_it_serves()
        async with Services(first.addresses) as services:
            await services.policies.ApplyPolicy(
                policy_service_pb2.ApplyPolicyRequest(parent="tenants/acme", document=DOCUMENT)
            )
        async with dev(tmp_path, base) as second:
            assert await second.ended() == 1
            assert f"in use by process {first.process.pid}" in second.said
        async with dev(tmp_path / "other", base) as third:
            assert await third.ended() == 1
            assert f"Port {base}" in third.said
        first.process.send_signal(signal.SIGINT)
        assert await first.ended() == 0
    async with dev(tmp_path, base) as again:
        await again.until_it_serves()
        assert await revisions(again.addresses) == 1
        again.process.send_signal(signal.SIGKILL)
        await again.process.wait()
    async with dev(tmp_path, base) as after_a_crash:
        await after_a_crash.until_it_serves()
        assert "which an earlier run had left behind" in after_a_crash.said
        assert await revisions(after_a_crash.addresses) == 1
        after_a_crash.process.send_signal(signal.SIGTERM)
        assert await after_a_crash.ended() == 0
