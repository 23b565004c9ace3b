"""Customers are made from rows: each with its result, and repeatable."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gonghai_archive.commands.create import (
    CreateCustomer,
    NewCustomer,
    blank_customer,
    refuse_unless_moved,
    reservation_id,
)
from gonghai_archive.commands.deciding import AT_ONCE, ATTEMPTS
from gonghai_archive.customers import Actor, Request, digest_of
from gonghai_archive.derived import derived_id
from gonghai_chassis.errors import AlreadyExists, Contention, PeerRefused, PeerUnavailable, Refusal
from gonghai_chassis.names import CustomerName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_archive.customers import Customer
    from gonghai_archive.store.customers import Change

Outcome = CustomerName | Refusal
"""What became of a row: the customer's name, or why there is none."""


@dataclass(slots=True)
class _Row:
    """A row on its way."""

    name: CustomerName
    new: NewCustomer
    token: str = ""
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class ImportCustomers:
    """Makes customers from rows."""

    create: CreateCustomer

    async def __call__(
        self,
        tenant: str,
        news: Sequence[NewCustomer],
        *,
        actor: Actor,
        deadline: float | None = None,
    ) -> list[Outcome]:
        """Make customers, told of in the order of the rows.

        A row without an id gets one made from its content. A row whose id was made with the same
        content counts as made.

        Returns:
            What became of each, in the order given.

        Raises:
            PeerUnavailable: places could not be taken; send the rows again.
        """
        rows = []
        for new in news:
            digest = digest_of(new.profile, new.owner)
            name = CustomerName(tenant, new.id or derived_id(tenant, "import", digest))
            rows.append(_Row(name, new))
        await self._drop_known(tenant, rows, deadline)
        await self._reserve([row for row in rows if row.outcome is None and row.new.owner])
        for _ in range(ATTEMPTS):
            open_rows = [row for row in rows if row.outcome is None]
            if not open_rows:
                break
            for start in range(0, len(open_rows), AT_ONCE):
                part = open_rows[start : start + AT_ONCE]
                await self._attempt(tenant, part, actor, deadline)
        await self._give_back(
            tenant,
            [row for row in rows if row.token and isinstance(row.outcome, Refusal)],
            deadline,
        )
        return [row.outcome or Contention(row.name) for row in rows]

    async def _drop_known(self, tenant: str, rows: list[_Row], deadline: float | None) -> None:
        """Settle the rows whose id exists."""
        customers = self.create.desk.customers
        ids = [row.name.id for row in rows]
        got = await customers.load(tenant, ids, activities=False, deadline=deadline)
        for row, customer in zip(rows, got.customers, strict=True):
            if customer is not None:
                row.outcome = _known(row, customer)

    async def _give_back(self, tenant: str, rows: list[_Row], deadline: float | None) -> None:
        """Give back the places of refused rows, but for those that a customer has taken.

        Rows of the same id and owner share a place: one of them may have been made with it.
        """
        if not rows:
            return
        ids = [row.name.id for row in rows]
        got = await self.create.desk.customers.load(
            tenant, ids, activities=False, deadline=deadline
        )
        for row, customer in zip(rows, got.customers, strict=True):
            if customer is None or customer.reservation != row.token:
                await self.create.give_back(row.name, row.token)

    async def _reserve(self, rows: list[_Row]) -> None:
        """Take the places, of each owner in the order of the rows: the same ones are left out.

        Raises:
            PeerUnavailable: the outcome is unknown.
        """
        by_owner: dict[str, list[_Row]] = defaultdict(list)
        for row in rows:
            by_owner[row.new.owner].append(row)

        async def in_turn(theirs: list[_Row]) -> None:
            for row in theirs:
                try:
                    row.token = await self.create.reservations.reserve(
                        row.name, row.new.owner, reservation_id(row.name, row.new, Request())
                    )
                except PeerRefused as refused:
                    row.outcome = refused

        failures = await asyncio.gather(
            *(in_turn(theirs) for theirs in by_owner.values()), return_exceptions=True
        )
        for failure in failures:
            if isinstance(failure, PeerUnavailable):
                raise failure
            if isinstance(failure, BaseException):
                raise failure

    async def _attempt(
        self, tenant: str, rows: list[_Row], actor: Actor, deadline: float | None
    ) -> None:
        desk = self.create.desk
        got = await desk.customers.load(tenant, (), activities=False, deadline=deadline)
        policy = await desk.policy(tenant, got.stamp, deadline)
        wanted: list[tuple[None, Customer, tuple[()]]] = []
        making: list[_Row] = []
        for row in rows:
            try:
                blank = blank_customer(desk, policy, row.name, row.new, row.token)
            except Refusal as refusal:
                row.outcome = refusal
                continue
            wanted.append((None, blank, ()))
            making.append(row)
        changes: list[Change] = await desk.decide(
            policy, wanted, now=got.now, actor=actor, what="create"
        )
        # Submitted in the order of the rows, and the store keeps the order of what is submitted.
        answers = await asyncio.gather(
            *(
                desk.customers.create(change, Request(), dry=False, deadline=deadline)
                for change in changes
            )
        )
        for row, (reply, _) in zip(making, answers, strict=True):
            if reply.status == "ok":
                row.outcome = row.name
                continue
            if reply.status == "exists":
                # Twice in the same part, or made by somebody else meanwhile.
                await self._drop_known(tenant, [row], deadline)
                continue
            if reply.status == "upline":
                row.outcome = desk.assessor.refused_sponsor(
                    policy, row.new.profile, reply.fields["problem"]
                )
                continue
            try:
                refuse_unless_moved(row.name, reply.status, reply.fields)
            except AlreadyExists as refusal:
                row.outcome = refusal


def _known(row: _Row, customer: Customer) -> Outcome:
    if customer.digest == digest_of(row.new.profile, row.new.owner):
        return row.name
    return AlreadyExists(row.name, f"{row.name} exists already, made from other content")
