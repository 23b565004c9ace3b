"""A document becomes a tenant's next revision, whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from gonghai_chassis.errors import (
    Contention,
    EtagMismatch,
    FieldViolation,
    InvalidRequest,
    Reason,
)
from gonghai_chassis.names import TenantName
from gonghai_chassis.store import records
from gonghai_engine import PolicyDocumentError
from gonghai_policy_service.revisions import Revision

if TYPE_CHECKING:
    from gonghai_chassis.principals import Principal
    from gonghai_engine import Engine, PolicyDocument
    from gonghai_policy_service.book import PolicyBook

_ATTEMPTS = 5
_MOST_VIOLATIONS = 20


@dataclass(frozen=True, slots=True)
class ApplyPolicy:
    """Checks a document, makes it the next revision, and publishes it."""

    engine: Engine
    book: PolicyBook

    async def __call__(
        self,
        tenant: str,
        text: str,
        *,
        comment: str,
        base_revision: int,
        validate_only: bool,
        actor: Principal,
        request: tuple[str, str],
        deadline: float | None,
    ) -> Revision:
        """Apply a document.

        Args:
            tenant: whose.
            text: the YAML.
            comment: why.
            base_revision: the revision that the caller saw; 0 asks for no check.
            validate_only: only check, and answer the revision that would be.
            actor: who applies it.
            request: request id and fingerprint, both "" for none.
            deadline: in seconds of `time.monotonic`.

        Raises:
            InvalidRequest: the document has faults, each named with its line and field.
            EtagMismatch: another revision is in force than the caller saw.
            Contention: others applied documents at the same time, again and again.
        """
        document = await read_document(self.engine, text)
        for _ in range(_ATTEMPTS):
            current, now = await self.book.current(tenant, deadline=deadline)
            revision = Revision(
                tenant=tenant,
                number=1 if current is None else current.number + 1,
                document=text,
                digest=document.digest,
                actor=actor.subject,
                on_behalf_of=actor.on_behalf_of or "",
                at=now,
                comment=comment,
            )
            if validate_only:
                if base_revision not in {0, revision.number - 1}:
                    raise EtagMismatch(TenantName(tenant))
                return revision
            reply = await self.book.append(
                revision, document, base_revision=base_revision, request=request, deadline=deadline
            )
            if reply.status == "ok":
                return Revision.unpack(records.blob(reply.fields["record"]))
            if reply.status == "outdated":
                raise EtagMismatch(TenantName(tenant))
            if deadline is not None and monotonic() > deadline:
                break
        raise Contention(TenantName(tenant))


async def read_document(engine: Engine, text: str) -> PolicyDocument:
    """Read a document and check it against the plugins.

    Raises:
        InvalidRequest: the document has faults, each named with its line and field.
    """
    try:
        return await engine.read(text)
    except PolicyDocumentError as error:
        problems = error.problems
        violations = [
            FieldViolation(_path(problem.field), f"line {problem.line}: {problem.message}")
            for problem in problems[:_MOST_VIOLATIONS]
        ]
        raise InvalidRequest(
            *violations,
            reason=Reason.INVALID_POLICY_DOCUMENT,
            metadata={"line": str(problems[0].line)},
        ) from error


def _path(field: str) -> str:
    return f"document.{field}" if field else "document"
