"""A caller who has nothing but `buf curl`: plain HTTP/2, reflection, JSON."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.rpc import error_details_pb2

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Run

pytestmark = pytest.mark.asyncio(loop_scope="session")

BUF = Path(sys.executable).with_name("buf")


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


async def get_customer(run: Run, name: str) -> tuple[int, str, str]:
    """Ask for a customer by its name."""
    url = f"http://{run.stack.addresses.archive}/gonghai.archive.v1.ArchiveService/GetCustomer"
    return await curl(url, data={"name": name})


async def test_reflection_lists_the_services(undisturbed: Run) -> None:
    status, output, errors = await curl(
        "--list-services", f"http://{undisturbed.stack.addresses.pool}"
    )
    assert status == 0, errors
    assert {"gonghai.pool.v1.PoolService", "gonghai.policy.v1.PolicyService"} <= {*output.split()}


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
