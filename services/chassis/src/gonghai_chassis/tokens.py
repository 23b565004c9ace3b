"""Bearer tokens: JWTs (RFC 7519) signed by a key of a JWKS file (RFC 7517).

Claims: `iss` and `aud` as configured, `exp`, `sub` (`rep:wang`, `service:erp`), `tenant` (left out
by Gonghai's own services), `roles` (a list), and for a back end `act_for`: the roles of the persons
for whom it may act. Algorithms are pinned, and a token says by `kid` which key signed it.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import jwt
import structlog

from gonghai_chassis.errors import NotSignedIn
from gonghai_chassis.files import WatchedFile
from gonghai_chassis.names import ID_PATTERN
from gonghai_chassis.principals import DELEGABLE, SUBJECT, Principal, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

ALGORITHMS: Final = ("RS256", "ES256", "EdDSA")
LEEWAY: Final = 30
"""Seconds by which the clocks of the issuer and of this machine may differ."""

_REMEMBERED: Final = 4096
_TENANT: Final = re.compile(ID_PATTERN)
_EXPIRED: Final = "the token has expired; get another one"
_NO_KEYS: Final = "the key file holds no usable key"
_log = structlog.get_logger("gonghai.tokens")


class NoKeys(Exception):  # noqa: N818 - named after what is wrong
    """The JWKS file holds no key that a token may be signed with."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A token that checks: who shows it, for whom he may act, and until when (Unix seconds)."""

    principal: Principal
    act_for: frozenset[Role]
    expires: float


class Tokens:
    """Checks bearer tokens, and remembers those that did until they expire or the keys change."""

    def __init__(
        self,
        jwks: Path,
        issuer: str,
        audience: str,
        *,
        interval: float = 1.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Read the keys; the file is looked at again every `interval` seconds.

        Raises:
            NoKeys: it holds none.
        """
        self._file = WatchedFile(jwks, interval)
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._checked: dict[str, Checked] = {}
        content = self._file.changed()
        if content is None:
            raise NoKeys(str(jwks))
        self._keys = _keys_in(content)

    def check(self, token: str) -> Checked:
        """Return whose token it is.

        Raises:
            NotSignedIn: it does not check. The caller learns no more than the class of the fault.
        """
        self._reload()
        checked = self._checked.get(token)
        if checked is None:
            checked = self._verify(token)
            if len(self._checked) >= _REMEMBERED:
                self._checked.clear()
            self._checked[token] = checked
        elif self._clock() > checked.expires:
            del self._checked[token]
            raise NotSignedIn(_EXPIRED)
        return checked

    def _reload(self) -> None:
        content = self._file.changed()
        if content is None:
            return
        try:
            self._keys = _keys_in(content)
        except NoKeys as error:
            # Half a file, or a mistake: better the old keys than nobody.
            _log.error(
                "the JWKS file was not taken over", path=str(self._file.path), why=str(error)
            )
            return
        self._checked.clear()
        _log.info("keys reloaded", path=str(self._file.path), keys=sorted(self._keys))

    def _verify(self, token: str) -> Checked:
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys.get(str(header.get("kid", "")))
            if key is None or header.get("alg") != key.algorithm_name:
                raise NotSignedIn("the token names no key of ours")
            claims = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.ExpiredSignatureError:
            raise NotSignedIn(_EXPIRED) from None
        except jwt.PyJWTError:
            raise NotSignedIn("the token does not check") from None
        return _checked(claims)


def _keys_in(content: bytes) -> dict[str, jwt.PyJWK]:
    try:
        listed = json.loads(content)["keys"]
    except (ValueError, KeyError, TypeError) as error:
        raise NoKeys(f"not a JWKS document: {type(error).__name__}") from None
    keys = {}
    for entry in listed if isinstance(listed, list) else ():
        key = _key_in(entry)
        if key is not None:
            keys[str(entry["kid"])] = key
    if not keys:
        raise NoKeys(_NO_KEYS)
    return keys


def _key_in(entry: Any) -> jwt.PyJWK | None:  # noqa: ANN401 - of somebody's JSON
    if not isinstance(entry, dict) or not entry.get("kid") or entry.get("use", "sig") != "sig":
        return None
    try:
        key = jwt.PyJWK(entry)
    except jwt.PyJWTError:
        return None
    return key if key.algorithm_name in ALGORITHMS else None


def _checked(claims: Mapping[str, Any]) -> Checked:
    subject, tenant = claims["sub"], claims.get("tenant")
    if not isinstance(subject, str) or SUBJECT.fullmatch(subject) is None:
        raise NotSignedIn("the token's sub does not look like rep:wang")
    if tenant is not None and not (isinstance(tenant, str) and _TENANT.fullmatch(tenant)):
        raise NotSignedIn("the token's tenant is no id")
    roles = _roles(claims.get("roles", []))
    if (tenant is None) != (Role.SERVICE in roles):
        # Only our own services read across tenants, and they belong to none.
        raise NotSignedIn("the token names no tenant")
    act_for = _roles(claims.get("act_for", [])) & DELEGABLE
    return Checked(Principal(subject, tenant, roles), act_for, float(claims["exp"]) + LEEWAY)


def _roles(named: Any) -> frozenset[Role]:  # noqa: ANN401 - a claim may be anything
    """Return the roles that are known; a token may name others for other systems."""
    if not isinstance(named, list):
        raise NotSignedIn("the token's roles are no list")
    return frozenset(Role(role) for role in named if role in set(Role))
