"""What is measured: the store and the services as processes, a bare server, and callers apart."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc

from gonghai.assignment.v1 import assignment_service_pb2, rep_pb2
from gonghai.assignment.v1.assignment_service_pb2_grpc import AssignmentServiceStub
from gonghai.policy.v1 import policy_service_pb2
from gonghai.policy.v1.policy_service_pb2_grpc import PolicyServiceStub
from gonghai.pool.v1 import pool_pb2, pool_service_pb2
from gonghai.pool.v1.pool_service_pb2_grpc import PoolServiceStub
from gonghai_cli.stack import Stack, StackSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

Report = "Callable[[str], None]"

_ROOT = Path(__file__).resolve().parents[2]
_LOOK_EVERY = 0.05


async def call_apart(**task: Any) -> dict[str, Any]:  # noqa: ANN401 - a task is JSON
    """Let callers in a process of their own do a task, and return what they found."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.benchmarks.callers",
        cwd=_ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate(json.dumps(task).encode())
    if process.returncode:
        raise RuntimeError(f"the callers of {task['task']} ended with {process.returncode}")
    found: dict[str, Any] = json.loads(output)
    return found


@dataclass(frozen=True, slots=True)
class Bare:
    """The bare server: its address and process."""

    address: str
    pid: int


@asynccontextmanager
async def bare_server() -> AsyncIterator[Bare]:
    """Serve the empty call in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.benchmarks.bare",
        cwd=_ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    if process.stdout is None or process.stdin is None:
        raise RuntimeError("the bare server has no pipes")
    try:
        port = int(await process.stdout.readline())
        yield Bare(f"127.0.0.1:{port}", process.pid)
    finally:
        process.stdin.close()
        await process.wait()


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs."""

    stack: Stack
    report: Callable[[str], None]

    def pid(self, name: str) -> int:
        """Process id of the store or a service."""
        noted = json.loads((self.stack.settings.data / "processes.json").read_text("utf-8"))
        pid: int = noted["processes"][name][0]
        return pid

    @contextlib.contextmanager
    def paused(self, *names: str) -> Iterator[None]:
        """Stop services while the block runs; they go on afterwards where they were."""
        pids = [self.pid(name) for name in names]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    async def prepare(
        self, tenant: str, *, policy: str, reps: int, skills: Sequence[str] = ()
    ) -> None:
        """Give a tenant a policy, a region, reps and a pool for everybody."""
        addresses = self.stack.addresses
        async with (
            grpc.aio.insecure_channel(addresses.archive) as archive,
            grpc.aio.insecure_channel(addresses.pool) as pool,
            grpc.aio.insecure_channel(addresses.assignment) as assignment,
        ):
            await PolicyServiceStub(archive).ApplyPolicy(
                policy_service_pb2.ApplyPolicyRequest(parent=tenant, document=policy)
            )
            staff = AssignmentServiceStub(assignment)
            await staff.CreateRegion(
                assignment_service_pb2.CreateRegionRequest(
                    parent=tenant, region_id="east", region=rep_pb2.Region(display_name="East")
                )
            )
            await staff.CreateTeam(
                assignment_service_pb2.CreateTeamRequest(
                    parent=tenant, team_id="all", team=rep_pb2.Team(display_name="All")
                )
            )
            for number in range(reps):
                rep = rep_pb2.Rep(
                    display_name=f"Rep {number}",
                    team=f"{tenant}/teams/all",
                    regions=["east"],
                    skills=skills,
                    seniority=rep_pb2.SENIORITY_SENIOR,
                )
                await staff.CreateRep(
                    assignment_service_pb2.CreateRepRequest(
                        parent=tenant, rep_id=f"r{number}", rep=rep
                    )
                )
            everybody = pool_pb2.PoolMember(team=f"{tenant}/teams/all")
            await PoolServiceStub(pool).CreatePool(
                pool_service_pb2.CreatePoolRequest(
                    parent=tenant,
                    pool_id="general",
                    pool=pool_pb2.Pool(display_name="General", members=[everybody], fallback=True),
                )
            )

    async def until_pooled(self, tenant: str, count: int) -> None:
        """Wait until the tenant's pool holds so many customers."""
        async with grpc.aio.insecure_channel(self.stack.addresses.pool) as channel:
            stub = PoolServiceStub(channel)
            name = f"{tenant}/pools/general"
            told = -1
            while True:
                pool = await stub.GetPool(pool_service_pb2.GetPoolRequest(name=name))
                if pool.customer_count >= count:
                    return
                if pool.customer_count != told:
                    told = pool.customer_count
                    self.report(f"{told} of {count} customers are in the pool")
                await asyncio.sleep(_LOOK_EVERY)


@asynccontextmanager
async def stage(data: Path, report: Callable[[str], None]) -> AsyncIterator[Stage]:
    """Start the store (appendfsync always) and the three services."""
    settings = StackSettings(
        data,
        port_base=0,
        partitions=8,
        fsync="always",
        environment={"GONGHAI_LOG_LEVEL": "error"},
    )
    async with Stack(settings, report) as stack:
        yield Stage(stack, report)
