"""The second level of a sponsor that leaves is given to others."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from gonghai_archive.commands.create import refuse_unless_moved
from gonghai_archive.commands.deciding import AT_ONCE, ATTEMPTS, Desk
from gonghai_archive.customers import Request
from gonghai_archive.lines import BELOW, below
from gonghai_archive.policies import PROBLEMS, sponsor_of
from gonghai_archive.store.customers import Selection
from gonghai_archive.store.successions import Conclusion
from gonghai_archive.succession import Succession, named
from gonghai_chassis.errors import (
    Contention,
    FieldViolation,
    InvalidRequest,
    NotFound,
    PreconditionFailed,
    PreconditionViolation,
    Reason,
    Refusal,
)
from gonghai_chassis.names import CustomerName
from gonghai_engine import DecisionFailure, Heirs, Policy

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from gonghai_archive.activities import Activity
    from gonghai_archive.customers import Actor, Customer
    from gonghai_archive.succession import Successor
    from gonghai_chassis.store import Reply
    from gonghai_engine import TenantPolicy

_ASKED_AT_ONCE: Final = 500
"""How many of those who may take over are read and asked in one go."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """A sponsor that leaves.

    Attributes:
        sponsor: whose second level is given away.
        heir: id of the customer that gets it; None: whom the rules say.
        actor: who asks for it.
        validate_only: check everything, and change nothing.
        deadline: in seconds of `time.monotonic`.
    """

    sponsor: CustomerName
    heir: str | None
    actor: Actor
    validate_only: bool = False
    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of one of the second level.

    Attributes:
        customer: its id.
        successor: who takes it over.
        refusal: why it could not be moved; None where it was.
    """

    customer: str
    successor: Successor
    refusal: Refusal | None = None


@dataclass(slots=True)
class _Heirs:
    """Who takes over: whoever is named, or whom the rules of each industry say."""

    desk: Desk
    leaving: Leaving
    _by_rule: dict[tuple[int, str], Succession] = field(default_factory=dict)

    async def of(self, policy: TenantPolicy, member: Customer, now: int) -> Successor:
        if self.leaving.heir is not None:
            return named(self.leaving.heir)
        industry = member.profile.industry
        known = (policy.revision, industry)
        succession = self._by_rule.get(known)
        if succession is None:
            succession = self._by_rule[known] = await self._ask(policy, industry, now)
        return succession.of(self.desk.assessor.facts_of(policy, member.profile, member.assessment))

    def refused(self, heir: str | None, problem: str) -> None:
        """Go on without an heir that cannot be a sponsor any more, unless it was named.

        Raises:
            InvalidRequest: it was.
        """
        if heir is None or self.leaving.heir is not None:
            raise no_heir(problem)
        for succession in self._by_rule.values():
            succession.drop(heir)

    async def _ask(self, policy: TenantPolicy, industry: str, now: int) -> Succession:
        resolved = policy.industry(industry).resolved.get(Policy.SUCCESSION)
        if resolved is None:
            raise InvalidRequest(
                FieldViolation(
                    "heir",
                    "must be named: the industry's plugin has no rules of who takes over",
                )
            )
        succession = Succession([rule.name for rule in resolved.compiled.all(0).rules])
        customers, assessor = self.desk.customers, self.desk.assessor
        tenant = self.leaving.sponsor.tenant
        async for ids in customers.each(
            tenant, _ASKED_AT_ONCE, within=(f"industry:{industry}",), without=(BELOW,)
        ):
            got = await customers.load(
                tenant, ids, activities=False, deadline=self.leaving.deadline
            )
            asked = [
                each
                for each in got.customers
                if each is not None and each.part is None and each.id != self.leaving.sponsor.id
            ]
            decided = await assessor.heirs(policy, asked, now)
            for customer, decision in zip(asked, decided, strict=True):
                if isinstance(decision, DecisionFailure):
                    # It may be the one: to pass over it would give its customers to another.
                    raise _undecided(customer, decision)
                assert isinstance(decision.outcome, Heirs)  # noqa: S101 - what the policy decides
                succession.add(customer.id, decision.outcome.ways)
        return succession


