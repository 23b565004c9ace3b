"""What due work has in common: members, batches by tenant, and one failure that stops no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from gonghai_chassis.store.failures import StoreFailure, VersionsMoved

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from gonghai_chassis.leases import Lease
    from gonghai_chassis.sweeper import Due
    from gonghai_pool.store.custodies import CustodyStore

BATCH: Final = 50
"""Customers of one step."""
_HOUR: Final = 3_600_000_000

_log = structlog.get_logger(__name__)

Batch = tuple[str, list[str]]


def by_tenant(dues: Sequence[Due]) -> list[Batch]:
    """Return the customers of due entries by tenant, in the order in which they fell due."""
    found: dict[str, list[str]] = {}
    for due in dues:
        tenant, _, customer = due.member.partition("/")
        found.setdefault(tenant, []).append(customer)
    return [
        (tenant, customers[start : start + BATCH])
        for tenant, customers in found.items()
        for start in range(0, len(customers), BATCH)
    ]


async def each_for_itself(
    custodies: CustodyStore,
    lease: Lease,
    due_kind: str,
    batch: Batch,
    work: Callable[[str, Sequence[str]], Awaitable[None]],
) -> None:
    """Do a batch; when it fails, do its customers one by one, and put off those that fail.

    A failure of the store ends the pass: the entries are there still and are offered again.
    """
    tenant, customers = batch
    try:
        await work(tenant, customers)
    except VersionsMoved:
        # Somebody changed one of them or the ground: they are offered again.
        return
    except StoreFailure:
        raise
    except Exception:  # noqa: BLE001 - whatever it was, the others of the batch go on
        _log.exception("due_batch_failed", due=due_kind, tenant=tenant, customers=len(customers))
    else:
        return
    for customer in customers:
        try:
            await work(tenant, [customer])
        except VersionsMoved:
            continue
        except StoreFailure:
            raise
        except Exception:  # noqa: BLE001 - and this one waits
            _log.exception("due_failed", due=due_kind, tenant=tenant, customer=customer)
            now = custodies.store.clock.now(lease.partition)
            await custodies.postpone(lease, due_kind, f"{tenant}/{customer}", now + _HOUR)
