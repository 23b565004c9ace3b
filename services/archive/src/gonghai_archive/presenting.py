"""Answers for a caller: customers and activities, with what he may see of them and no more."""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gonghai_archive.listing import Shown
from gonghai_archive.masking import mask_activity, mask_customer, plain_conditions
from gonghai_archive.messages import activity_message, customer_message
from gonghai_archive.metrics import day_number
from gonghai_archive.policies import measured
from gonghai_archive.sight import (
    HELD,
    IN_POOL,
    Sight,
    Viewer,
    in_doubt,
    in_pool_of,
    just_made,
    may_know,
    sight,
)
from gonghai_chassis.context import current
from gonghai_chassis.errors import FieldViolation, InvalidRequest, NotFound
from gonghai_chassis.names import CustomerName, PoolName, RepName
from gonghai_chassis.principals import Reach
from gonghai_policy_service.decisions import condition_messages
from gonghai_policy_service.hidden_fields import Concealment

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from gonghai.archive.v1 import activity_pb2, customer_pb2
    from gonghai.type.v1 import decision_pb2
    from gonghai_archive.activities import Activity
    from gonghai_archive.customers import Customer
    from gonghai_archive.policies import Assessor
    from gonghai_archive.sight import Custody, Neighbourhood
    from gonghai_archive.store.neighbours import Reader, Reading, Seen
    from gonghai_engine import Explanation, TenantPolicy
    from gonghai_policy_service import PolicyBook

_LOOK_EVERY: Final = 0.01
"""Seconds between looks at how far the pool service's stream was followed."""
_SPARE: Final = 0.2
"""Seconds of the deadline that are kept for the answer."""
_TOKEN_PARTS: Final = 3
_MEASURED_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class Presenter:
    """Reads customers for the running call, and writes what its caller may see.

    Attributes:
        reader: reads them.
        book: the tenants' policies.
        assessor: knows which attributes are sensitive.
        currency: of amounts (ISO 4217).
    """

    reader: Reader
    book: PolicyBook
    assessor: Assessor
    currency: str

    async def customers(
        self, tenant: str, ids: Sequence[str], *, token: str = ""
    ) -> list[customer_pb2.Customer | None]:
        """Return customers as the caller may see them, None for one that is not there for him.

        Args:
            tenant: whose.
            ids: which.
            token: a consistency token: waits until the archive has heard of that change, within
                the deadline, and masks if it has not by then.
        """
        return await self._customers(tenant, await self.read(tenant, ids, token=token), ())

    async def listed(
        self, tenant: str, ids: Sequence[str], *, asked: Collection[str]
    ) -> list[Shown[customer_pb2.Customer]]:
        """Return for each entry of a list what the caller may see of it.

        Args:
            tenant: whose.
            ids: of the entries.
            asked: paths of the fields by which they were found: a customer of which he may not read
                one of them is not there for him, or the list would tell what is in it.
        """
        if not ids:
            return []
        reading = await self.read(tenant, ids)
        shown = await self._customers(tenant, reading, asked)
        return [
            Shown(message, in_doubt=seen is not None and in_doubt(seen.custody, reading.around))
            for message, seen in zip(shown, reading.found, strict=True)
        ]

    async def _customers(
        self, tenant: str, reading: Reading, asked: Collection[str]
    ) -> list[customer_pb2.Customer | None]:
        policy = await self.book.ensure(tenant, reading.stamp, deadline=current().deadline)
        stale = [
            seen.customer.id
            for seen in reading.found
            if seen is not None and _slid(seen.customer, policy, reading.around.now)
        ]
        slid: dict[str, Seen] = {}
        for start in range(0, len(stale), _MEASURED_AT_ONCE):
            # Windows have moved on since the last decision: they are measured for the answer.
            again = await self.read(
                tenant, stale[start : start + _MEASURED_AT_ONCE], activities=True
            )
            slid |= {seen.customer.id: seen for seen in again.found if seen is not None}
        viewer = Viewer.of(current().principal)
        answer: list[customer_pb2.Customer | None] = []
        for seen in reading.found:
            if seen is None or not _may_find(viewer, seen.custody, reading.around, asked):
                answer.append(None)
                continue
            customer = seen.customer
            if customer.id in slid:
                customer = _measured(slid[customer.id], policy, reading.around.now)
            answer.append(
                self._message(policy, viewer, replace(seen, customer=customer), reading.around)
            )
        return answer

    async def customer(self, name: CustomerName, *, token: str = "") -> customer_pb2.Customer:
        """Return a customer as the caller may see it.

        Raises:
            NotFound: it does not exist, or not for him.
        """
        message = (await self.customers(name.tenant, [name.id], token=token))[0]
        if message is None:
            raise NotFound(name)
        return message

    async def changed(self, customer: Customer, *, made: bool = False) -> customer_pb2.Customer:
        """Return a record just stored as the caller may see it.

        Args:
            customer: as it was stored.
            made: this call created it, now or when it was first made; whoever it was created for
                sees it whole until pool has told whose it is.
        """
        viewer = Viewer.of(current().principal)
        if made and viewer.sees_all:
            return customer_message(customer, current().language, self.currency)
        reading = await self.read(customer.tenant, [customer.id])
        policy = await self.book.ensure(customer.tenant, reading.stamp, deadline=current().deadline)
        seen = reading.found[0]
        custody = seen.custody if seen is not None else None
        if made and just_made(custody) and viewer.rep and customer.owner == viewer.rep:
            return customer_message(customer, current().language, self.currency)
        shown = sight(viewer, custody, reading.around)
        return self._shown(policy, customer, custody, shown)

    async def conditions(
        self, customer: Customer, explanation: Explanation | None
    ) -> list[decision_pb2.ConditionTruth]:
        """Return the truth of each condition, but for those that tell what he may not read."""
        if explanation is None:
            return []
        shown, _ = await self.sight_of(customer.name)
        if shown.sensitive:
            return condition_messages(explanation)
        policy = await self.book.tenant(customer.tenant, deadline=current().deadline)
        industry = customer.profile.industry
        concealed = Concealment(shown.hidden, policy.industry(industry))
        return plain_conditions(
            explanation, self.assessor.view(policy, industry).secrecy, concealed
        )

    async def activities(self, tenant: str, ident: str) -> tuple[list[Activity], Sight]:
        """Return a customer's activities, and how much of them the caller may read.

        Raises:
            NotFound: the customer does not exist, or not for him.
        """
        viewer = Viewer.of(current().principal)
        reading = await self.read(tenant, [ident], activities=True)
        seen = reading.found[0]
        if seen is None or not may_know(viewer, seen.custody, reading.around):
            raise NotFound(CustomerName(tenant, ident))
        return seen.activities, sight(viewer, seen.custody, reading.around)

    async def sight_of(self, name: CustomerName) -> tuple[Sight, Seen]:
        """Return how much of a customer the caller may see.

        Raises:
            NotFound: it does not exist, or not for him.
        """
        viewer = Viewer.of(current().principal)
        reading = await self.read(name.tenant, [name.id])
        seen = reading.found[0]
        if seen is None or not may_know(viewer, seen.custody, reading.around):
            raise NotFound(name)
        return sight(viewer, seen.custody, reading.around), seen

    def activity(
        self, customer: CustomerName, activity: Activity, shown: Sight
    ) -> activity_pb2.Activity:
        """Return an activity as the caller may see it."""
        message = activity_message(customer, activity, self.currency)
        if not shown.sensitive:
            mask_activity(message, figures=not shown.hidden.figures)
        return message

    async def read(
        self, tenant: str, ids: Sequence[str], *, activities: bool = False, token: str = ""
    ) -> Reading:
        """Read customers with what decides how much of them the caller may see."""
        call = current()
        viewer = Viewer.of(call.principal)
        asks = None if viewer.sees_all else viewer.rep
        wanted = _parse_token(token)
        while True:
            reading = await self.reader.read(
                tenant, ids, viewer=asks, activities=activities, deadline=call.deadline
            )
            if wanted is None or _heard(reading, wanted):
                return reading
            left = None if call.deadline is None else call.deadline - time.monotonic()
            if left is None or left < _SPARE:
                return replace(reading, around=replace(reading.around, certain=False))
            await asyncio.sleep(_LOOK_EVERY)

    def _message(
        self, policy: TenantPolicy, viewer: Viewer, seen: Seen, around: Neighbourhood
    ) -> customer_pb2.Customer:
        shown = sight(viewer, seen.custody, around)
        return self._shown(policy, seen.customer, seen.custody, shown)

    def _shown(
        self, policy: TenantPolicy, customer: Customer, custody: Custody | None, shown: Sight
    ) -> customer_pb2.Customer:
        message = customer_message(customer, current().language, self.currency)
        if custody is not None:
            message.custody.state = custody.state
            message.custody.version = custody.version
            if custody.state == IN_POOL and custody.pool:
                message.custody.pool = str(PoolName(customer.tenant, custody.pool))
            if custody.state == HELD and custody.owner and shown.owner:
                message.custody.owner = str(RepName(customer.tenant, custody.owner))
        if not shown.sensitive:
            industry = customer.profile.industry
            concealed = Concealment(shown.hidden, policy.industry(industry))
            mask_customer(message, self.assessor.view(policy, industry).secrecy, concealed)
        return message


