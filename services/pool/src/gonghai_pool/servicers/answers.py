"""Custodies as the caller may see them, and results of single items of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.rpc import status_pb2

from gonghai.pool.v1 import custody_pb2, pool_service_pb2
from gonghai_chassis.statuses import refusal_of, status_of
from gonghai_policy_service.reasons import in_language
from gonghai_pool.messages import (
    EVENTS_LANGUAGE,
    custody_message,
    mask_hidden,
    mask_owner,
    reclaim_decision,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from gonghai_chassis.names import CustomerName
    from gonghai_pool.commands.look_up import Seen
    from gonghai_pool.store.custodies import Changed


def seen_custody(tenant: str, seen: Seen, language: str) -> custody_pb2.Custody:
    """Return a custody as its reader may see it."""
    message = custody_message(tenant, seen.custody, language)
    if not seen.owner:
        mask_owner(message)
        mask_hidden(message, seen.custody, seen.concealed)
        return message
    decision = reclaim_decision(seen.custody, language)
    if decision is not None:
        message.reclaim_decision.CopyFrom(decision)
    mask_hidden(message, seen.custody, seen.concealed)
    if seen.frozen_because is not None:
        message.frozen_because = in_language(seen.frozen_because, language)
    return message


def changed_custody(tenant: str, changed: Changed, language: str) -> custody_pb2.Custody:
    """Return a custody to who changed it, with the token that other services' reads may name."""
    message = changed.message if language == EVENTS_LANGUAGE else None
    message = message or custody_message(tenant, changed.custody, language)
    decision = reclaim_decision(changed.custody, language)
    if decision is not None:
        message.reclaim_decision.CopyFrom(decision)
    if changed.concealed is not None:
        mask_hidden(message, changed.custody, changed.concealed)
    message.consistency_token = changed.token
    return message


async def result(
    customer: CustomerName, work: Awaitable[Changed], language: str
) -> pool_service_pb2.CustodyResult:
    """Return what became of one customer of a batch; an unexpected failure flies through."""
    answer = pool_service_pb2.CustodyResult(customer=str(customer), status=status_pb2.Status())
    try:
        changed = await work
    except Exception as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        answer.status.CopyFrom(status_of(refusal))
        return answer
    answer.custody.CopyFrom(changed_custody(customer.tenant, changed, language))
    return answer
