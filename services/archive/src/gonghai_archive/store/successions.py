"""What became of second levels, remembered for the requests that asked for it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from gonghai_chassis.store import Script

if TYPE_CHECKING:
    from gonghai_archive.customers import Request
    from gonghai_chassis.store import Store

CONCLUDE: Final = Script("gonghai_archive.store", "conclude_succession")


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a call came to.

    Attributes:
        moved: how many have another sponsor by it, or none.
        orphaned: how many of these have none.
        failed: how many could not be moved.
        remaining: how many were below the sponsor still at its end.
    """

    moved: int = 0
    orphaned: int = 0
    failed: int = 0
    remaining: int = 0


@dataclass(frozen=True, slots=True)
class SuccessionStore:
    """Keeps what calls came to for a day; calls without a request id are not remembered."""

    store: Store

    async def concluded(
        self, tenant: str, request: Request, *, deadline: float | None
    ) -> Conclusion | None:
        """Return what the request came to before; None: it is to be carried out.

        Raises RequestReused where the id stands for other content.
        """
        return await self._conclude(tenant, request, None, deadline)

    async def conclude(
        self, tenant: str, request: Request, conclusion: Conclusion, *, deadline: float | None
    ) -> Conclusion:
        """Remember what a request came to; where another call was faster, return what that did."""
        before = await self._conclude(tenant, request, conclusion, deadline)
        return before or conclusion

    async def _conclude(
        self, tenant: str, request: Request, conclusion: Conclusion | None, deadline: float | None
    ) -> Conclusion | None:
        p = self.store.partition(tenant)
        reply = await self.store.run(
            CONCLUDE,
            p,
            keys={"request": p.request_key(tenant, request.id)},
            args={
                "fingerprint": request.fingerprint,
                "outcome": None if conclusion is None else asdict(conclusion),
            },
            deadline=deadline,
        )
        return Conclusion(**reply.fields) if reply.status == "ok" else None
