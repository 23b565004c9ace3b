"""Revisions and policies as messages."""

from __future__ import annotations

from gonghai.policy.v1 import policy_service_pb2
from gonghai.type.v1 import decision_pb2
from gonghai_chassis.instants import instant_of, timestamp
from gonghai_chassis.names import TenantName
from gonghai_policy_service.revisions import Revision


def revision_message(revision: Revision) -> policy_service_pb2.PolicyRevision:
    """Return a revision as a message."""
    return policy_service_pb2.PolicyRevision(
        name=f"{TenantName(revision.tenant)}/policyRevisions/{revision.number}",
        revision=revision.number,
        document=revision.document,
        digest=revision.digest,
        actor=decision_pb2.Actor(principal=revision.actor, on_behalf_of=revision.on_behalf_of),
        apply_time=timestamp(revision.at),
        comment=revision.comment,
    )


def revision_of(message: policy_service_pb2.PolicyRevision) -> Revision:
    """Return the revision that a message tells of."""
    _, tenant, _ = message.name.split("/", 2)
    return Revision(
        tenant=tenant,
        number=message.revision,
        document=message.document,
        digest=message.digest,
        actor=message.actor.principal,
        on_behalf_of=message.actor.on_behalf_of,
        at=instant_of(message.apply_time),
        comment=message.comment,
    )
