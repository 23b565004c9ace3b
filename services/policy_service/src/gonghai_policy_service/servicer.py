"""PolicyService, as archive, pool and assignment serve it: messages in, messages out."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from gonghai.policy.v1 import policy_service_pb2
from gonghai.policy.v1.policy_service_pb2_grpc import (
    PolicyServiceServicer,
    add_PolicyServiceServicer_to_server,
)
from gonghai_chassis.context import current
from gonghai_chassis.errors import (
    FieldViolation,
    InvalidRequest,
    NotFound,
    PreconditionFailed,
    PreconditionViolation,
    Reason,
    Refusal,
)
from gonghai_chassis.names import TenantName
from gonghai_chassis.page_tokens import page_place, page_size, page_token
from gonghai_engine import DecisionFailure, DecisionRequest, FailureCause
from gonghai_engine.document import DEFAULT
from gonghai_policy_service.catalogue import Catalogue
from gonghai_policy_service.commands.apply_policy import ApplyPolicy
from gonghai_policy_service.decisions import condition_messages, decision_message
from gonghai_policy_service.messages import revision_message
from gonghai_policy_service.policy_changes import compared
from gonghai_policy_service.policy_names import PolicyName
from gonghai_policy_service.trials import check_unchanged, on_trial
from gonghai_policy_service.turns import Turns
from gonghai_policy_service.values import from_values

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from gonghai_chassis.assembly import Assembly
    from gonghai_engine import Engine
    from gonghai_policy_service.book import PolicyBook
    from gonghai_policy_service.revisions import Revision
    from gonghai_policy_service.trials import Population

_LARGEST_PAGE = 200


class PolicyServicer(PolicyServiceServicer):
    """Shows, tries and (on archive) changes the policies of tenants."""

    def __init__(
        self,
        engine: Engine,
        book: PolicyBook,
        population: Population,
        *,
        publishes: bool = False,
        turns: Turns | None = None,
    ) -> None:
        """Serve the policies of an engine.

        Args:
            engine: what decides.
            book: the tenants' documents.
            population: on whom a document is tried.
            publishes: whether this is archive, which owns them.
            turns: who may simulate when.
        """
        self._engine = engine
        self._book = book
        self._population = population
        self._catalogue = Catalogue(engine)
        self._apply = ApplyPolicy(engine, book) if publishes else None
        self._turns = turns or Turns()

    async def ListPolicies(  # noqa: N802 - the contract's name
        self,
        request: policy_service_pb2.ListPoliciesRequest,
        context: object,
    ) -> policy_service_pb2.ListPoliciesResponse:
        """List the policies in force."""
        del context
        tenant = TenantName.parse(request.parent, "parent").tenant
        policy = await self._book.tenant(tenant, deadline=current().deadline)
        names = self._catalogue.names(policy)
        start = (page_place(request, int) or [0])[0]
        end = start + page_size(request, most=_LARGEST_PAGE)
        return policy_service_pb2.ListPoliciesResponse(
            policies=[self._catalogue.summary(policy, name) for name in names[start:end]],
            next_page_token=page_token(request, [end]) if end < len(names) else "",
        )

    async def GetPolicy(  # noqa: N802
        self, request: policy_service_pb2.GetPolicyRequest, context: object
    ) -> policy_service_pb2.Policy:
        """Get a policy with its rules."""
        del context
        name = PolicyName.parse(request.name)
        call = current()
        policy = await self._book.tenant(name.tenant, deadline=call.deadline)
        return self._catalogue.full(policy, name, call.language)

    async def Evaluate(  # noqa: N802
        self, request: policy_service_pb2.EvaluateRequest, context: object
    ) -> policy_service_pb2.EvaluateResponse:
        """Decide on given facts."""
        del context
        name = PolicyName.parse(request.name)
        call = current()
        policy = await self._book.tenant(name.tenant, deadline=call.deadline)
        kind = self._catalogue.decided(policy, name)
        _, now = await self._book.current(name.tenant, deadline=call.deadline)
        explained = await self._engine.explain(
            DecisionRequest(
                tenant=name.tenant,
                industry="" if name.industry == DEFAULT else name.industry,
                policy=kind,
                facts=from_values(request.facts),
                now=now,
            )
        )
        if isinstance(explained, DecisionFailure):
            raise _refusal(explained, name)
        return policy_service_pb2.EvaluateResponse(
            decision=decision_message(explained.decision, call.language),
            conditions=condition_messages(explained),
        )

    async def Simulate(  # noqa: N802
        self, request: policy_service_pb2.SimulateRequest, context: object
    ) -> AsyncIterator[policy_service_pb2.SimulateResponse]:
        """Say what a document, or another version of a plugin, would decide otherwise."""
        del context
        if not (request.document or request.candidates):
            message = "say which document to try, or which candidates"
            raise InvalidRequest(FieldViolation("document", message))
        tenant = TenantName.parse(request.parent, "parent").tenant
        found = self._turns.run(tenant, self._simulated(tenant, request))
        async with aclosing(found) as responses:
            async for response in responses:
                yield response

    async def _simulated(
        self, tenant: str, request: policy_service_pb2.SimulateRequest
    ) -> AsyncGenerator[policy_service_pb2.SimulateResponse, None]:
        call = current()
        present = await self._book.tenant(tenant, deadline=call.deadline)
        async with (
            on_trial(self._engine, present, "") as before,
            on_trial(
                self._engine, present, request.document, candidates=request.candidates
            ) as trial,
        ):
            found = self._population(before, trial, call.language)
            async with aclosing(found) as responses:
                async for response in responses:
                    if not response.customer:
                        await self._book.tenant(tenant)
                    check_unchanged(self._engine, present)
                    yield response

    async def GetPluginHealth(  # noqa: N802
        self, request: policy_service_pb2.GetPluginHealthRequest, context: object
    ) -> policy_service_pb2.GetPluginHealthResponse:
        """Say which plugins serve."""
        del request, context
        return policy_service_pb2.GetPluginHealthResponse(plugins=self._catalogue.health())

    async def ApplyPolicy(  # noqa: N802
        self, request: policy_service_pb2.ApplyPolicyRequest, context: object
    ) -> policy_service_pb2.PolicyRevision:
        """Make a document the next revision."""
        del context
        call = current()
        if self._apply is None:
            raise _archive_only("ApplyPolicy")
        revision = await self._apply(
            TenantName.parse(request.parent, "parent").tenant,
            request.document,
            comment=request.comment,
            base_revision=request.base_revision,
            validate_only=request.validate_only,
            actor=call.principal,
            request=(request.request_id, call.fingerprint(request)),
            deadline=call.deadline,
        )
        return revision_message(revision)

    async def ListRevisions(  # noqa: N802
        self, request: policy_service_pb2.ListRevisionsRequest, context: object
    ) -> policy_service_pb2.ListRevisionsResponse:
        """List a tenant's revisions."""
        del context
        if self._apply is None:
            raise _archive_only("ListRevisions")
        tenant = TenantName.parse(request.parent, "parent").tenant
        place = page_place(request, int)
        revisions, more = await self._book.revisions(
            tenant,
            below=None if place is None else place[0],
            limit=page_size(request, most=_LARGEST_PAGE),
            deadline=current().deadline,
        )
        return policy_service_pb2.ListRevisionsResponse(
            revisions=[revision_message(revision) for revision in revisions],
            next_page_token=page_token(request, [revisions[-1].number]) if more else "",
        )

    async def GetPolicyRevision(  # noqa: N802
        self, request: policy_service_pb2.GetPolicyRevisionRequest, context: object
    ) -> policy_service_pb2.PolicyRevision:
        """Get one revision."""
        del context
        if self._apply is None:
            raise _archive_only("GetPolicyRevision")
        parent, _, number = request.name.rpartition("/policyRevisions/")
        tenant = TenantName.parse(parent, "name").tenant
        return revision_message(await self._revision(tenant, int(number)))

    async def ComparePolicy(  # noqa: N802
        self, request: policy_service_pb2.ComparePolicyRequest, context: object
    ) -> policy_service_pb2.ComparePolicyResponse:
        """Say what a document or a revision changes."""
        del context
        if self._apply is None:
            raise _archive_only("ComparePolicy")
        tenant = TenantName.parse(request.parent, "parent").tenant
        present = await self._book.tenant(tenant, deadline=current().deadline)
        base, target = request.base_revision or present.revision, request.document
        before = "" if base == present.revision else (await self._revision(tenant, base)).document
        if not target:
            target = (await self._revision(tenant, request.revision)).document
        async with (
            on_trial(self._engine, present, before, base) as old,
            on_trial(self._engine, present, target) as new,
        ):
            return compared(self._catalogue, old.policy, new.policy)

    async def _revision(self, tenant: str, number: int) -> Revision:
        found = await self._book.revision(tenant, number, deadline=current().deadline)
        if found is None:
            raise NotFound(f"{TenantName(tenant)}/policyRevisions/{number}")
        return found


def add_policy_service(assembly: Assembly[Any], servicer: PolicyServicer) -> None:
    """Serve it beside the service's own."""
    assembly.serve(add_PolicyServiceServicer_to_server, servicer)


def _archive_only(method: str) -> Refusal:
    return Refusal(
        Reason.NOT_IMPLEMENTED,
        f"{method} is served by the archive service alone, which owns the policies: ask there",
        metadata={"method": method},
    )


def _refusal(failure: DecisionFailure, name: PolicyName) -> Refusal:
    if failure.cause is FailureCause.BAD_FACTS:
        return InvalidRequest(FieldViolation("facts", failure.message))
    message = f"the policy cannot decide: {failure.message}"
    return PreconditionFailed(
        Reason.POLICY_UNAVAILABLE,
        message,
        (PreconditionViolation(Reason.POLICY_UNAVAILABLE, str(name), message),),
        metadata={"policy": str(failure.policy), "plugin": failure.plugin},
    )
