"""What is not built yet: contract, code and documents name the same methods."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from gonghai.archive.v1 import archive_service_pb2
from gonghai.assignment.v1 import assignment_service_pb2
from gonghai.assignment.v1.assignment_service_pb2_grpc import AssignmentServiceServicer
from gonghai.policy.v1 import policy_service_pb2
from gonghai.policy.v1.policy_service_pb2_grpc import PolicyServiceServicer
from gonghai.pool.v1 import pool_service_pb2
from gonghai.pool.v1.pool_service_pb2_grpc import PoolServiceServicer
from gonghai.upkeep.v1 import upkeep_service_pb2
from gonghai.upkeep.v1.upkeep_service_pb2_grpc import UpkeepServiceServicer
from gonghai_archive.servicers.activities import Activities
from gonghai_archive.servicers.collisions import Collisions
from gonghai_archive.servicers.commissions import Commissions
from gonghai_archive.servicers.customers import Customers
from gonghai_archive.servicers.scorecards import Scorecards
from gonghai_archive.servicers.simulation import Courses
from gonghai_archive.servicers.succession import Successions
from gonghai_assignment.servicer import AssignmentServicer
from gonghai_chassis.upkeep.servicer import UpkeepServicer
from gonghai_policy_service import PolicyServicer
from gonghai_pool.servicer import PoolServicer

if TYPE_CHECKING:
    from google.protobuf.descriptor import ServiceDescriptor

ROOT: Final = Path(__file__).resolve().parents[2]
READMES: Final = ("README.md", "README.zh.md")
RPC: Final = re.compile(r"((?:^ *//.*\n)+) *rpc (\w+)\(", re.MULTILINE)
STREAMS: Final = frozenset({"Watch", "ExportSnapshot"})

SERVICES: Final = {
    "ArchiveService": archive_service_pb2.DESCRIPTOR,
    "PoolService": pool_service_pb2.DESCRIPTOR,
    "AssignmentService": assignment_service_pb2.DESCRIPTOR,
    "PolicyService": policy_service_pb2.DESCRIPTOR,
    "UpkeepService": upkeep_service_pb2.DESCRIPTOR,
}


def methods(service: str) -> list[str]:
    """Return the methods of a service, in the contract's order."""
    found: ServiceDescriptor = SERVICES[service].services_by_name[service]
    return [method.name for method in found.methods]


def not_built_by_contract(service: str) -> set[str]:
    """Return the methods whose comment says that they are not built yet."""
    text = (ROOT / "proto" / SERVICES[service].name).read_text("utf-8")
    return {name for comment, name in RPC.findall(text) if "Not built yet" in comment}


def not_built_by_code(service: str) -> set[str]:
    """Return the methods that nobody wrote."""
    match service:
        case "ArchiveService":
            groups = (
                *(Customers, Activities, Commissions, Scorecards),
                *(Collisions, Successions, Courses),
            )
            built = {*STREAMS, *(name for group in groups for name in vars(group))}
            return {name for name in methods(service) if name not in built}
        case "PoolService":
            return _inherited(PoolServicer, PoolServiceServicer, service)
        case "AssignmentService":
            return _inherited(AssignmentServicer, AssignmentServiceServicer, service)
        case "UpkeepService":
            return _inherited(UpkeepServicer, UpkeepServiceServicer, service)
        case _:
            return _inherited(PolicyServicer, PolicyServiceServicer, service)


def _inherited(servicer: type, generated: type, service: str) -> set[str]:
    return {
        name for name in methods(service) if getattr(servicer, name) is getattr(generated, name)
    }


def not_built_by_document(document: str, service: str) -> set[str]:
    """Return what the document's table lists in the last column of the service's row."""
    text = (ROOT / document).read_text("utf-8")
    (row,) = re.findall(rf"^\| `{service}` \| ([^|]*) \| ([^|]*) \|$", text, re.MULTILINE)
    return set(re.findall(r"\b[A-Z]\w+\b", row[1]))


@pytest.mark.parametrize("service", SERVICES)
def test_what_the_contract_calls_not_built_is_what_nobody_wrote(service: str) -> None:
    assert not_built_by_contract(service) == not_built_by_code(service)


@pytest.mark.parametrize("document", READMES)
@pytest.mark.parametrize("service", SERVICES)
def test_the_documents_list_it(document: str, service: str) -> None:
    assert not_built_by_document(document, service) == not_built_by_code(service)


@pytest.mark.parametrize("document", READMES)
@pytest.mark.parametrize("service", SERVICES)
def test_the_documents_list_what_works(document: str, service: str) -> None:
    text = (ROOT / document).read_text("utf-8")
    (row,) = re.findall(rf"^\| `{service}` \| ([^|]*) \| ([^|]*) \|$", text, re.MULTILINE)
    built = set(methods(service)) - not_built_by_code(service)
    assert set(re.findall(r"\b[A-Z]\w+\b", row[0])) == built
