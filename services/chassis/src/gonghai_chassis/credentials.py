"""From what a call shows to the principal that it comes from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Protocol

from gonghai_chassis.errors import NotAllowed, NotSignedIn
from gonghai_chassis.names import ID_PATTERN
from gonghai_chassis.principals import DELEGABLE, LOCAL_ADMIN, SUBJECT, Principal, Role

if TYPE_CHECKING:
    from gonghai_chassis.tokens import Tokens

_REMEMBERED: Final = 1024
_BEARER: Final = "Bearer "
_DEV: Final = re.compile(
    r"(?P<kind>[a-z]+):(?P<id>[A-Za-z0-9][A-Za-z0-9._-]{0,127})"
    rf"(?:@(?P<tenant>{ID_PATTERN}))?(?:;roles=(?P<roles>[a-z,]*))?"
)


class Authenticator(Protocol):
    """Tells who calls."""

    def authenticate(self, authorization: str, claimed: str, on_behalf_of: str) -> Principal:
        """Return the principal.

        Args:
            authorization: The `authorization` header, or "".
            claimed: The `x-gonghai-principal` header, or "".
            on_behalf_of: The `on-behalf-of` header, or "".

        Raises:
            NotSignedIn: the credentials are missing or do not check.
            NotAllowed: the caller may not act for that person.
        """


class BearerTokens:
    """Production: a signed bearer token says who calls; a mere claim counts for nothing."""

    def __init__(self, tokens: Tokens) -> None:
        """Take what checks tokens."""
        self._tokens = tokens

    def authenticate(self, authorization: str, claimed: str, on_behalf_of: str) -> Principal:
        """Check the bearer token."""
        del claimed
        if not authorization.startswith(_BEARER):
            raise NotSignedIn
        checked = self._tokens.check(authorization[len(_BEARER) :])
        if on_behalf_of:
            return acting_for(checked.principal, on_behalf_of, checked.act_for)
        return checked.principal


class LocalClaims:
    """Dev mode: the caller says who he is, `rep:wang@acme;roles=rep`, or is the local admin.

    Without `roles` the kind gives the role: `rep:wang` is a rep, `service:erp` a service of ours
    when it names no tenant and a back end (integrator) of that tenant when it does.
    """

    def __init__(self) -> None:
        """Know nobody yet."""
        self._known: dict[str, Principal] = {}

    def authenticate(self, authorization: str, claimed: str, on_behalf_of: str) -> Principal:
        """Believe the caller."""
        del authorization
        principal = self._principal(claimed) if claimed else LOCAL_ADMIN
        return acting_for(principal, on_behalf_of, DELEGABLE) if on_behalf_of else principal

    def _principal(self, claimed: str) -> Principal:
        principal = self._known.get(claimed)
        if principal is None:
            principal = claimed_principal(claimed)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[claimed] = principal
        return principal


def claimed_principal(text: str) -> Principal:
    """Read dev mode's `x-gonghai-principal`.

    Raises:
        NotSignedIn: it is malformed.
    """
    match = _DEV.fullmatch(text)
    if match is None:
        raise NotSignedIn(
            "x-gonghai-principal does not look like rep:wang@acme;roles=rep (dev mode)"
        )
    kind, tenant = match["kind"], match["tenant"]
    named = match["roles"]
    try:
        roles = (
            frozenset(Role(role) for role in named.split(",") if role)
            if named is not None
            else frozenset({_role_of(kind, tenant)})
        )
    except ValueError as error:
        raise NotSignedIn(f"x-gonghai-principal: {error}") from None
    return Principal(f"{kind}:{match['id']}", tenant, roles)


def _role_of(kind: str, tenant: str | None) -> Role:
    if kind in {"service", "system"}:
        return Role.SERVICE if tenant is None else Role.INTEGRATOR
    return Role(kind)


def acting_for(principal: Principal, person: str, allowed: frozenset[Role]) -> Principal:
    """Return the principal that a caller is when it acts for a person.

    A back end gets that person's rights and no more: `rep:wang` those of a rep. One of Gonghai's
    own services keeps its own, since it has checked the person at its door, and only names him.

    Args:
        principal: Who calls.
        person: `<role>:<id>`, the role one that can be delegated.
        allowed: For whom this caller may act.

    Raises:
        NotAllowed: it may not act for such a person.
    """
    match = SUBJECT.fullmatch(person)
    if match is None:
        raise NotAllowed("on-behalf-of", f"on-behalf-of: {person!r} does not look like rep:wang")
    if principal.is_own_service:
        return Principal(principal.subject, principal.tenant, principal.roles, person)
    try:
        role = Role(match[1])
    except ValueError:
        role = None
    if role is None or role not in DELEGABLE or role not in allowed:
        raise NotAllowed("on-behalf-of", f"{principal.subject} may not act for {person}")
    return Principal(principal.subject, principal.tenant, frozenset({role}), person)
