"""A policy document on trial: it decides beside the one in force, and for nobody else."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol
from uuid import uuid4

from gonghai.policy.v1 import policy_service_pb2
from gonghai_chassis.errors import FieldViolation, InvalidRequest, Reason, Refusal
from gonghai_chassis.names import TenantName
from gonghai_engine.candidates import Candidate, UnknownCandidate
from gonghai_engine.pages import page
from gonghai_engine.tenants import TRIED
from gonghai_policy_service.commands.apply_policy import read_document
from gonghai_policy_service.undecided import Undecided

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import AsyncGenerator, Sequence

    from gonghai_engine import (
        Decision,
        DecisionFailure,
        DecisionRequest,
        Engine,
        Explanation,
        PolicyDocument,
        TenantPolicy,
    )
    from gonghai_engine.pages import Page

    Answers = list[Decision | DecisionFailure]


_AT_A_TIME: Final = 128


@dataclass(frozen=True, slots=True)
class Trial:
    """Decides for a tenant by the document on trial; as a `Decider` it stands for the engine.

    Attributes:
        owner: the tenant whose trial it is.
        policy: the document, resolved; its `tenant` is a name of the trial's own, by which the
            engine knows it, so that nobody else is decided on by it.
        undecided: on whom it could not decide so far.
    """

    owner: str
    policy: TenantPolicy
    _engine: Engine
    undecided: Undecided = field(default_factory=Undecided)

    def tenant(self, tenant: str) -> TenantPolicy:  # noqa: ARG002 - there is one
        """Return the document, resolved."""
        return self.policy

    async def decide(self, requests: Sequence[DecisionRequest]) -> list[Decision | DecisionFailure]:
        """Answer in the order of the requests; never raises for a bad one."""
        answers = await self._engine.decide(self._own(requests))
        self.undecided.note(answers)
        return answers

    async def page(self, requests: Sequence[DecisionRequest]) -> Page:
        """Answer the same together."""
        answers = await page(self._engine, self._own(requests))
        self.undecided.note(answers.failures())
        return answers

    async def explain(self, request: DecisionRequest) -> Explanation | DecisionFailure:
        """Answer one with the truth of each condition."""
        return await self._engine.explain(replace(request, tenant=self.policy.tenant))

    def _own(self, requests: Sequence[DecisionRequest]) -> list[DecisionRequest]:
        alias = self.policy.tenant
        return [replace(each, tenant=alias) for each in requests]


class Paged:
    """Stands for the engine where many are asked of at once: what it is asked goes in columns."""

    def __init__(self, side: Trial) -> None:
        """Ask one side of a comparison."""
        self._side = side

    def tenant(self, tenant: str) -> TenantPolicy:
        """Return a tenant's policy, as that side has it."""
        return self._side.tenant(tenant)

    async def decide(self, requests: Sequence[DecisionRequest]) -> list[Decision | DecisionFailure]:
        """Answer in the order of the requests."""
        answers = await self._side.page(requests)
        made: Answers = []
        for place in range(len(answers)):
            if place % _AT_A_TIME == _AT_A_TIME - 1:
                await asyncio.sleep(0)  # many decisions must not keep everybody else waiting
            made.append(answers.answer(place))
        return made

    async def explain(self, request: DecisionRequest) -> Explanation | DecisionFailure:
        """Answer one with the truth of each condition."""
        return await self._side.explain(request)


class Gathered(Paged):
    """The same for callers that each ask for one thing and wait side by side."""

    def __init__(self, side: Trial) -> None:
        """Ask one side of a comparison."""
        super().__init__(side)
        self._waiting: list[tuple[Sequence[DecisionRequest], Future[Answers]]] = []

    async def decide(self, requests: Sequence[DecisionRequest]) -> list[Decision | DecisionFailure]:
        """Answer together with what all others ask before the event loop turns."""
        mine: Future[Answers] = asyncio.get_running_loop().create_future()
        self._waiting.append((requests, mine))
        if len(self._waiting) == 1:
            await self._answer_all()
        return await mine

    async def _answer_all(self) -> None:
        waiting = self._waiting
        try:
            await asyncio.sleep(0)  # until all who wait side by side have asked
            self._waiting = []
            asked = [each for requests, _ in waiting for each in requests]
            answers = iter(await super().decide(asked))
        except BaseException:
            if self._waiting is waiting:
                self._waiting = []
            for _, theirs in waiting:
                theirs.cancel()
            raise
        for requests, theirs in waiting:
            found = [next(answers) for _ in requests]
            if not theirs.cancelled():
                theirs.set_result(found)


