"""The contracts keep the conventions, and each rule is able to find a breach."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import protovalidate
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from make_stubs import contracts, descriptors
from tests.contract.conventions import EXCEPTIONS, RULES, excepted, messages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from google.protobuf.descriptor import FileDescriptor

    Rule = Callable[[Sequence[FileDescriptor]], Iterator[str]]

BROKEN = Path(__file__).with_name("broken.proto")


def ours() -> list[FileDescriptor]:
    modules = (name.removesuffix(".proto").replace("/", ".") + "_pb2" for name in contracts())
    return [import_module(module).DESCRIPTOR for module in modules]


@pytest.fixture(scope="module")
def broken() -> list[FileDescriptor]:
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(descriptors(BROKEN)).file:
        pool.Add(file)
    return [pool.FindFileByName(BROKEN.name)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_contracts_keep(rule: Rule) -> None:
    assert sorted({breach for breach in rule(ours()) if not excepted(breach)}) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_breach_is_found(rule: Rule, broken: list[FileDescriptor]) -> None:
    assert list(rule(broken)) != []


def test_exceptions_are_needed() -> None:
    met = {excepted(breach) for rule in RULES for breach in rule(ours())} - {None}
    assert met == set(EXCEPTIONS)


def test_validation_rules_compile() -> None:
    """A rule that protovalidate cannot compile would fail each call that carries the message."""
    for message in messages(ours()):
        protovalidate.collect_violations(GetMessageClass(message)())


def test_services_can_be_watched_and_rebuilt_from() -> None:
    """Each service that owns data serves its events, and the snapshot to begin from."""
    services = {
        service.full_name: {method.name for method in service.methods}
        for file in ours()
        for service in file.services_by_name.values()
    }
    for area in ("archive", "pool", "assignment"):
        offered = services[f"gonghai.{area}.v1.{area.title()}Service"]
        assert {"Watch", "ExportSnapshot"} <= offered
