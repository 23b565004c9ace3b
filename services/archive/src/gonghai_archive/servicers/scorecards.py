"""What customers and their second levels did in a month."""

# ruff: noqa: N802 - methods are named as in the contract
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonghai.archive.v1 import archive_service_pb2 as pb
from gonghai_archive.commissions import period_of
from gonghai_archive.money import money_of
from gonghai_archive.scorecards import SecondLevel, Volume, own_volume, tier_at_end
from gonghai_archive.servicers.commissions import statement_message
from gonghai_chassis.context import current
from gonghai_chassis.errors import NotFound
from gonghai_chassis.instants import timestamp
from gonghai_chassis.names import CustomerName
from gonghai_policy_service.hidden_fields import TIER

if TYPE_CHECKING:
    from gonghai_archive.servicers.reach import Guard
    from gonghai_archive.store.scorecards import ScorecardStore


@dataclass(frozen=True, slots=True)
class Scorecards:
    """The RPC about scorecards."""

    store: ScorecardStore
    guard: Guard
    currency: str

    async def GetCustomerScorecard(
        self, request: pb.GetCustomerScorecardRequest
    ) -> pb.CustomerScorecard:
        """Get a customer's scorecard of a month."""
        name, period = CustomerName.parse(request.customer, "customer"), request.period
        deadline = current().deadline
        shown = await self.guard.over_earnings(name)
        found = await self.store.read(name, period, deadline=deadline)
        if found is None:
            raise NotFound(name)
        policy = await self.store.book.ensure(name.tenant, found.stamp, deadline=deadline)
        calendar = policy.calendar
        second_level = SecondLevel(name.id, found.memberships, calendar)
        volume, active = Volume(), 0
        async for ident, orders in self.store.orders(
            name.tenant, second_level.ever, until=found.now, deadline=deadline
        ):
            given = second_level.volume(ident, orders.activities, orders.terms, period)
            volume = volume.and_also(given)
            active += given.orders > 0
        members = second_level.members(period)
        over = period_of(calendar, found.now) > period
        tier = found.customer.assessment.tier
        label = "" if tier is None or shown.hidden.hides(TIER) else tier.name
        return pb.CustomerScorecard(
            customer=str(name),
            period=period,
            as_of_time=timestamp(found.now),
            final=over and not found.sums.undecided,
            own=self._volume(
                own_volume(found.orders.activities, found.orders.terms, calendar, period)
            ),
            second_level=self._volume(volume),
            members=len(members.at_end),
            active_members=active,
            joined_members=len(members.at_end - members.at_beginning),
            left_members=len(members.at_beginning - members.at_end),
            commissions=statement_message(name, period, found.sums, self.currency),
            tier=label,
            tier_at_end=tier_at_end(
                found.history,
                created=found.customer.created,
                now=label,
                calendar=calendar,
                period=period,
            )
            if over and not shown.hidden.hides(TIER)
            else "",
        )

    def _volume(self, volume: Volume) -> pb.OrderVolume:
        return pb.OrderVolume(
            order_count=volume.orders,
            bought=money_of(volume.bought, self.currency),
            return_count=volume.returns,
            returned=money_of(volume.returned, self.currency),
            total=money_of(volume.bought - volume.returned, self.currency),
        )