class Population(Protocol):
    """The customers of a service, on whom a document is tried as they are now."""

    def __call__(
        self, present: Trial, trial: Trial, language: str
    ) -> AsyncGenerator[policy_service_pb2.SimulateResponse, None]:
        """Yield what would be decided otherwise, and now and then how far it is.

        Args:
            present: the tenant's policy in force, held for as long as this takes.
            trial: the document.
            language: of reasons.
        """


def last_message(total: int, trial: Trial, present: Trial) -> policy_service_pb2.SimulateResponse:
    """Return what ends a simulation: on whom it could not be decided."""
    return policy_service_pb2.SimulateResponse(
        evaluated=total,
        total=total,
        undecided=trial.undecided.messages(trial.owner),
        undecided_before=present.undecided.messages(trial.owner),
    )


def check_unchanged(engine: Engine, present: TenantPolicy) -> None:
    """See that the policy is in force which was when a simulation began.

    Raises:
        Refusal: (CONTENTION) it is not: what is stored was decided by another by now, so neither
            side of a comparison, nor the start of a forecast, is what it was.
    """
    if engine.tenant(present.tenant).revision != present.revision:
        message = "another revision of the policy came into force while this was simulated"
        metadata = {"resource": str(TenantName(present.tenant))}
        raise Refusal(Reason.CONTENTION, f"{message}: ask again", metadata=metadata)


def check_same(present: TenantPolicy, document: str, revision: int) -> None:
    """See that a peer that names no document means the one that is in force here.

    Raises:
        Refusal: (CONTENTION) it has another revision.
    """
    if not document and revision != present.revision:
        message = f"revision {present.revision} is in force here, and {revision} where you ask from"
        metadata = {"resource": str(TenantName(present.tenant))}
        raise Refusal(Reason.CONTENTION, f"{message}: ask again", metadata=metadata)


@asynccontextmanager
async def on_trial(
    engine: Engine,
    present: TenantPolicy,
    text: str,
    revision: int | None = None,
    candidates: Sequence[str] = (),
) -> AsyncGenerator[Trial, None]:
    """Put a document on trial for as long as the context lasts.

    With candidates it is as after an upgrade: the document is applied anew, and they decide by it.

    Args:
        engine: what decides.
        present: the tenant's policy in force, which does not change meanwhile.
        text: the document as YAML; "" tries the one in force.
        revision: which one it would be; None: the one after the present, if it is another document.
        candidates: versions of plugins, `PLUGIN==VERSION`, in place of those that are installed.

    Raises:
        InvalidRequest: the document has faults, each named with its line and field; a candidate is
            not here, or decides nothing by the document.
    """
    if not candidates:
        async with _on_trial(engine, present, text, revision) as trial:
            yield trial
        return
    try:
        tried = engine.with_candidates([Candidate.parse(each) for each in candidates])
    except UnknownCandidate as error:
        raise InvalidRequest(FieldViolation("candidates", str(error))) from None
    try:
        applied = text or present.document.text
        async with _on_trial(tried, present, applied, revision) as trial:
            _check_decides(trial.policy, candidates)
            yield trial
    finally:
        await tried.stop()


@asynccontextmanager
async def _on_trial(
    engine: Engine, present: TenantPolicy, text: str, revision: int | None
) -> AsyncGenerator[Trial, None]:
    document: PolicyDocument = present.document
    number = present.revision if revision is None else revision
    if text:
        document = await read_document(engine, text)
        number = present.revision + 1 if revision is None else revision
    alias = f"{present.tenant}{TRIED}{uuid4().hex}"
    await engine.put_in_force(alias, number, document, trial=True)
    try:
        yield Trial(present.tenant, engine.tenant(alias), engine)
    finally:
        engine.forget(alias)


def _check_decides(policy: TenantPolicy, candidates: Sequence[str]) -> None:
    """Else an operator who mistakes the tenant, or the plugin, hears that nothing would differ."""
    deciding = {
        resolved.owner.plugin.name
        for industry in policy.industries
        for resolved in industry.resolved.values()
    }
    for each in candidates:
        if Candidate.parse(each).plugin not in deciding:
            message = f"{each}: the document has nothing decided by that plugin"
            raise InvalidRequest(FieldViolation("candidates", message))
