"""Looking up who has a customer, what is in a pool, what somebody holds, and what happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gonghai_chassis.errors import NotFound
from gonghai_policy_service.hidden_fields import REGION, STAGE, TIER
from gonghai_pool.custody import State
from gonghai_pool.freezing import BECAUSE
from gonghai_pool.store import keys

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from gonghai_chassis.filters import Term
    from gonghai_chassis.names import CustomerName, PoolName
    from gonghai_plugin import Text
    from gonghai_policy_service.hidden_fields import Concealment
    from gonghai_pool.commands.order import Order
    from gonghai_pool.custody import Custody, HistoryEntry, Holder
    from gonghai_pool.store.custodies import CustodyStore, Place

_PATHS: Final = {"tier": TIER, "stage": STAGE, "region": REGION}
"""The field of a customer that each part of a filter looks at."""
_STEP: Final = 200
_MOST_READ: Final = 5000
"""How many entries of an index one page reads at the most, however few of them fit the filter."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A custody as its reader may see it: without the owner unless `owner`.

    Attributes:
        concealed: what is left out beside the owner.
        frozen_because: why it is not taken back, where that lies outside of it and was asked for.
    """

    custody: Custody
    owner: bool
    concealed: Concealment
    frozen_because: Text | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some custodies, and where to go on (None: there are no more)."""

    seen: list[Seen]
    next: Place | None


class LookUp:
    """Reads; nothing is changed."""

    def __init__(self, custodies: CustodyStore) -> None:
        """Take what it reads."""
        self._custodies = custodies

    async def custody(self, customer: CustomerName, order: Order) -> Seen:
        """Return who has a customer.

        Raises:
            NotFound: nothing is known of him, or the caller may not know of him.
        """
        situation = await self._custodies.situation(customer.tenant, customer.id, order.deadline)
        ground = situation.ground
        custody = order.viewer.require_known(ground.setup, customer, situation.custody, ground.now)
        owner = order.viewer.sees_owner(ground.setup, custody, ground.now)
        concealed = order.viewer.concealed(ground, custody)
        if not owner or custody.state is not State.HELD:
            return Seen(custody, owner, concealed)
        frozen = await self._custodies.frozen(customer.tenant, custody, order.deadline)
        return Seen(custody, owner, concealed, BECAUSE if frozen.reclaim else None)

    async def in_pool(
        self,
        pool: PoolName,
        terms: Sequence[Term],
        place: Place | None,
        limit: int,
        order: Order,
        *,
        by_rank: bool = False,
        descending: bool = False,
    ) -> Page:
        """List a pool's customers by entry time, or by tier rank.

        Raises:
            NotFound: there is no such pool, or the caller may not know of it.
        """
        ground = await self._custodies.ground(pool.tenant, order.deadline)
        known = ground.setup.pools.get(pool.id)
        if known is None or not order.viewer.sees_pool(ground.setup, known):
            raise NotFound(pool)
        partition = self._custodies.store.partition(pool.tenant)
        prefix = keys.index(partition, pool.tenant)["in_pool"]
        index = f"{prefix}:{pool.id}:{'rank' if by_rank else 'time'}"
        return await self._page(
            pool.tenant,
            index,
            place,
            limit,
            order,
            descending=descending,
            fits=lambda one: (
                one.state is State.IN_POOL and one.pool == pool.id and _fits(one, terms)
            ),
            asked=_asked(terms) | ({_PATHS["tier"]} if by_rank else set()),
        )

    async def holdings(
        self,
        tenant: str,
        holder: Holder | None,
        terms: Sequence[Term],
        place: Place | None,
        limit: int,
        order: Order,
    ) -> Page:
        """List what somebody holds (None: everybody), the first to fall due first.

        Raises:
            NotAllowed: the caller may not look at him.
        """
        ground = await self._custodies.ground(tenant, order.deadline)
        order.viewer.require_holdings(ground.setup, holder)
        partition = self._custodies.store.partition(tenant)
        prefix = keys.index(partition, tenant)["holdings"]
        return await self._page(
            tenant,
            f"{prefix}:{holder.key if holder is not None else 'all'}",
            place,
            limit,
            order,
            fits=lambda one: (
                one.state is State.HELD
                and (holder is None or one.holder == holder)
                and _fits(one, terms)
            ),
            asked=_asked(terms),
        )

    async def history(
        self, customer: CustomerName, below: int | None, limit: int, order: Order
    ) -> tuple[list[HistoryEntry], int, Seen]:
        """Return entries, newest first; the number to go on below; the custody as he may see it.

        Raises:
            NotFound: nothing is known of the customer, or the caller may not know of him.
        """
        seen = await self.custody(customer, order)
        entries, following = await self._custodies.history(
            customer.tenant, customer.id, below=below, limit=limit, deadline=order.deadline
        )
        return entries, following, seen

    async def _page(
        self,
        tenant: str,
        index: str,
        place: Place | None,
        limit: int,
        order: Order,
        *,
        fits: Callable[[Custody], bool],
        asked: Collection[str],
        descending: bool = False,
    ) -> Page:
        """Fill a page; whom he would find by something that is hidden is not there for him."""
        found: list[Seen] = []
        read = 0
        while read < _MOST_READ:
            step = min(max(limit - len(found) + 1, 10), _STEP)
            entries = await self._custodies.listed(
                tenant, index, place, step, descending=descending, deadline=order.deadline
            )
            if not entries:
                return Page(found, None)
            read += len(entries)
            situations = await self._custodies.situations(
                tenant, [entry.member for entry in entries], order.deadline
            )
            for entry, situation in zip(entries, situations, strict=True):
                custody = situation.custody
                if custody is not None and fits(custody):
                    ground = situation.ground
                    concealed = order.viewer.concealed(ground, custody)
                    if not any(concealed.hidden.hides(path) for path in asked):
                        if len(found) == limit:
                            return Page(found, place)
                        owner = order.viewer.sees_owner(ground.setup, custody, ground.now)
                        found.append(Seen(custody, owner, concealed))
                place = entry
            if len(entries) < step:
                return Page(found, None)
        return Page(found, place)


def _asked(terms: Sequence[Term]) -> set[str]:
    return {_PATHS[term.field] for term in terms}


def _fits(custody: Custody, terms: Sequence[Term]) -> bool:
    return all(_holds(custody, term) for term in terms)


def _holds(custody: Custody, term: Term) -> bool:
    facts = custody.facts
    value = str(term.value)
    if term.field == "region":
        region = facts.region if facts is not None else ""
        inside = region == value or region.startswith(value + "/")
        return inside is (term.op != "!=")
    actual = getattr(facts, term.field) if facts is not None else ""
    return (actual == value) is (term.op == "=")
