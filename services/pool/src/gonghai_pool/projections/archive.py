"""The archive's events: customers' facts, activities, and policy revisions, each effective once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gonghai.archive.v1 import events_pb2
from gonghai_chassis.events import Rebuild
from gonghai_chassis.instants import instant_of
from gonghai_chassis.store.failures import VersionsMoved
from gonghai_plugin import Text
from gonghai_policy_service.reasons import told_reason
from gonghai_policy_service.values import from_values
from gonghai_pool.activities import taken_in, with_activity, without_activity
from gonghai_pool.alterations import Alteration, altered
from gonghai_pool.custody import Activity, Change, Custody, Facts, Holder, OutCause, State, Way
from gonghai_pool.entering import admission, settled_in
from gonghai_pool.ground import ARCHIVE
from gonghai_pool.policies import (
    claim_question,
    held_questions,
    judged,
    keep,
    kind_of,
    qualification_question,
)
from gonghai_pool.reconsidering import goes_on, placed, rescheduled
from gonghai_pool.transitions import admitted, held, withdrawn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gonghai_chassis.events import Event, SnapshotItem, Step
    from gonghai_chassis.store import Partition
    from gonghai_policy_service import PolicyBook
    from gonghai_pool.ground import Situation
    from gonghai_pool.policies import Policies
    from gonghai_pool.store.custodies import CustodyStore

SOURCE: Final = "archive"
CUSTOMER: Final = "customer_changed"
ACTIVITY: Final = "activity_recorded"
POLICY: Final = "policy_applied"

_MERGED: Final = Text("merged into another customer", "已并入其他客户")
_DELETED: Final = Text("deleted", "已删除")
_ATTEMPTS: Final = 50
"""Tries against callers who change the same customer; the event waits for the next round then."""


class ArchiveProjection:
    """Lets the archive's events take effect on custody, together with the move of the cursor."""

    kinds = frozenset({CUSTOMER, ACTIVITY, POLICY})
    side_by_side = frozenset({CUSTOMER, ACTIVITY})

    def __init__(
        self,
        custodies: CustodyStore,
        policies: Policies,
        book: PolicyBook,
        on_checkpoint: Callable[[], None],
    ) -> None:
        """Take what it reads and asks, and whom to tell that the watermark has moved."""
        self._custodies = custodies
        self._policies = policies
        self._book = book
        self._on_checkpoint = on_checkpoint

    async def apply(self, step: Step, event: Event) -> bool:
        """Take in one event; False when it changes nothing here."""
        if event.kind == POLICY:
            return await self._book.follow(step, event)
        return await self._take_in(
            event.kind,
            event.tenant,
            event.payload,
            event.time,
            lambda alteration: self._custodies.project(step, alteration),
        )

    async def load(self, partition: Partition, generation: str, item: SnapshotItem) -> None:
        """Take in an item of a snapshot, whatever is known."""
        rebuild = Rebuild(partition, SOURCE, generation)
        if item.kind == POLICY:
            await self._book.load(rebuild, item)
            return
        await self._take_in(
            item.kind,
            item.tenant,
            item.payload,
            None,
            lambda alteration: self._custodies.load(rebuild, alteration),
        )

    async def finish_rebuild(self, partition: Partition, generation: str) -> None:
        """Keep everything: a customer who was deleted is in the snapshot, saying so.

        One that the archive does not know (it lost the tail of its store) keeps his custody, and an
        activity that it does not know keeps its effect: to take a holding away because a record is
        missing would be the unsafe side.
        """

    async def checkpoint(self, partition: Partition, changes_through: int) -> None:  # noqa: ARG002
        """The watermark moved: reclaims that waited for it go on."""
        self._on_checkpoint()

    async def _take_in(
        self,
        kind: str,
        tenant: str,
        payload: bytes,
        time: int | None,
        run: Callable[[Alteration], Awaitable[None]],
    ) -> bool:
        for _ in range(_ATTEMPTS):
            if kind == CUSTOMER:
                alteration = await self._customer(tenant, payload, time)
            elif kind == ACTIVITY:
                alteration = await self._activity(tenant, payload)
            else:
                return False
            if alteration is None:
                return False
            try:
                await run(alteration)
            except VersionsMoved:
                continue
            return True
        raise VersionsMoved(f"{kind} of {tenant}: the customer is changed all the time.")

    async def _customer(self, tenant: str, payload: bytes, time: int | None) -> Alteration | None:
        message = events_pb2.CustomerFacts.FromString(payload)
        customer = _id(message.customer)
        situation = await self._custodies.situation(tenant, customer)
        custody = situation.custody
        known = custody.facts if custody is not None else None
        at = situation.ground.now if time is None else time
        facts = facts_of(message, at)
        if known is not None and not _news(known, facts, from_snapshot=time is None):
            return None
        if message.deleted or message.merged_into:
            after = _gone(situation, facts, merged=bool(message.merged_into))
        elif custody is None or known is None or _comes_back(custody):
            owner = _id(message.initial_owner) if known is None else ""
            after = await self._new(situation, facts, owner)
        elif custody.state is State.HELD:
            fresh = replace(custody, facts=facts)
            return await self._with_fresh_clocks(situation, fresh)
        else:
            return await self._unheld(situation, replace(custody, facts=facts), known)
        return altered(situation, after, ARCHIVE)

    async def _with_fresh_clocks(self, situation: Situation, fresh: Custody) -> Alteration:
        ground = situation.ground
        reclaim, claim = await self._policies.decide(held_questions(ground, fresh))
        return rescheduled(situation, keep(ground, fresh, reclaim, claim), ARCHIVE)

    async def _new(self, situation: Situation, facts: Facts, owner: str) -> Custody:
        ground, customer = situation.ground, situation.customer
        if not owner:
            pool = admission(ground.setup, facts)
            after = admitted(situation.custody, customer, facts, pool, ground.now)
            (claim,) = await self._policies.decide([claim_question(ground, after, "")])
            return settled_in(ground, after, claim)
        # He asked for a place before the customer was made, and the archive was told yes: it is
        # honoured even where that reservation has ended meanwhile.
        blank = situation.custody or Custody(customer, 0, State.OUT, ground.now, Change.ADMITTED)
        after = held(
            replace(blank, facts=facts, self_sourced=True),
            Holder.rep(owner),
            ground.now,
            Change.SELF_SOURCED,
        )
        reclaim, claim = await self._policies.decide(held_questions(ground, after))
        return keep(ground, after, reclaim, claim)

    async def _unheld(self, situation: Situation, custody: Custody, before: Facts) -> Alteration:
        facts = custody.facts
        chosen = facts.admission_pool if facts is not None else ""
        if chosen and chosen != before.admission_pool and (_pooled(custody) or custody.offered):
            custody = replace(custody, way=Way.CHOSEN_ANEW)
        after = await placed(self._policies, situation.ground, custody)
        return goes_on(situation, after, ARCHIVE)

    async def _activity(self, tenant: str, payload: bytes) -> Alteration | None:
        message = events_pb2.ActivityFacts.FromString(payload)
        situation = await self._custodies.situation(tenant, _id(message.customer))
        custody, ground = situation.custody, situation.ground
        if custody is None or custody.state is not State.HELD:
            return None
        activity = activity_of(message)
        # What was corrected never was, whatever time the correction gives it; and also where the
        # correction is known: the one that it corrects may have been told of again.
        fresh = without_activity(custody, activity.corrects) if activity.corrects else custody
        if activity.at >= custody.since and not taken_in(fresh, activity.id):
            (verdict,) = await self._policies.decide(
                [qualification_question(ground, fresh, activity)]
            )
            fresh = with_activity(fresh, judged(activity, verdict, ground.policy.revision))
        if fresh is custody:
            return None
        return await self._with_fresh_clocks(situation, fresh)