@dataclass(frozen=True, slots=True)
class ReparentCustomers:
    """Gives second levels to others."""

    desk: Desk

    async def __call__(
        self, leaving: Leaving
    ) -> AsyncGenerator[tuple[Sequence[Moved], Conclusion]]:
        """Move everybody below a sponsor, oldest record first, and say of each part what became.

        Each is moved in a step of its own, which checks that there are two levels, so that it may
        end anywhere and be begun again. Who comes below the sponsor meanwhile may be passed over.
        Where it breaks off in the middle of a part, what became of that part is said before.

        Args:
            leaving: the sponsor, and who gets them.

        Raises:
            NotFound: there is no such sponsor, or heir.
            InvalidRequest: the heir cannot be a sponsor, or is not named and there are no rules.
            PreconditionFailed: (POLICY_UNAVAILABLE) the rules could not say who takes over.
        """
        await self._check(leaving)
        so_far = Conclusion()
        customers, name = self.desk.customers, leaving.sponsor
        heirs = _Heirs(self.desk, leaving)
        selection = Selection(within=(below(name.id),), descending=False)
        place: tuple[int, str] | None = None
        while True:
            page = await customers.select(
                name.tenant,
                selection,
                place=place,
                limit=AT_ONCE,
                scan=AT_ONCE,
                deadline=leaving.deadline,
            )
            if page.ids:
                part, failure = await self._part(leaving, heirs, page.ids)
                so_far = _with(so_far, part)
                yield part, so_far
                if failure is not None:
                    raise failure
            place = page.place
            if place is None:
                break
        got = await customers.load(
            name.tenant, [name.id], activities=False, deadline=leaving.deadline
        )
        sponsor = got.customers[0]
        yield (), replace(so_far, remaining=sponsor.downline.members if sponsor else 0)

    async def _check(self, leaving: Leaving) -> None:
        name, heir = leaving.sponsor, leaving.heir
        asked = [name.id] if heir is None else [name.id, heir]
        got = await self.desk.customers.load(
            name.tenant, asked, activities=False, deadline=leaving.deadline
        )
        for ident, found in zip(asked, got.customers, strict=True):
            if found is None:
                raise NotFound(CustomerName(name.tenant, ident))
        if heir == name.id:
            raise InvalidRequest(FieldViolation("heir", "it is the sponsor that leaves"))
        chosen = got.customers[-1]
        if heir is not None and chosen is not None and chosen.part is not None:
            raise no_heir("sponsored")

    async def _part(
        self, leaving: Leaving, heirs: _Heirs, ids: Sequence[str]
    ) -> tuple[list[Moved], Exception | None]:
        """Move some, and return what became of them, and what kept this from its end.

        Who is not below the sponsor any more is left out.
        """
        found: dict[str, Moved] = {}
        left, failure = list(ids), None
        try:
            for _ in range(ATTEMPTS):
                left = await self._attempt(leaving, heirs, left, found)
                if not left:
                    break
            for ident in left:
                name = CustomerName(leaving.sponsor.tenant, ident)
                found[ident] = Moved(ident, named(leaving.sponsor.id), Contention(name))
        except Exception as error:  # noqa: BLE001 - raised once it is told who was moved before
            failure = error
        return [found[ident] for ident in ids if ident in found], failure

    async def _attempt(
        self, leaving: Leaving, heirs: _Heirs, ids: Sequence[str], found: dict[str, Moved]
    ) -> list[str]:
        """Move some, and return those that moved meanwhile by somebody else's doing.

        Raises whatever befell any of them, once it is known what became of all.
        """
        desk, name = self.desk, leaving.sponsor
        got = await desk.customers.load(name.tenant, ids, deadline=leaving.deadline)
        policy = await desk.policy(name.tenant, got.stamp, leaving.deadline)
        wanted: list[tuple[Customer, Customer, Sequence[Activity]]] = []
        successors: list[Successor] = []
        for before, activities in zip(got.customers, got.activities, strict=True):
            if before is None or not _stands_below(policy, before, name.id):
                continue
            successor = await heirs.of(policy, before, got.now)
            try:
                after = self._below(policy, before, successor.sponsor)
            except InvalidRequest as refusal:
                found[before.id] = Moved(before.id, successor, refusal)
                continue
            wanted.append((before, after, activities))
            successors.append(successor)
        changes = await desk.decide(
            policy, wanted, now=got.now, actor=leaving.actor, what="reparent"
        )
        # Submitted in order, and the store keeps the order of what is submitted.
        answers = await asyncio.gather(
            *(
                desk.customers.update(
                    change, Request(), dry=leaving.validate_only, deadline=leaving.deadline
                )
                for change in changes
            ),
            return_exceptions=True,
        )
        again: list[str] = []
        failures: list[BaseException] = []
        for change, successor, answer in zip(changes, successors, answers, strict=True):
            if isinstance(answer, BaseException):
                failures.append(answer)
                continue
            if answer[0].status == "ok":
                found[change.after.id] = Moved(change.after.id, successor)
                continue
            try:
                if _is_to_be_tried_again(answer[0], change.after.name, successor, heirs):
                    again.append(change.after.id)
            except Refusal as refusal:
                failures.append(refusal)
        if failures:
            raise failures[0]
        return again

    def _below(self, policy: TenantPolicy, before: Customer, sponsor: str | None) -> Customer:
        """Return a customer as it is below another sponsor, or none."""
        profile = before.profile
        upline = policy.industry(profile.industry).upline
        if upline is None:
            raise TypeError(f"{before.name} is below a sponsor in an industry without any")
        attributes = {name: value for name, value in profile.attributes.items() if name != upline}
        if sponsor is not None:
            attributes[upline] = sponsor
        checked = self.desk.assessor.attributes(policy, profile.industry, attributes)
        return replace(before, profile=profile._replace(attributes=checked))


