"""How far a caller's grant goes in the archive, beyond what the door can know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from gonghai_archive.activities import Kind
from gonghai_archive.customers import Actor, Request
from gonghai_archive.sight import Viewer, in_doubt, manages_rep, may_know, may_record, sight
from gonghai_chassis.context import current
from gonghai_chassis.errors import NotAllowed, NotFound
from gonghai_chassis.principals import Reach, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.message import Message

    from gonghai_archive.activities import Activity
    from gonghai_archive.presenting import Presenter
    from gonghai_archive.sight import Sight
    from gonghai_chassis.names import CustomerName


def actor() -> Actor:
    """Return who makes the running call."""
    principal = current().principal
    return Actor(principal.subject, principal.on_behalf_of or "")


def request_of(message: Message) -> Request:
    """Return what makes the running call safe to repeat."""
    ident: str = getattr(message, "request_id")  # noqa: B009 - every mutation has the field
    return Request(ident, current().fingerprint(message))


class Earner(NamedTuple):
    """A customer who may have earned something.

    Attributes:
        readable: the caller may read what.
        in_doubt: if he may not, he might if its custody were not in doubt.
    """

    readable: bool
    in_doubt: bool


@dataclass(frozen=True, slots=True)
class Guard:
    """Checks that the caller's grant covers what he asks for."""

    presenter: Presenter

    async def over_rep(self, tenant: str, rep: str) -> None:
        """Check that the caller may act for a rep: himself, one of his team's, or anybody.

        Raises:
            NotAllowed: the rep is none of his.
        """
        call = current()
        call.require_rep(rep)
        if call.reach is not Reach.TEAM or call.principal.rep == rep:
            return
        reading = await self.presenter.reader.read(tenant, (), viewer=rep, deadline=call.deadline)
        if not manages_rep(Viewer.of(call.principal), rep, reading.around):
            raise NotAllowed(call.method, "the rep is in none of your teams")

    async def over_holdings(self, tenant: str, rep: str) -> None:
        """Check that the caller may ask whose customers a rep's are: his own, or his teams'.

        Raises:
            NotAllowed: he may not know whose they are.
        """
        call = current()
        viewer = Viewer.of(call.principal)
        if viewer.sees_all:
            return
        mine = rep == viewer.rep and not call.principal.roles <= {Role.READER}
        if mine:
            return
        reading = await self.presenter.reader.read(tenant, (), viewer=rep, deadline=call.deadline)
        if not manages_rep(viewer, rep, reading.around):
            raise NotAllowed(call.method, "whose customers these are is not for you to know")

    async def over_customer(self, name: CustomerName) -> None:
        """Check that the caller may change what the record of a customer says.

        Raises:
            NotFound: there is no such customer, or not for him.
            NotAllowed: he neither works on it nor manages who does.
        """
        call = current()
        if call.reach >= Reach.TENANT:
            return
        sight, _ = await self.presenter.sight_of(name)
        if not sight.sensitive:
            raise NotAllowed(call.method, "the customer is neither yours nor your team's")

    async def over_earnings(self, name: CustomerName) -> Sight:
        """Check that the caller may read what a customer has earned.

        Returns:
            How much of the customer he may see.

        Raises:
            NotFound: there is no such customer, or not for him.
            NotAllowed: he neither works on it nor manages who does, nor reads all that its pool
                shows of its measures.
        """
        shown, _ = await self.presenter.sight_of(name)
        if not _shows_earnings(shown):
            raise NotAllowed(current().method, "what it has earned is for whoever works on it")
        return shown

    async def earning(self, tenant: str, ids: Sequence[str]) -> list[Earner]:
        """Return for each customer whether the caller may read what it has earned."""
        viewer = Viewer.of(current().principal)
        if viewer.sees_all or not ids:
            return [Earner(readable=True, in_doubt=False) for _ in ids]
        reading = await self.presenter.read(tenant, ids)
        return [
            Earner(
                readable=seen is not None
                and may_know(viewer, seen.custody, reading.around)
                and _shows_earnings(sight(viewer, seen.custody, reading.around)),
                in_doubt=seen is not None and in_doubt(seen.custody, reading.around),
            )
            for seen in reading.found
        ]

    async def to_record(self, name: CustomerName, activity: Activity) -> NotAllowed | None:
        """Check that the caller may say that something happened with a customer.

        Returns:
            What to answer if it corrects what somebody else recorded and did; None if he may
            correct that as well.

        Raises:
            NotFound: there is no such customer, or a partner may not know of it.
            NotAllowed: the customer is none of his.
        """
        call = current()
        if call.reach >= Reach.TENANT:
            return None
        viewer = Viewer.of(call.principal)
        reading = await self.presenter.read(name.tenant, [name.id])
        seen = reading.found[0]
        if seen is None or not may_know(viewer, seen.custody, reading.around):
            raise NotFound(name)
        allowed = may_record(
            viewer,
            seen.customer.owner,
            seen.custody,
            reading.around,
            order=activity.kind in {Kind.PURCHASE, Kind.PURCHASE_RETURN},
        )
        if not allowed:
            raise NotAllowed(call.method, "the customer is neither yours nor your team's")
        if sight(viewer, seen.custody, reading.around).sensitive:
            return None
        return NotAllowed(call.method, "somebody else recorded it, with a customer not yours")


def _shows_earnings(shown: Sight) -> bool:
    """Say whether the caller may read what the customer has earned: on orders, which measures tell.

    Who reads the whole tenant reads it, unless the measures are hidden where the customer lies.
    """
    return shown.sensitive or (current().reach >= Reach.TENANT and shown.hidden.figures)
