"""The access table: every method of every contract has a row, and the rows mean what they say."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from google.protobuf import descriptor_pool
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

import gonghai.errors.v1.errors_pb2 as anchor
from gonghai_chassis.access import TABLE
from gonghai_chassis.chain.tenancy import where_names_are
from gonghai_chassis.principals import Reach, Role

CONTRACTS = Path(anchor.__file__).parents[2]


def served_methods() -> dict[str, str]:
    """Return every method of every service, with the full name of its request."""
    files = [health_pb2.DESCRIPTOR, reflection_pb2.DESCRIPTOR]
    for path in sorted(CONTRACTS.rglob("*_pb2.py")):
        name = "gonghai." + ".".join(path.relative_to(CONTRACTS).with_suffix("").parts)
        files.append(importlib.import_module(name).DESCRIPTOR)
    return {
        f"/{service.full_name}/{method.name}": method.input_type.full_name
        for file in files
        for service in file.services_by_name.values()
        for method in service.methods
    }


METHODS = served_methods()


def test_every_method_has_a_row_and_every_row_a_method() -> None:
    assert set(TABLE) == set(METHODS)
    assert len(METHODS) > 100


@pytest.mark.parametrize("method", sorted(TABLE))
def test_a_request_of_ours_names_its_tenant_or_the_row_says_that_it_does_not(method: str) -> None:
    if not method.startswith("/gonghai."):
        assert TABLE[method].public
        return
    request = descriptor_pool.Default().FindMessageTypeByName(METHODS[method])

    assert bool(where_names_are(request)) != TABLE[method].tenantless
    assert not TABLE[method].public


def reach(method: str, role: Role) -> Reach:
    (path,) = [path for path in TABLE if path.endswith(f"Service/{method}")]
    return TABLE[path].reach({role})


@pytest.mark.parametrize("path", [path for path in TABLE if path.startswith("/gonghai.")])
def test_our_own_services_reach_everything(path: str) -> None:
    assert TABLE[path].reach({Role.SERVICE}) is Reach.ALL


@pytest.mark.parametrize("path", [path for path in TABLE if path.startswith("/gonghai.")])
def test_nobody_else_reaches_beyond_his_tenant_and_reps_not_beyond_themselves(path: str) -> None:
    for role in set(Role) - {Role.SERVICE}:
        assert TABLE[path].reach({role}) <= Reach.TENANT
    assert TABLE[path].reach({Role.PARTNER}) <= Reach.OWN
    assert TABLE[path].reach(()) is Reach.NONE


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in TABLE
        if path.startswith("/gonghai.")
        and path.rsplit("/", 1)[1].startswith(
            ("Create", "Update", "Delete", "Claim", "Assign", "Transfer", "Release", "Record")
        )
    ],
)
def test_a_reader_changes_nothing(path: str) -> None:
    assert TABLE[path].reach({Role.READER}) is Reach.NONE


@pytest.mark.parametrize(
    ("method", "role", "expected"),
    [
        ("ClaimCustomer", Role.REP, Reach.OWN),
        ("ClaimCustomer", Role.MANAGER, Reach.TEAM),
        ("ClaimCustomer", Role.INTEGRATOR, Reach.NONE),
        ("AssignCustomer", Role.REP, Reach.NONE),
        ("AssignCustomer", Role.MANAGER, Reach.TEAM),
        ("ReserveCustody", Role.ADMIN, Reach.NONE),
        ("MergeCustody", Role.ADMIN, Reach.NONE),
        ("ApplyPolicy", Role.INTEGRATOR, Reach.TENANT),
        ("ApplyPolicy", Role.MANAGER, Reach.NONE),
        ("CreatePool", Role.MANAGER, Reach.NONE),
        ("CreatePool", Role.ADMIN, Reach.TENANT),
        ("EraseCustomer", Role.INTEGRATOR, Reach.NONE),
        ("GetCustomer", Role.READER, Reach.TENANT),
        ("IngestActivities", Role.REP, Reach.NONE),
    ],
)
def test_some_rows_that_matter(method: str, role: Role, expected: Reach) -> None:
    assert reach(method, role) is expected


def test_the_widest_grant_counts() -> None:
    rule = TABLE["/gonghai.pool.v1.PoolService/ClaimCustomer"]

    assert rule.reach({Role.REP, Role.MANAGER}) is Reach.TEAM
    assert rule.reach({Role.READER, Role.REP}) is Reach.OWN
