"""What the archive keeps of its neighbours, read together with its customers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from gonghai_archive.sight import (
    HELD,
    IN_POOL,
    Custody,
    Member,
    Neighbourhood,
    Pool,
    Rep,
    Team,
)
from gonghai_archive.store import keys
from gonghai_archive.store.rows import unpack_activities, unpack_customer, unpack_line
from gonghai_chassis.events import Cursor
from gonghai_chassis.store import Script, records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_archive.activities import Activity
    from gonghai_archive.customers import Customer
    from gonghai_chassis.store import Store
    from gonghai_policy_service import PolicyBook

READ: Final = Script("gonghai_archive.store", "read_customers")

_PATIENCE: Final = 30_000_000
"""µs of real time after which a pool service that was not heard of leaves custody in doubt."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A customer with its custody, as one viewer's call read it."""

    customer: Customer
    custody: Custody | None
    activities: list[Activity]


@dataclass(frozen=True, slots=True)
class Reading:
    """Customers read for somebody.

    Attributes:
        found: in the order asked; None for one that does not exist.
        around: what decides how much of them he sees.
        stamp: of the tenant's policy.
        heard: how far the pool service's stream was followed.
    """

    found: list[Seen | None]
    around: Neighbourhood
    stamp: bytes | None
    heard: Cursor


class Reader:
    """Reads customers for somebody who may not see all of them."""

    def __init__(self, store: Store, book: PolicyBook) -> None:
        """Read from this store, stamped by this book."""
        self._store = store
        self._book = book

    async def read(
        self,
        tenant: str,
        ids: Sequence[str],
        *,
        viewer: str | None,
        activities: bool = False,
        deadline: float | None = None,
    ) -> Reading:
        """Read customers at one moment.

        Args:
            tenant: whose.
            ids: which.
            viewer: the rep who asks, "" for one who is none; None when he sees everything, so that
                nobody's team and pool need to be known.
            activities: read those as well, and what the second level adds up to.
            deadline: in seconds of `time.monotonic`.
        """
        p = self._store.partition(tenant)
        reply = await self._store.run(
            READ,
            p,
            keys={
                "policy": self._book.key(p, tenant),
                "cursor": p.cursor_key("pool"),
                "quarantine": p.quarantine_key("pool"),
                "staff_quarantine": p.quarantine_key("assignment"),
                "customers": keys.customers(p, tenant),
                "custodies": keys.custodies(p, tenant),
                "activities": keys.all_activities(p, tenant),
                "lines": keys.lines(p, tenant),
                "pools": keys.pools(p, tenant),
                "reps": keys.reps(p, tenant),
                "teams": keys.teams(p, tenant),
            },
            args={
                "tenant": tenant,
                "ids": list(ids),
                "with_activities": activities,
                "viewer": viewer,
            },
            deadline=deadline,
        )
        fields = reply.fields
        rows = records.sequence(fields["found"])
        around = Neighbourhood(
            now=reply.now,
            certain=not fields["rebuilding"] and reply.real - fields["heard"] <= _PATIENCE,
            pools=_each(fields["pools"], pool_from),
            reps=_each(fields["reps"], rep_from),
            teams=_each(fields["teams"], team_from),
        )
        stamp = fields.get("stamp")
        return Reading(
            [_seen(tenant, ident, row) for ident, row in zip(ids, rows, strict=True)],
            around,
            None if stamp is None else records.blob(stamp),
            Cursor(fields["incarnation"], fields["position"], ""),
        )


def _each(stored: object, read: Any) -> dict[str, Any]:  # noqa: ANN401 - one of the readers below
    return {ident: read(row) for ident, row in records.mapping(stored).items() if row}


def _seen(tenant: str, ident: str, row: object) -> Seen | None:
    fields = records.mapping(row)
    if "record" not in fields:
        return None
    stored = fields.get("activities")
    custody = custody_from(fields.get("custody"))
    line = fields.get("line")
    part, downline = unpack_line(None if line is None else records.blob(line))
    return Seen(
        replace(
            unpack_customer(tenant, ident, records.blob(fields["record"])),
            part=part,
            downline=downline,
        ),
        custody if custody is None else replace(custody, doubtful=bool(fields.get("doubtful"))),
        unpack_activities(None if stored is None else records.blob(stored)),
    )


def custody_from(stored: str | None) -> Custody | None:
    """Read a custody out of a script's answer."""
    if stored is None:
        return None
    row = records.mapping(records.unpack(records.blob(stored)))
    collaborators = tuple((rep, until) for rep, until in records.sequence(row.get("helpers")))
    return Custody(
        row["version"], row["state"], row["pool"], row["owner"], row["team"], collaborators
    )


def pack_custody(custody: Custody, terms: list[str], generation: str = "") -> bytes:
    """Return a custody as the store keeps it.

    Args:
        custody: what is known.
        terms: the indexes it stands in.
        generation: of the snapshot it came with, or "".
    """
    return records.pack(
        {
            "version": custody.version,
            "state": custody.state,
            "pool": custody.pool,
            "owner": custody.owner,
            "team": custody.team,
            "helpers": [list(each) for each in custody.collaborators],
            "terms": terms,
            "generation": generation,
        }
    )


def custody_terms(custody: Custody) -> list[str]:
    """Return the indexes that a custody puts its customer in."""
    if custody.state == HELD and custody.owner:
        return [f"owner:{custody.owner}"]
    if custody.state == IN_POOL and custody.pool:
        return [f"pool:{custody.pool}"]
    return []


def pack_pool(pool: Pool, generation: str = "") -> bytes:
    """Return a pool as the store keeps it."""
    return records.pack(
        {
            "version": pool.version,
            "members": sorted([each.kind, each.id] for each in pool.members),
            "managers": sorted([each.kind, each.id] for each in pool.managers),
            "hidden": sorted(pool.hidden_fields),
            "generation": generation,
        }
    )


def pack_rep(rep: Rep, generation: str = "") -> bytes:
    """Return a rep as the store keeps him."""
    return records.pack(
        {
            "version": rep.version,
            "team": rep.team,
            "roles": sorted(rep.roles),
            "generation": generation,
        }
    )


def pack_team(team: Team, generation: str = "") -> bytes:
    """Return a team as the store keeps it."""
    return records.pack(
        {"version": team.version, "managers": sorted(team.managers), "generation": generation}
    )


def pool_from(stored: str) -> Pool:
    """Read a pool out of a script's answer."""
    row = _mapping(stored)
    return Pool(
        row["version"],
        frozenset(Member(*each) for each in records.sequence(row["members"])),
        frozenset(Member(*each) for each in records.sequence(row["managers"])),
        frozenset(records.sequence(row["hidden"])),
    )


def rep_from(stored: str) -> Rep:
    """Read a rep out of a script's answer."""
    row = _mapping(stored)
    return Rep(row["version"], row["team"], frozenset(records.sequence(row["roles"])))


def team_from(stored: str) -> Team:
    """Read a team out of a script's answer."""
    row = _mapping(stored)
    return Team(row["version"], frozenset(records.sequence(row["managers"])))


def _mapping(stored: str) -> dict[str, Any]:
    return records.mapping(records.unpack(records.blob(stored)))
