"""A small service's store, for tests: counters with requests, events, due work and intents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gonghai_chassis.store import records
from gonghai_chassis.store.scripts import Script

if TYPE_CHECKING:
    from gonghai_chassis.store import Partition, Reply, Store

COUNT = Script("gonghai_chassis.testing", "count")
FOLLOW = Script("gonghai_chassis.testing", "follow")
DO_DUE = Script("gonghai_chassis.testing", "do_due")
BROKEN = Script("gonghai_chassis.testing", "broken")
DUE_KIND = "count"


def count_keys(p: Partition, tenant: str, subject: str, request_id: str = "") -> dict[str, str]:
    """Keys of the script `count`."""
    return {
        "request": p.request_key(tenant, request_id),
        "counter": p.key("counter", tenant, subject),
        "history": p.key("history", tenant, subject),
        "due": p.due_key(DUE_KIND),
    }


def count_args(tenant: str, subject: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Arguments of the script `count`, with what is not given left out."""
    return {
        "fingerprint": "",
        "tenant": tenant,
        "subject": subject,
        "by": 1,
        "seen_version": None,
        "due_at": None,
        "intent": None,
        **changes,
    }


@dataclass(frozen=True, slots=True)
class Counters:
    """Counters of tenants."""

    store: Store

    async def count(
        self,
        tenant: str,
        subject: str,
        *,
        request_id: str = "",
        deadline: float | None = None,
        **changes: Any,  # noqa: ANN401 - arguments of the script
    ) -> Reply:
        """Counts once."""
        p = self.store.partition(tenant)
        if request_id:
            changes.setdefault("fingerprint", f"{subject}:{changes.get('by', 1)}")
        return await self.store.run(
            COUNT,
            p,
            keys=count_keys(p, tenant, subject, request_id),
            args=count_args(tenant, subject, **changes),
            deadline=deadline,
        )

    async def value(self, tenant: str, subject: str) -> int:
        """What a counter says."""
        p = self.store.partition(tenant)
        read = await self.store.read(p, [p.key("counter", tenant, subject)])
        stored = read.values[0]
        return 0 if stored is None else int(records.unpack(stored)["count"])
