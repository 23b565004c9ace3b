"""Names of all keys of the assignment service."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gonghai_chassis.store import Partition

PARKED = "parked"
"""Kind of time-driven work: a tenant's parked customers are to be tried again. Members: tenants."""

QUEUED = "routing"
"""Kind of work: customers to be routed."""


def tenants(partition: Partition) -> str:
    """The set of the tenants that the partition knows of."""
    return partition.key("tenants")


def regions(partition: Partition, tenant: str) -> str:
    """The tenant's regions by id."""
    return partition.key("regions", tenant)


def teams(partition: Partition, tenant: str) -> str:
    """The tenant's teams by id."""
    return partition.key("teams", tenant)


def reps(partition: Partition, tenant: str) -> str:
    """The tenant's reps by id."""
    return partition.key("reps", tenant)


def roster(partition: Partition, tenant: str) -> str:
    """How often the tenant's regions, teams and reps were changed."""
    return partition.key("roster", tenant)


def loads(partition: Partition, tenant: str) -> str:
    """What each rep of the tenant holds, and what is on its way to him."""
    return partition.key("loads", tenant)


def custody(partition: Partition, tenant: str) -> str:
    """What pool said of the tenant's customers, by customer."""
    return partition.key("custody", tenant)


def facts(partition: Partition, tenant: str) -> str:
    """What archive said of the tenant's customers, by customer."""
    return partition.key("facts", tenant)


def routing(partition: Partition, tenant: str) -> str:
    """The last routing of each customer of the tenant."""
    return partition.key("routing", tenant)


def parked(partition: Partition, tenant: str) -> str:
    """Index of the tenant's parked customers by the order in which they were parked."""
    return partition.key("parked", tenant)


def groups(partition: Partition, tenant: str) -> str:
    """How many customers of each group of companies each rep holds; a hash a group below it."""
    return partition.key("groups", tenant)


def cool_downs(partition: Partition, tenant: str) -> str:
    """Days of cool-down of the tenant (field ``-``) and of its pools, as pool said."""
    return partition.key("cool_downs", tenant)


def queue(partition: Partition) -> str:
    """Customers to be routed, `tenant/customer`, in the order of pool's events.

    A due index whose entries are numbered instead of timed, so that all of them are due: whoever
    asks for the open work is told of them.
    """
    return partition.due_key(QUEUED)


def due_parked(partition: Partition) -> str:
    """Index of the tenants whose parked customers are to be tried again, and when."""
    return partition.due_key(PARKED)
