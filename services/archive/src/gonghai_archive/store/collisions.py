"""Collisions in the store: the places at which more customers stand than may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from gonghai_archive.store import keys
from gonghai_chassis.store import Script, records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_chassis.store import Store

LIST: Final = Script("gonghai_archive.store", "list_collisions")

COLLIDING: Final = "colliding"
"""The index of the terms of such places; the scripts that write customers keep it."""

SHOWN: Final = 20
"""Customers that are named of one place."""


class Crowd(NamedTuple):
    """A place at which too many stand: its term, how many there are, and the first by age.

    Those who hold the place itself come before those who stand within it.
    """

    term: str
    customers: int
    ids: Sequence[str]


async def crowds(
    store: Store, tenant: str, *, after: str, limit: int, deadline: float | None
) -> list[Crowd]:
    """List a tenant's crowded places by their terms, those after a term ("": from the first)."""
    p = store.partition(tenant)
    reply = await store.run(
        LIST,
        p,
        keys={"index": keys.index(p, tenant)},
        args={"after": f"({after}" if after else "-", "limit": limit, "most": SHOWN},
        deadline=deadline,
    )
    return [
        Crowd(each["term"], each["count"], records.sequence(each["ids"]))
        for each in map(records.mapping, records.sequence(reply.fields["places"]))
    ]