def _may_find(
    viewer: Viewer, custody: Custody | None, around: Neighbourhood, asked: Collection[str]
) -> bool:
    if not may_know(viewer, custody, around):
        return False
    if not asked:
        return True
    shown = sight(viewer, custody, around)
    if any(shown.hidden.hides(path) for path in asked):
        return False
    # Readers read all pools.
    everywhere = "custody.pool" not in asked or current().reach >= Reach.TENANT
    return everywhere or in_pool_of(viewer, custody, around)


def _slid(customer: Customer, policy: TenantPolicy, now: int) -> bool:
    zone = policy.calendar.zone
    return day_number(zone, customer.assessment.metrics.at) != day_number(zone, now)


def _measured(seen: Seen, policy: TenantPolicy, now: int) -> Customer:
    customer = seen.customer
    metrics = measured(seen.activities, customer.downline, customer.created, policy.calendar, now)
    return replace(customer, assessment=replace(customer.assessment, metrics=metrics))


def _parse_token(token: str) -> tuple[str, int] | None:
    """The incarnation and position that a consistency token names."""
    if not token:
        return None
    try:
        parts = base64.urlsafe_b64decode(token.encode()).decode("ascii").split(":")
        if len(parts) == _TOKEN_PARTS:
            return parts[1], int(parts[2])
    except (ValueError, binascii.Error):
        pass
    raise InvalidRequest(
        FieldViolation("consistency_token", "is none that an answer gave: send one back unchanged")
    )


def _heard(reading: Reading, wanted: tuple[str, int]) -> bool:
    """Whether the pool service's stream was followed to there, whatever stands there by now."""
    incarnation, position = wanted
    return reading.heard.incarnation == incarnation and reading.heard.position >= position
