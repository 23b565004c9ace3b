"""Custody in the store: read with what decisions rest on, changed one atomic step at a time."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gonghai_chassis.store import Script, records
from gonghai_chassis.store.failures import VersionsMoved
from gonghai_pool.alterations import unchanged
from gonghai_pool.freezing import Frozen
from gonghai_pool.ground import Ground, Situation, local_day
from gonghai_pool.store import keys
from gonghai_pool.store.custody_records import unpack_custody, unpack_entry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gonghai.pool.v1 import custody_pb2
    from gonghai_chassis.events import Rebuild, Step
    from gonghai_chassis.leases import Lease
    from gonghai_chassis.store import Partition, Reply, Store
    from gonghai_policy_service import PolicyBook
    from gonghai_policy_service.hidden_fields import Concealment
    from gonghai_pool.alterations import Alteration
    from gonghai_pool.custody import Custody, HistoryEntry
    from gonghai_pool.store.setups import SetupStore

CLAIM: Final = Script("gonghai_pool.store", "claim")
ASSIGN: Final = Script("gonghai_pool.store", "assign")
TRANSFER: Final = Script("gonghai_pool.store", "transfer")
RESERVE: Final = Script("gonghai_pool.store", "reserve")
RELEASE: Final = Script("gonghai_pool.store", "release")
EXTEND: Final = Script("gonghai_pool.store", "extend")
CANCEL_RESERVATION: Final = Script("gonghai_pool.store", "cancel_reservation")
WARN: Final = Script("gonghai_pool.store", "warn")
RECLAIM: Final = Script("gonghai_pool.store", "reclaim")
MOVE_ON: Final = Script("gonghai_pool.store", "move_on")
END_RESERVATION: Final = Script("gonghai_pool.store", "end_reservation")
RESCHEDULE: Final = Script("gonghai_pool.store", "reschedule")
_PROJECT: Final = Script("gonghai_pool.store", "project_archive")
_LOAD: Final = Script("gonghai_pool.store", "load_archive")
_RECALL: Final = Script("gonghai_pool.store", "recall")
_POSTPONE: Final = Script("gonghai_pool.store", "postpone")
_LIST_INDEX: Final = Script("gonghai_pool.store", "list_index")
_LIST_NAMES: Final = Script("gonghai_pool.store", "list_names")
_LIST_TENANTS: Final = Script("gonghai_pool.store", "list_tenants")
_LIST_HISTORY: Final = Script("gonghai_pool.store", "list_history")
_READ_FROZEN: Final = Script("gonghai_pool.store", "read_frozen")
_READ_QUOTA: Final = Script("gonghai_pool.store", "read_quota")


@dataclass(frozen=True, slots=True)
class Request:
    """What a call is remembered by: its request id and its fingerprint; both empty for none."""

    id: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Changed:
    """A custody after a change, and what makes other services' reads know of it.

    Attributes:
        message: the same as the contract has it, where it was made already.
        concealed: what is left out of the answer; None where nothing is.
    """

    custody: Custody
    token: str = ""
    message: custody_pb2.Custody | None = None
    concealed: Concealment | None = None


@dataclass(frozen=True, slots=True)
class LimitReached:
    """A limit that stands in the way.

    Attributes:
        limit: interval, day, week, total or holding.
        used: how much of it is used (a holding limit: thousandths).
        most: the limit.
        ends: when it frees by itself (instant); None when it does not.
    """

    limit: str
    used: int
    most: int
    ends: int | None


@dataclass(frozen=True, slots=True)
class Refused:
    """The step was not taken: these limits are reached (none where another thing is in the way).

    Attributes:
        frozen: events of the archive about the customer are in quarantine.
    """

    limits: tuple[LimitReached, ...]
    frozen: bool = False


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """How far a rep has used his limits."""

    holdings: int
    weight: int
    claimed: int
    last: int | None
    today: int
    week: int
    reached: tuple[LimitReached, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A member of an index and its score: where a page ended."""

    member: str
    score: int


