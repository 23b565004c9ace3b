"""Names of all keys that policies have in a service's store."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gonghai_chassis.store import Partition

RECOMPUTE = "policy"
"""Kind of time-driven work: the records of a tenant are to be decided anew. Members are tenants."""


def stamp(partition: Partition, tenant: str) -> str:
    """A tenant's present revision and digest, small, since commands read it with each decision."""
    return partition.key("policy", tenant)


def document(partition: Partition, tenant: str) -> str:
    """A tenant's present revision whole."""
    return partition.key("policy_document", tenant)


def revisions(partition: Partition, tenant: str) -> str:
    """All revisions of a tenant as a list: revision n at place n - 1. Archive alone has it."""
    return partition.key("policy_revisions", tenant)


def tenants(partition: Partition) -> str:
    """The set of the tenants that have a policy."""
    return partition.key("policy_tenants")


def recompute(partition: Partition) -> str:
    """Index of the tenants whose records are to be decided anew."""
    return partition.due_key(RECOMPUTE)
