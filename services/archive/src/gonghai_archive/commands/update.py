"""What people say of a customer is changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gonghai_archive.commands.create import refuse_unless_moved
from gonghai_archive.commands.deciding import ATTEMPTS, Desk
from gonghai_archive.profiles import with_contact_ids
from gonghai_chassis.errors import Contention, EtagMismatch, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from gonghai_archive.customers import Actor, Customer, Request
    from gonghai_archive.profiles import Profile
    from gonghai_chassis.names import CustomerName


@dataclass(frozen=True, slots=True)
class UpdateCustomer:
    """Changes customers."""

    desk: Desk

    async def __call__(
        self,
        name: CustomerName,
        change: Callable[[Profile], Profile],
        *,
        expected: int | None,
        actor: Actor,
        request: Request,
        validate_only: bool = False,
        deadline: float | None = None,
    ) -> Customer:
        """Change a customer's profile, and decide on it anew.

        Args:
            name: the customer.
            change: gives the new profile from the present one; called again when that has moved.
            expected: the version that the caller saw; None for any.
            actor: who changes it.
            request: makes the call safe to repeat.
            validate_only: check everything, and change nothing.
            deadline: in seconds of `time.monotonic`.

        Raises:
            NotFound: there is no such customer.
            EtagMismatch: the record is not as the caller saw it.
            AlreadyExists: (DUPLICATE_CUSTOMER) another customer has one of the identifiers.
            InvalidRequest: a custom attribute breaks its declaration, or names a sponsor that the
                customer cannot have.
            Contention: the record changed again and again meanwhile.
        """
        desk = self.desk
        for _ in range(ATTEMPTS):
            got = await desk.customers.load(name.tenant, [name.id], deadline=deadline)
            before = got.customers[0]
            if before is None:
                raise NotFound(name)
            moved_on = expected not in {None, before.version}
            # A retry has an etag from before its own change: the script knows its answer.
            if moved_on and not await desk.customers.answered(
                name.tenant, request, deadline=deadline
            ):
                raise EtagMismatch(name)
            policy = await desk.policy(name.tenant, got.stamp, deadline)
            profile = change(before.profile)
            attributes = desk.assessor.attributes(policy, profile.industry, profile.attributes)
            profile = profile._replace(attributes=attributes)
            profile = with_contact_ids(profile, str(name), str(before.version))
            after = replace(before, profile=profile)
            changes = await desk.decide(
                policy,
                [(before, after, got.activities[0])],
                now=got.now,
                actor=actor,
                what="update",
            )
            reply, customer = await desk.customers.update(
                changes[0], request, dry=validate_only, deadline=deadline
            )
            if reply.status == "ok" and (reply.replayed or not moved_on):
                return customer
            if reply.status == "ok":
                raise EtagMismatch(name)
            if reply.status == "missing":
                raise NotFound(name)
            if reply.status == "upline":
                raise desk.assessor.refused_sponsor(policy, profile, reply.fields["problem"])
            refuse_unless_moved(name, reply.status, reply.fields)
        raise Contention(name)