class CustodyStore:
    """Reads situations and takes the steps that were decided on them."""

    def __init__(self, store: Store, setups: SetupStore, book: PolicyBook) -> None:
        """Take the store, and what reads set-up and policy."""
        self._store = store
        self._setups = setups
        self._book = book

    @property
    def store(self) -> Store:
        """The store underneath."""
        return self._store

    async def situation(
        self, tenant: str, customer: str, deadline: float | None = None
    ) -> Situation:
        """Read one customer with the ground that decisions on him rest on, at one moment."""
        return (await self.situations(tenant, [customer], deadline))[0]

    async def situations(
        self, tenant: str, customers: Sequence[str], deadline: float | None = None
    ) -> list[Situation]:
        """Read several customers of a tenant, all at one moment, in the order asked."""
        partition = self._store.partition(tenant)
        read = await self._store.read(
            partition,
            [
                keys.setup(partition, tenant),
                self._book.key(partition, tenant),
                *(keys.custody(partition, tenant, customer) for customer in customers),
            ],
            deadline=deadline,
        )
        ground = await self._ground(
            partition, tenant, read.values[0], read.values[1], read.now, deadline
        )
        return [
            Situation(
                ground, customer, unpack_custody(packed) if packed is not None else None,
                packed or b"",
            )
            for customer, packed in zip(customers, read.values[2:], strict=True)
        ]  # fmt: skip

    async def ground(self, tenant: str, deadline: float | None = None) -> Ground:
        """Read the ground alone."""
        partition = self._store.partition(tenant)
        read = await self._store.read(
            partition,
            [keys.setup(partition, tenant), self._book.key(partition, tenant)],
            deadline=deadline,
        )
        return await self._ground(
            partition, tenant, read.values[0], read.values[1], read.now, deadline
        )

    async def _ground(
        self,
        partition: Partition,
        tenant: str,
        mark: bytes | None,
        stamp: bytes | None,
        now: int,
        deadline: float | None,
    ) -> Ground:
        setup = await self._setups.of(partition, tenant, mark, deadline)
        policy = await self._book.ensure(tenant, stamp, deadline=deadline)
        today = local_day(policy.calendar, policy.calendar.local_day(now))
        return Ground(tenant, setup, policy, stamp or b"", now, today)

    async def claim(
        self,
        situation: Situation,
        alteration: Alteration | None,
        limits: Mapping[str, Any],
        *,
        request: Request,
        trial: bool = False,
        deadline: float | None = None,
    ) -> Changed | Refused:
        """Take a customer out of a pool, or learn which limits stand in the way as well.

        Args:
            situation: what was decided on.
            alteration: what is to become of it; None where it is refused already.
            limits: as `claim_limits.lua` counts them.
            request: what it is remembered by.
            trial: check everything and change nothing.
            deadline: when the caller gives up.

        Raises:
            VersionsMoved: decide again.
        """
        tenant = situation.ground.tenant
        partition = self._store.partition(tenant)
        reply = await self._store.run(
            CLAIM,
            partition,
            keys={
                "request": partition.request_key(tenant, request.id),
                "claims": keys.claims(partition, tenant),
                **keys.quarantines(partition),
                **self._keys(partition, tenant),
            },
            args={
                "fingerprint": request.fingerprint,
                "tenant": tenant,
                "ground": situation.ground.args(),
                "change": unchanged(situation) if alteration is None else alteration.args(),
                "limits": limits,
                "blocked": alteration is None or None,
                "trial": trial or None,
            },
            deadline=deadline,
        )
        return self._outcome(partition, reply, alteration)

    async def give(
        self,
        script: Script,
        alteration: Alteration,
        *,
        limit: int,
        request: Request,
        anew: bool | None = None,
        deadline: float | None = None,
    ) -> Changed | Refused:
        """Assign, transfer or reserve, where the holding limit (thousandths; 0: none) allows.

        A reservation is told by `anew` whether what the same request was answered with has ended.

        Raises:
            VersionsMoved: decide again.
        """
        further: dict[str, Any] = {"limit": limit or None}
        if anew is not None:
            further["anew"] = anew
        return await self._change(script, alteration, further, request, deadline)

    async def put_back(
        self,
        script: Script,
        alteration: Alteration,
        *,
        request: Request,
        deadline: float | None = None,
    ) -> Changed:
        """Take a step that no limit counts: release, give a reservation up, extend.

        Raises:
            VersionsMoved: decide again.
        """
        outcome = await self._change(script, alteration, {}, request, deadline)
        assert isinstance(outcome, Changed)  # noqa: S101 - these scripts count no limits
        return outcome

    async def _change(
        self,
        script: Script,
        alteration: Alteration,
        further: Mapping[str, Any],
        request: Request,
        deadline: float | None,
    ) -> Changed | Refused:
        ground = alteration.situation.ground
        partition = self._store.partition(ground.tenant)
        reply = await self._store.run(
            script,
            partition,
            keys={
                "request": partition.request_key(ground.tenant, request.id),
                **self._keys(partition, ground.tenant),
            },
            args={
                "fingerprint": request.fingerprint,
                "tenant": ground.tenant,
                "ground": ground.args(),
                "change": alteration.args(),
                **further,
            },
            deadline=deadline,
        )
        return self._outcome(partition, reply, alteration)

    async def recall(
        self, tenant: str, request: Request, deadline: float | None = None
    ) -> Changed | None:
        """Return what this very request was answered with before; None for a new one."""
        if not request.fingerprint:
            return None
        partition = self._store.partition(tenant)
        reply = await self._store.run(
            _RECALL,
            partition,
            keys={"request": partition.request_key(tenant, request.id)},
            args={"fingerprint": request.fingerprint},
            deadline=deadline,
        )
        if reply.status == "none":
            return None
        outcome = self._outcome(partition, reply, None)
        return outcome if isinstance(outcome, Changed) else None

    async def project(self, step: Step, alteration: Alteration) -> None:
        """Let an event of the archive take effect, and move the cursor over it.

        Raises:
            VersionsMoved: decide again.
            StaleStep: somebody else moved the cursor.
        """
        ground = alteration.situation.ground
        await step.turn()
        reply = await self._store.run(
            _PROJECT,
            step.partition,
            keys={**step.keys(), **self._keys(step.partition, ground.tenant)},
            args={
                **step.args(),
                "tenant": ground.tenant,
                "ground": ground.args(),
                "change": alteration.args(),
            },
        )
        _moved(reply)

    async def load(self, rebuild: Rebuild, alteration: Alteration) -> None:
        """Let an item of the archive's snapshot take effect; raises what `project` raises."""
        ground = alteration.situation.ground
        reply = await self._store.run(
            _LOAD,
            rebuild.partition,
            keys={**rebuild.keys(), **self._keys(rebuild.partition, ground.tenant)},
            args={
                **rebuild.args(),
                "tenant": ground.tenant,
                "ground": ground.args(),
                "change": alteration.args(),
            },
        )
        _moved(reply)

    async def sweep(
        self, script: Script, lease: Lease, ground: Ground, alterations: Sequence[Alteration]
    ) -> list[str]:
        """Take one step for several customers, each for itself: what came of each.

        It is `ok`, `moved` (decide again), `early`, or `frozen`: something about the customer is in
        quarantine, and he is looked at again later.

        Raises:
            VersionsMoved: the ground moved, nothing was done: decide again.
            LeaseLost: another replica sweeps this partition now.
        """
        if not alterations:
            return []
        partition = lease.partition
        items = []
        for alteration in alterations:
            before = alteration.situation.custody
            items.append({**alteration.args(), "at": _due(before)})
        reply = await self._store.run(
            script,
            partition,
            keys={
                **lease.keys(),
                "archive": partition.cursor_key(keys.ARCHIVE),
                **keys.quarantines(partition),
                **self._keys(partition, ground.tenant),
            },
            args={
                **lease.args(),
                "tenant": ground.tenant,
                "ground": ground.args(),
                "items": items,
            },
        )
        return records.sequence(_moved(reply).fields["verdicts"])

    async def postpone(self, lease: Lease, due_kind: str, member: str, at: int) -> None:
        """Look at a piece of due work again at `at` (instant): it fails, and others shall go on."""
        await self._store.run(
            _POSTPONE,
            lease.partition,
            keys={**lease.keys(), "due": lease.partition.due_key(due_kind)},
            args={**lease.args(), "member": member, "at": at},
        )

    async def frozen(self, tenant: str, custody: Custody, deadline: float | None = None) -> Frozen:
        """Read what quarantined events keep from being done with a customer."""
        partition = self._store.partition(tenant)
        reply = await self._store.run(
            _READ_FROZEN,
            partition,
            keys=keys.quarantines(partition),
            args={
                "tenant": tenant,
                "customer": custody.customer,
                "holder": custody.holder.key if custody.holder is not None else None,
            },
            deadline=deadline,
        )
        return Frozen(reply.fields["customer"], reply.fields["reclaim"])

    async def quota(
        self, tenant: str, limits: Mapping[str, Any], deadline: float | None = None
    ) -> QuotaUse:
        """Read how far a holder has used his limits, and which are reached."""
        partition = self._store.partition(tenant)
        reply = await self._store.run(
            _READ_QUOTA,
            partition,
            keys={
                "quotas": keys.index(partition, tenant)["quotas"],
                "claims": keys.claims(partition, tenant),
            },
            args={"limits": limits},
            deadline=deadline,
        )
        fields = reply.fields
        return QuotaUse(
            fields["holdings"],
            fields["weight"],
            fields["claimed"],
            fields.get("last"),
            fields["today"],
            fields["week"],
            _limits(fields),
        )

    async def listed(
        self,
        tenant: str,
        index: str,
        place: Place | None,
        limit: int,
        *,
        descending: bool = False,
        deadline: float | None = None,
    ) -> list[Place]:
        """List the members of an index (a key) after a place."""
        partition = self._store.partition(tenant)
        reply = await self._store.run(
            _LIST_INDEX,
            partition,
            keys={"index": index},
            args={
                "score": place.score if place is not None else None,
                "member": place.member if place is not None else None,
                "descending": descending,
                "limit": limit,
            },
            deadline=deadline,
        )
        members = records.sequence(reply.fields["members"])
        scores = records.sequence(reply.fields["scores"])
        return [Place(member, int(score)) for member, score in zip(members, scores, strict=True)]

    async def customers(
        self, tenant: str, after: str, limit: int, *, waiting: bool = False
    ) -> list[str]:
        """List customers by name, after one of them: all, or those that wait for a pool."""
        partition = self._store.partition(tenant)
        names = keys.index(partition, tenant)
        reply = await self._store.run(
            _LIST_NAMES,
            partition,
            keys={"index": names["waiting" if waiting else "customers"]},
            args={"after": after, "limit": limit},
        )
        return records.sequence(reply.fields["members"])

    async def tenants(self, partition: Partition) -> list[str]:
        """List the tenants that a partition has records of, by name."""
        reply = await self._store.run(
            _LIST_TENANTS, partition, keys={"tenants": keys.tenants(partition)}, args={}
        )
        return records.sequence(reply.fields["tenants"])

    async def history(
        self,
        tenant: str,
        customer: str,
        *,
        below: int | None,
        limit: int,
        deadline: float | None = None,
    ) -> tuple[list[HistoryEntry], int]:
        """Read entries, newest first, below a number; and where to go on below (0: no more)."""
        partition = self._store.partition(tenant)
        reply = await self._store.run(
            _LIST_HISTORY,
            partition,
            keys={"history": keys.history(partition, tenant, customer)},
            args={"below": below, "limit": limit},
            deadline=deadline,
        )
        entries = [
            unpack_entry(records.blob(one)) for one in records.sequence(reply.fields["entries"])
        ]
        return entries, reply.fields["next"]

    def _keys(self, partition: Partition, tenant: str) -> dict[str, str]:
        return {
            "setup": keys.setup(partition, tenant),
            "policy": self._book.key(partition, tenant),
            **keys.index(partition, tenant),
        }

    def _outcome(
        self, partition: Partition, reply: Reply, alteration: Alteration | None
    ) -> Changed | Refused:
        _moved(reply)
        fields = reply.fields
        if reply.status == "refused":
            return Refused(_limits(fields), bool(fields.get("frozen")))
        token = consistency_token(partition, fields) if "position" in fields else ""
        record = fields.get("record")
        if record is not None:
            return Changed(unpack_custody(records.blob(record)), token)
        assert alteration is not None  # noqa: S101 - without one the answer was remembered
        return Changed(alteration.after, token, alteration.message)