def _pooled(custody: Custody) -> bool:
    return custody.state is State.IN_POOL


def activity_of(message: events_pb2.ActivityFacts) -> Activity:
    """Return what pool keeps of an activity, before it is judged."""
    qualities = from_values(message.qualities)
    return Activity(
        id=_id(message.activity),
        kind=kind_of(message.kind, qualities),
        at=instant_of(message.occur_time),
        rep=_id(message.rep),
        qualities=qualities,
        corrects=_id(message.corrects),
    )


def _gone(situation: Situation, facts: Facts, *, merged: bool) -> Custody:
    custody, at = situation.custody, situation.ground.now
    cause = OutCause.MERGED if merged else OutCause.DELETED
    reason = _MERGED if merged else _DELETED
    if custody is None:
        custody = Custody(situation.customer, 0, State.OUT, at, Change.WITHDRAWN)
    elif custody.state is State.OUT and not custody.waiting:
        return replace(custody, facts=facts)
    return replace(withdrawn(custody, at, cause, reason), facts=facts)


def _news(known: Facts, facts: Facts, *, from_snapshot: bool) -> bool:
    """Whether facts say something else than those that are known, and are to be believed.

    A snapshot is, also of an older version: the archive may have lost the tail of its store. An
    event is if it is newer, or of another customer who was made under the same name after that.
    """
    if from_snapshot:
        return replace(facts, at=known.at) != known
    return facts.version > known.version or facts.created != known.created


def _comes_back(custody: Custody) -> bool:
    """Whether it is out of circulation, so that what is not deleted (any more) is let in again."""
    return custody.state is State.OUT and not custody.waiting


def facts_of(message: events_pb2.CustomerFacts, at: int) -> Facts:
    """Return what pool keeps of what the archive says of a customer."""
    return Facts(
        version=message.version,
        at=at,
        industry=message.industry,
        region=message.region,
        tier=message.tier,
        tier_rank=message.tier_rank,
        stage=message.stage,
        values=from_values(message.facts),
        group=message.group,
        revision=message.policy_revision,
        admission_pool=_id(message.admission_pool),
        admission_rule=message.admission_rule,
        admission_reason=told_reason(message.admission_reason, message.admission_reason_zh),
        admission_then=_id(message.admission_then),
        admission_after_days=message.admission_after_days,
        created=instant_of(message.create_time),
    )


def _id(name: str) -> str:
    """The id in a resource name, or a bare id as it is."""
    return name.rpartition("/")[2]
