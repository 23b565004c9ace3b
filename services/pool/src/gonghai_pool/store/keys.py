"""Every key name of the pool service.

Where a name is said to be a prefix, scripts append `:<id>` to it; prefix and key lie in one slot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gonghai_chassis.store import Partition

CLOCK = "clock"
"""Due index: holdings to be warned of or taken back; members `<tenant>/<customer>`."""
RESERVATION = "reservation"
"""Due index: reservations to be ended; members `<tenant>/<customer>`."""
RECOMPUTE = "recompute"
"""Due index: records to be gone over; members `<tenant>/<scope>`."""
POLICY = "policy"
"""Due index of the policy book: tenants whose records are to follow a new revision."""

ARCHIVE = "archive"
ASSIGNMENT = "assignment"


def custody(p: Partition, tenant: str, customer: str) -> str:
    """STRING: the custody of a customer, with what the archive says of him."""
    return p.key("custody", tenant, customer)


def setup(p: Partition, tenant: str) -> str:
    """STRING: the mark of the tenant's set-up."""
    return p.key("setup", tenant)


def setup_parts(p: Partition, tenant: str) -> dict[str, str]:
    """HASHes pool_records, reps, teams by id, and STRING limits: the tenant's set-up."""
    return {
        "setup": setup(p, tenant),
        "pool_records": p.key("pools", tenant),
        "reps": p.key("reps", tenant),
        "teams": p.key("teams", tenant),
        "limits": p.key("limits", tenant),
    }


def index(p: Partition, tenant: str) -> dict[str, str]:
    """What hangs on a custody.

    custodies: prefix of `custody`. customers: ZSET of all, by name. tenants: SET of the partition.
    in_pool: prefix of ZSETs of who is in a pool, `<pool>:time` (by entry) and `<pool>:rank` (by
    tier rank), and of who is not and yet needs it, `<pool>:offered` (kept for somebody out of it,
    by when that ends) and `<pool>:coming` (to go on to it, by when). holdings: prefix of ZSETs by
    due time, of `<holder>` and of `all`. quotas: prefix of HASHes (holdings, weight, claimed,
    last). histories: prefix of LISTs. waiting: ZSET of those that no pool fits.
    """
    return {
        "custodies": p.key("custody", tenant),
        "customers": p.key("customers", tenant),
        "tenants": tenants(p),
        "in_pool": p.key("in_pool", tenant),
        "holdings": p.key("holdings", tenant),
        "quotas": p.key("quota", tenant),
        "histories": p.key("history", tenant),
        "waiting": p.key("waiting", tenant),
        "due_clock": p.due_key(CLOCK),
        "due_reservation": p.due_key(RESERVATION),
    }


def quarantines(p: Partition) -> dict[str, str]:
    """ZSETs of `<tenant>/<subject>`: whose events of the archive, of assignment are quarantined."""
    return {
        "archive_quarantine": p.quarantine_key(ARCHIVE),
        "staff_quarantine": p.quarantine_key(ASSIGNMENT),
    }


def claims(p: Partition, tenant: str) -> str:
    """Prefix of ZSETs `<rep>`: his claims of the last days, by time."""
    return p.key("claims", tenant)


def history(p: Partition, tenant: str, customer: str) -> str:
    """LIST: what happened to a customer's custody, oldest first."""
    return p.key("history", tenant, customer)


def tenants(p: Partition) -> str:
    """SET: the tenants that the partition has records of."""
    return p.key("tenants")


def recompute(p: Partition) -> dict[str, str]:
    """HASH of how far recomputations are, and the due index of them."""
    return {"recompute": p.key("recompute"), "due_recompute": p.due_key(RECOMPUTE)}