def no_heir(problem: str) -> InvalidRequest:
    """Return the refusal of an heir that somebody named, by what the scripts say is in its way."""
    return InvalidRequest(FieldViolation("heir", PROBLEMS[problem]))


def _stands_below(policy: TenantPolicy, customer: Customer, sponsor: str) -> bool:
    """Say whether it is below a sponsor, by its record and by what others have of it.

    Raises:
        PreconditionFailed: (POLICY_UNAVAILABLE) its plugin is missing.
    """
    if customer.part is None or customer.part.sponsor != sponsor:
        return False
    resolved = policy.industry(customer.profile.industry)
    if resolved.missing:
        raise _unavailable(customer, resolved.plugin, resolved.failure)
    # Where a new policy reads another attribute, it is about to be moved by that.
    return sponsor_of(policy, customer) == sponsor


def _is_to_be_tried_again(
    reply: Reply, name: CustomerName, successor: Successor, heirs: _Heirs
) -> bool:
    """Say whether somebody else was faster; a customer that is gone is below nobody."""
    refuse_unless_moved(name, reply.status, reply.fields)
    if reply.status == "upline":
        heirs.refused(successor.sponsor, reply.fields["problem"])
    return reply.status != "missing"


def _undecided(customer: Customer, failure: DecisionFailure) -> PreconditionFailed:
    return _unavailable(customer, failure.plugin, failure.message)


def _unavailable(customer: Customer, plugin: str, why: str) -> PreconditionFailed:
    message = f"who takes over cannot be decided: {why}"
    return PreconditionFailed(
        Reason.POLICY_UNAVAILABLE,
        message,
        (PreconditionViolation(Reason.POLICY_UNAVAILABLE, str(customer.name), message),),
        metadata={"policy": str(Policy.SUCCESSION), "plugin": plugin},
    )


def _with(so_far: Conclusion, part: Sequence[Moved]) -> Conclusion:
    done = [each for each in part if each.refusal is None]
    return replace(
        so_far,
        moved=so_far.moved + len(done),
        orphaned=so_far.orphaned + sum(each.successor.sponsor is None for each in done),
        failed=so_far.failed + len(part) - len(done),
    )
