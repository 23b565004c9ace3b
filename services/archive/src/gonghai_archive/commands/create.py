"""A customer is made, with an owner (自建) or without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from gonghai_archive.assessment import Assessment
from gonghai_archive.commands.deciding import ATTEMPTS, Desk
from gonghai_archive.customers import Actor, Customer, Request, digest_of
from gonghai_archive.derived import derived_id
from gonghai_archive.metrics import Metrics
from gonghai_archive.profiles import with_contact_ids
from gonghai_chassis.errors import (
    AlreadyExists,
    Contention,
    PeerRefused,
    PeerUnavailable,
    Reason,
    Refusal,
)
from gonghai_chassis.ids import new_id
from gonghai_chassis.names import CustomerName

if TYPE_CHECKING:
    from gonghai_archive.pool_peer import Reservations
    from gonghai_archive.profiles import Profile
    from gonghai_engine import TenantPolicy

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class NewCustomer:
    """What a customer is to be made of.

    Attributes:
        id: the id to give, or "".
        profile: what people say of it, its custom attributes not checked yet.
        owner: id of the rep who brought it, or "" to let it go to a pool.
    """

    id: str
    profile: Profile
    owner: str = ""


@dataclass(frozen=True, slots=True)
class CreateCustomer:
    """Makes customers."""

    desk: Desk
    reservations: Reservations

    async def __call__(
        self,
        tenant: str,
        new: NewCustomer,
        *,
        actor: Actor,
        request: Request,
        validate_only: bool = False,
        deadline: float | None = None,
    ) -> Customer:
        """Make a customer.

        With an owner the place among his holdings is taken first, so that a create that his limits
        refuse makes nothing. When it is refused afterwards, the place is given back.

        Args:
            tenant: whose customer.
            new: what to make.
            actor: who makes it.
            request: makes the call safe to repeat.
            validate_only: check everything but the owner's limits, and make nothing.
            deadline: in seconds of `time.monotonic`.

        Raises:
            AlreadyExists: the id is taken, or an identifier (DUPLICATE_CUSTOMER).
            InvalidRequest: a custom attribute breaks its declaration, or names a sponsor that the
                customer cannot have.
            PeerRefused: the owner's limits are reached.
            Contention: policies changed again and again meanwhile.
        """
        name = _name_of(tenant, new, request)
        token = ""
        reserve = new.owner and not validate_only
        if reserve and not await self._made_before(name, request, deadline):
            token = await self.reservations.reserve(
                name, new.owner, reservation_id(name, new, request)
            )
        try:
            return await self._create(name, new, token, actor, request, validate_only, deadline)
        except Refusal:
            if token:
                await self.give_back(name, token)
            raise

    async def recalled(
        self, tenant: str, new: NewCustomer, *, request: Request, deadline: float | None = None
    ) -> Customer | None:
        """Return what this very call made before, for who may not make it any more."""
        name = _name_of(tenant, new, request)
        return await self.desk.customers.recalled(name, request, deadline=deadline)

    async def give_back(self, name: CustomerName, token: str) -> None:
        """Give a place back that nothing came of; where that fails, it ends by itself."""
        try:
            await self.reservations.cancel(name, token)
        except (PeerRefused, PeerUnavailable) as error:
            _log.info("reservation_left_to_end", customer=str(name), error=repr(error))

    async def _made_before(
        self, name: CustomerName, request: Request, deadline: float | None
    ) -> bool:
        """Whether this very request made it; then the script has the answer, and the place is used.

        Raises:
            AlreadyExists: another request made it.
        """
        customers = self.desk.customers
        got = await customers.load(name.tenant, [name.id], activities=False, deadline=deadline)
        if got.customers[0] is None:
            return False
        if await customers.answered(name.tenant, request, deadline=deadline):
            return True
        raise AlreadyExists(name)

    async def _create(
        self,
        name: CustomerName,
        new: NewCustomer,
        token: str,
        actor: Actor,
        request: Request,
        dry: bool,  # noqa: FBT001
        deadline: float | None,
    ) -> Customer:
        desk = self.desk
        for _ in range(ATTEMPTS):
            got = await desk.customers.load(name.tenant, (), activities=False, deadline=deadline)
            policy = await desk.policy(name.tenant, got.stamp, deadline)
            blank = blank_customer(desk, policy, name, new, token)
            changes = await desk.decide(
                policy, [(None, blank, ())], now=got.now, actor=actor, what="create"
            )
            reply, customer = await desk.customers.create(
                changes[0], request, dry=dry, deadline=deadline
            )
            if reply.status == "ok":
                return customer
            if reply.status == "upline":
                raise desk.assessor.refused_sponsor(policy, blank.profile, reply.fields["problem"])
            refuse_unless_moved(name, reply.status, reply.fields)
        raise Contention(name)


def _name_of(tenant: str, new: NewCustomer, request: Request) -> CustomerName:
    """The same request makes the same id, so that a retry after a crash meets its reservation."""
    ident = new.id or (derived_id(tenant, "create", request.id) if request.id else new_id())
    return CustomerName(tenant, ident)


def reservation_id(name: CustomerName, new: NewCustomer, request: Request) -> str:
    """Return the request id under which a create takes its place: the same for every attempt."""
    return derived_id(str(name), "reserve", new.owner, request.id)


def blank_customer(
    desk: Desk, policy: TenantPolicy, name: CustomerName, new: NewCustomer, token: str
) -> Customer:
    """Return the record of a customer that nothing was decided of yet.

    Raises:
        InvalidRequest: a custom attribute breaks its declaration.
    """
    digest = digest_of(new.profile, new.owner)
    attributes = desk.assessor.attributes(policy, new.profile.industry, new.profile.attributes)
    profile = with_contact_ids(new.profile._replace(attributes=attributes), str(name))
    undecided = Assessment(Metrics(0, {}, {}, None, None), None, None, None, policy.revision, None)
    return Customer(name.tenant, name.id, 0, 0, 0, profile, undecided, new.owner, token, digest)


def refuse_unless_moved(name: CustomerName, status: str, fields: dict[str, object]) -> None:
    """Turn a script's refusal of a create or update into an error; `moved` is to be tried again.

    Raises:
        AlreadyExists: the id is taken, or an identifier.
    """
    if status == "exists":
        raise AlreadyExists(name)
    if status == "duplicate":
        kind = str(fields["identifier"]).partition(":")[0]
        raise duplicate(kind)


def duplicate(kind: str) -> AlreadyExists:
    """Return the refusal for an identifier that another customer has; whose it is stays untold."""
    return AlreadyExists(
        f"identifiers/{kind}",
        f"another customer has this {kind.replace('_', ' ')}; look for it before making another",
        reason=Reason.DUPLICATE_CUSTOMER,
        metadata={"identifier": kind},
    )
