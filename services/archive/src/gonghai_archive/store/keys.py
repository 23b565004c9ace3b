"""Every key of the archive service.

Scripts make further names from those marked "prefix", by a colon and an id, or of an index, a term.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gonghai_chassis.store import Partition

ASSESSMENT = "assessment"
"""Kind of time-driven work: customers whose windows slide, or whose decision failed."""


def customer(p: Partition, tenant: str, customer: str) -> str:
    """Return where a customer's record is: its head and body, one after the other."""
    return p.key("customer", tenant, customer)


def customers(p: Partition, tenant: str) -> str:
    """Return the prefix of a tenant's records."""
    return p.key("customer", tenant)


def activities(p: Partition, tenant: str, customer: str) -> str:
    """Return where a customer's activities are, in the order in which they were recorded."""
    return p.key("activities", tenant, customer)


def all_activities(p: Partition, tenant: str) -> str:
    """Return the prefix of a tenant's activities."""
    return p.key("activities", tenant)


def history(p: Partition, tenant: str, customer: str) -> str:
    """Return where a customer's history is: a list, oldest first."""
    return p.key("history", tenant, customer)


def line(p: Partition, tenant: str, customer: str) -> str:
    """Return where it is what a customer gives to its sponsor, and its own second level to it."""
    return p.key("line", tenant, customer)


def lines(p: Partition, tenant: str) -> str:
    """Return the prefix of a tenant's lines."""
    return p.key("line", tenant)


def memberships(p: Partition, tenant: str) -> str:
    """Return the prefix of who came below sponsors and who left them: lists by sponsor, by time."""
    return p.key("memberships", tenant)


def commissions(p: Partition, tenant: str, customer: str) -> str:
    """Return where the terms are by which a customer's orders pay, one after the other."""
    return p.key("commissions", tenant, customer)


def statements(p: Partition, tenant: str) -> str:
    """Return the prefix of a tenant's statements: lists by customer and month, `c1:2026-11`."""
    return p.key("statement", tenant)


def commission_sums(p: Partition, tenant: str) -> str:
    """Return the prefix of what statements add up to: hashes by customer, fields by month."""
    return p.key("commission-sums", tenant)


def undecided(p: Partition, tenant: str) -> str:
    """Return the prefix of what statements wait for: sorted sets by customer, of orders by month.

    An order is `c1/a1`, whose and which, and its month a number, 202611.
    """
    return p.key("undecided", tenant)


def identifiers(p: Partition, tenant: str) -> str:
    """Return where a tenant's identifiers are: a hash from each to the customer that has it."""
    return p.key("identifiers", tenant)


def index(p: Partition, tenant: str) -> str:
    """Return the prefix of a tenant's indexes: sorted sets of customers' ids by create time."""
    return p.key("index", tenant)


def custody(p: Partition, tenant: str, customer: str) -> str:
    """Return where what pool said of a customer's custody is."""
    return p.key("custody", tenant, customer)


def custodies(p: Partition, tenant: str) -> str:
    """Return the prefix of a tenant's custodies."""
    return p.key("custody", tenant)


def pools(p: Partition, tenant: str) -> str:
    """Return where what pool said of a tenant's pools is: a hash by id."""
    return p.key("pools", tenant)


def reps(p: Partition, tenant: str) -> str:
    """Return where what assignment said of a tenant's reps is: a hash by id."""
    return p.key("reps", tenant)


def teams(p: Partition, tenant: str) -> str:
    """Return where what assignment said of a tenant's teams is: a hash by id."""
    return p.key("teams", tenant)


def tenants(p: Partition) -> str:
    """Return where the tenants of a partition are that the archive knows: a set."""
    return p.key("tenants")


def recompute(p: Partition, tenant: str) -> str:
    """Return how far the archive is with deciding a tenant's customers anew."""
    return p.key("recompute", tenant)