def consistency_token(partition: Partition, fields: Mapping[str, Any]) -> str:
    """Return what another service's read names to know of a change: partition, stream, place.

    Without the nonce of the entry at that place. A fail-over that lost the change gives its place
    to another one, which the nonce would tell; but who followed past a place knows its nonce no
    more, and of a change that was lost there is nothing to hear: what stands there instead is what
    the read should know of.
    """
    text = f"{partition.index}:{fields['incarnation']}:{fields['position']}"
    return base64.urlsafe_b64encode(text.encode()).decode()


def _moved(reply: Reply) -> Reply:
    if reply.status == "moved":
        raise VersionsMoved("What the decision rests on has changed.")
    return reply


def _due(custody: Custody | None) -> int | None:
    """When the time-driven change that is to be made fell due."""
    if custody is None:
        return None
    if custody.reservation is not None:
        return custody.reservation.expires
    if custody.onward is not None:
        return custody.onward.at
    return custody.plan.at if custody.plan is not None else None


def _limits(fields: Mapping[str, Any]) -> tuple[LimitReached, ...]:
    key = "reached" if "reached" in fields else "limits"
    return tuple(
        LimitReached(one["limit"], one["used"], one["most"], one.get("ends"))
        for one in records.sequence(fields.get(key))
    )
