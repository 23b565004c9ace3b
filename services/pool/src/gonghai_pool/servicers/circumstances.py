"""The circumstances of the call that is being answered, as commands take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gonghai_chassis.context import current
from gonghai_pool.commands.order import Order
from gonghai_pool.ground import Actor
from gonghai_pool.store.custodies import Request
from gonghai_pool.viewing import Viewer

if TYPE_CHECKING:
    from google.protobuf.message import Message


def order_of(request: Message, *, item: str | None = None) -> Order:
    """Return the circumstances of this call.

    Args:
        request: what came in; it may have a `request_id`.
        item: for one item of a batch, what tells it from the others: it is remembered by itself.
    """
    context = current()
    principal = context.principal
    fingerprint = context.fingerprint(request)
    ident = getattr(request, "request_id", "")
    if item is not None and fingerprint:
        ident = f"{ident}/{item}"
    return Order(
        Actor(principal.subject, principal.on_behalf_of or ""),
        Viewer.of(context),
        Request(ident, fingerprint) if fingerprint else Request(),
        context.deadline,
    )
