"""A caller who has nothing but `buf curl`: plain HTTP/2, reflection, JSON."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.rpc import error_details_pb2

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Run

pytestmark = pytest.mark.asyncio(loop_scope="session")

BUF = Path(sys.executable).with_name("buf")
BESIDE = (
    "gonghai.dev.v1.ClockService",
    "gonghai.policy.v1.PolicyService",
    "gonghai.upkeep.v1.UpkeepService",
    "grpc.health.v1.Health",
    "grpc.reflection.v1alpha.ServerReflection",
)
"""What each service serves beside its own, in dev mode."""


async def curl(*arguments: str, data: object = None) -> tuple[int, str, str]:
    """Run `buf curl` over plain HTTP/2; answer its status, output and errors."""
    given = () if data is None else ("--data", json.dumps(data))
    process = await asyncio.create_subprocess_exec(
        BUF,
        "curl",
        "--protocol",
        "grpc",
        "--http2-prior-knowledge",
        *given,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


async def listed(run: Run, service: str) -> list[str]:
    """Return what reflection says that a service serves, in buf's order."""
    address = getattr(run.stack.addresses, service)
    status, output, errors = await curl("--list-services", f"http://{address}")
    assert status == 0, errors
    return output.split()


async def get_customer(run: Run, name: str) -> tuple[int, str, str]:
    """Ask for a customer by its name."""
    url = f"http://{run.stack.addresses.archive}/gonghai.archive.v1.ArchiveService/GetCustomer"
    return await curl(url, data={"name": name})


@pytest.mark.parametrize("service", ["archive", "pool", "assignment"])
async def test_reflection_lists_the_services(undisturbed: Run, service: str) -> None:
    own = f"gonghai.{service}.v1.{service.capitalize()}Service"
    assert await listed(undisturbed, service) == sorted([own, *BESIDE])


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
async def test_the_readme_shows_what_is_listed(undisturbed: Run, readme: str) -> None:
    lines = Path(__file__).parents[2].joinpath(readme).read_text("utf-8").splitlines()
    asked = next(place for place, line in enumerate(lines) if "--list-services" in line)
    shown = list(takewhile(lambda line: not line.startswith(("$", "```")), lines[asked + 1 :]))
    assert shown == await listed(undisturbed, "archive")


@pytest.mark.requirement("A7")
async def test_a_customer_comes_with_its_tier_and_the_reason(undisturbed: Run) -> None:
    wanted = undisturbed.account.places[0]
    name = f"tenants/{undisturbed.sample.tenant}/customers/{wanted.customer}"
    status, output, errors = await get_customer(undisturbed, name)
    assert status == 0, errors
    customer: dict[str, Any] = json.loads(output)
    assert customer["tier"]["tier"] == wanted.tier
    assert customer["tier"]["decision"]["reason"]
    assert customer["tier"]["decision"]["rule"]


async def test_a_wrong_name_is_a_status_with_error_info(undisturbed: Run) -> None:
    name = f"tenants/{undisturbed.sample.tenant}/customers/nobody"
    status, _, errors = await get_customer(undisturbed, name)
    assert status != 0
    error = json.loads(errors)
    assert error["code"] == "not_found"
    (info,) = (
        error_details_pb2.ErrorInfo.FromString(decoded(detail["value"]))
        for detail in error["details"]
        if detail["type"] == "google.rpc.ErrorInfo"
    )
    assert info.reason == "RESOURCE_NOT_FOUND"
    assert info.domain == "gonghai"
    assert info.metadata["resource"] == name


def decoded(value: str) -> bytes:
    """Return what buf writes in base64, without its padding."""
    return base64.b64decode(value + "=" * (-len(value) % 4))
