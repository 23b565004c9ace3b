"""A policy document on trial: it decides beside the one in force, and for nobody else."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from gonghai_policy_service.commands.apply_policy import read_document

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from gonghai.policy.v1 import policy_service_pb2
    from gonghai_engine import (
        Decision,
        DecisionFailure,
        DecisionRequest,
        Engine,
        Explanation,
        PolicyDocument,
        TenantPolicy,
    )


@dataclass(frozen=True, slots=True)
class Trial:
    """Decides for a tenant by the document on trial; as a `Decider` it stands for the engine.

    Attributes:
        owner: the tenant whose trial it is.
        policy: the document, resolved; its `tenant` is a name of the trial's own, by which the
            engine knows it, so that nobody else is decided on by it.
    """

    owner: str
    policy: TenantPolicy
    _engine: Engine

    def tenant(self, tenant: str) -> TenantPolicy:  # noqa: ARG002 - there is one
        """Return the document, resolved."""
        return self.policy

    async def decide(self, requests: Sequence[DecisionRequest]) -> list[Decision | DecisionFailure]:
        """Answer in the order of the requests; never raises for a bad one."""
        alias = self.policy.tenant
        return await self._engine.decide([replace(each, tenant=alias) for each in requests])

    async def explain(self, request: DecisionRequest) -> Explanation | DecisionFailure:
        """Answer one with the truth of each condition."""
        return await self._engine.explain(replace(request, tenant=self.policy.tenant))


class Population(Protocol):
    """The customers of a service, on whom a document is tried as they are now."""

    def __call__(
        self, present: TenantPolicy, trial: Trial, language: str
    ) -> AsyncGenerator[policy_service_pb2.SimulateResponse, None]:
        """Yield what would be decided otherwise, and now and then how far it is.

        Args:
            present: the tenant's policy in force.
            trial: the document.
            language: of reasons.
        """


@asynccontextmanager
async def on_trial(
    engine: Engine, present: TenantPolicy, text: str, revision: int | None = None
) -> AsyncGenerator[Trial, None]:
    """Put a document on trial for as long as the context lasts.

    Args:
        engine: what decides.
        present: the tenant's policy in force, which does not change meanwhile.
        text: the document as YAML; "" tries the one in force.
        revision: which one it would be; None: the one after the present, if it is another document.

    Raises:
        InvalidRequest: the document has faults, each named with its line and field.
    """
    document: PolicyDocument = present.document
    number = present.revision if revision is None else revision
    if text:
        document = await read_document(engine, text)
        number = present.revision + 1 if revision is None else revision
    # No tenant has such a name.
    alias = f"{present.tenant}/trial-{uuid4().hex}"
    await engine.put_in_force(alias, number, document, trial=True)
    try:
        yield Trial(present.tenant, engine.tenant(alias), engine)
    finally:
        engine.forget(alias)
