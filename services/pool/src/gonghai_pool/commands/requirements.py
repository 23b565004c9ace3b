"""What must hold of a customer and of who is to get it, whatever the way: checked in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gonghai_chassis.errors import (
    LimitReached as LimitRefusal,
)
from gonghai_chassis.errors import (
    NotFound,
    PreconditionFailed,
    PreconditionViolation,
    QuotaViolation,
    Reason,
)
from gonghai_chassis.names import RepName, TeamName
from gonghai_policy_service.reasons import in_language
from gonghai_pool.custody import Custody, Holder, HolderKind, State
from gonghai_pool.messages import state_name
from gonghai_pool.obstacles import of_limits
from gonghai_pool.staff import RepState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_chassis.names import CustomerName
    from gonghai_pool.store.custodies import Refused
    from gonghai_pool.tenant_setup import TenantSetup


def require(
    name: CustomerName,
    custody: Custody,
    *,
    states: Sequence[State],
    reason: Reason,
    further: Sequence[PreconditionViolation] = (),
) -> None:
    """Check that a customer is where a verb needs it, neither locked nor disputed.

    Raises:
        PreconditionFailed: it names everything that is not so, with `further`.
    """
    found = []
    if custody.state not in states:
        state = state_name(custody.state)
        found.append(
            PreconditionViolation(reason, str(name), f"the customer is {state.lower()} now")
        )
    if custody.locked:
        found.append(
            PreconditionViolation(Reason.CUSTOMER_LOCKED, str(name), "the customer is locked")
        )
    if custody.disputed:
        found.append(
            PreconditionViolation(
                Reason.CUSTOMER_DISPUTED, str(name), "whose customer it is, is disputed"
            )
        )
    found += further
    if found:
        raise PreconditionFailed(
            Reason(found[0].rule),
            found[0].message,
            found,
            metadata={"customer": str(name), "state": state_name(custody.state)},
        )


def unfit(
    tenant: str, setup: TenantSetup, holder: Holder, *, given: bool
) -> list[PreconditionViolation]:
    """Return why somebody may not get a customer; `given`: not of his own doing.

    Raises:
        NotFound: there is no such team.
    """
    if holder.kind is HolderKind.TEAM and holder.id not in setup.teams:
        raise NotFound(TeamName(tenant, holder.id))
    if holder.kind is not HolderKind.REP:
        return []
    rep = setup.reps.get(holder.id)
    name = str(RepName(tenant, holder.id))
    why = ""
    if rep is None:
        why = "the rep is not known here (yet)"
    elif rep.state is RepState.LEFT:
        why = "the rep has left"
    elif given and rep.state is RepState.PAUSED:
        why = "the rep shall not be given customers at the moment"
    return [PreconditionViolation(Reason.REP_NOT_ACTIVE, name, why)] if why else []


def no_room(tenant: str, holder: Holder, refused: Refused, language: str) -> LimitRefusal:
    """Return the refusal of a holder who may hold no more, for a person's language."""
    name = str(RepName(tenant, holder.id))
    found = of_limits(refused.limits)
    return LimitRefusal(
        Reason.HOLDING_LIMIT,
        in_language(found[0].message, language),
        [QuotaViolation(f"{name}:{one.rule}", in_language(one.message, language)) for one in found],
        metadata={"rep": name},
    )
