"""Bearer tokens: what checks and what does not, and keys that change while the service runs."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from services.chassis.tests.server.keys import (
    ALGORITHMS,
    AUDIENCE,
    ISSUER,
    Signer,
    replace,
    write_jwks,
)

from gonghai_chassis.credentials import BearerTokens, LocalClaims
from gonghai_chassis.errors import NotAllowed, NotSignedIn
from gonghai_chassis.principals import LOCAL_ADMIN, Principal, Role
from gonghai_chassis.tokens import LEEWAY, NoKeys, Tokens

if TYPE_CHECKING:
    from pathlib import Path

SIGNER = Signer("k1")
STRANGER = Signer("k1")


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    return write_jwks(tmp_path / "jwks.json", SIGNER)


@pytest.fixture
def tokens(jwks: Path) -> Tokens:
    return Tokens(jwks, ISSUER, AUDIENCE, interval=0)


def test_a_token_that_checks_says_who_calls(tokens: Tokens) -> None:
    checked = tokens.check(SIGNER.token(roles=["rep", "manager", "cleaner"]))

    assert checked.principal == Principal("rep:wang", "acme", frozenset({Role.REP, Role.MANAGER}))
    assert checked.act_for == frozenset()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_pinned_algorithms_work(algorithm: str, tmp_path: Path) -> None:
    signer = Signer("k2", algorithm)
    tokens = Tokens(write_jwks(tmp_path / "j.json", signer), ISSUER, AUDIENCE)

    assert tokens.check(signer.token()).principal.subject == "rep:wang"


def unsigned(algorithm: str = "none") -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "exp": int(time.time()) + 600,
        "sub": "admin:x",
        "tenant": "acme",
        "roles": ["admin"],
    }
    return f"{part({'alg': algorithm, 'kid': 'k1', 'typ': 'JWT'})}.{part(claims)}."


def signed_with_the_public_key() -> str:
    """The old trick: the public key as the secret of a symmetric algorithm."""
    secret = base64.urlsafe_b64decode(SIGNER.jwk()["x"] + "==").hex()
    claims = jwt.decode(SIGNER.token(), options={"verify_signature": False})
    return jwt.encode(claims, secret, "HS256", headers={"kid": "k1"})


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="empty"),
        pytest.param("nonsense", id="nonsense"),
        pytest.param(unsigned(), id="alg none"),
        pytest.param(unsigned("None"), id="alg None"),
        pytest.param(signed_with_the_public_key(), id="symmetric"),
        pytest.param(STRANGER.token(), id="another key of the same id"),
        pytest.param(Signer("k9").token(), id="unknown kid"),
        pytest.param(SIGNER.token(headers={"kid": ""}), id="no kid"),
        pytest.param(SIGNER.token(exp=int(time.time()) - LEEWAY - 5), id="expired"),
        pytest.param(SIGNER.token(exp=None), id="no expiry"),
        pytest.param(SIGNER.token(nbf=int(time.time()) + LEEWAY + 86_400), id="not yet"),
        pytest.param(SIGNER.token(iss="https://other.example"), id="issuer"),
        pytest.param(SIGNER.token(iss=None), id="no issuer"),
        pytest.param(SIGNER.token(aud="other"), id="audience"),
        pytest.param(SIGNER.token(aud=None), id="no audience"),
        pytest.param(SIGNER.token(sub=None), id="no subject"),
        pytest.param(SIGNER.token(sub="wang"), id="subject without kind"),
        pytest.param(SIGNER.token(sub='rep:a"b'), id="strange subject"),
        pytest.param(SIGNER.token(tenant=None), id="no tenant"),
        pytest.param(SIGNER.token(tenant="Acme/../x"), id="strange tenant"),
        pytest.param(SIGNER.token(roles="admin"), id="roles as text"),
        pytest.param(SIGNER.token(roles=["service"]), id="service role with a tenant"),
        pytest.param(SIGNER.token()[:-4] + "AAAA", id="tampered"),
    ],
)
def test_what_does_not_check_signs_nobody_in(token: str, tokens: Tokens) -> None:
    with pytest.raises(NotSignedIn):
        tokens.check(token)


def test_a_remembered_token_expires_all_the_same(jwks: Path) -> None:
    now = time.time()
    clock = [now]
    tokens = Tokens(jwks, ISSUER, AUDIENCE, clock=lambda: clock[0])
    token = SIGNER.token(exp=int(now) + 60)
    tokens.check(token)
    clock[0] = now + 61 + LEEWAY
    with pytest.raises(NotSignedIn, match="expired"):
        tokens.check(token)


def test_keys_that_changed_count_at_once(tokens: Tokens, jwks: Path) -> None:
    new = Signer("k2")
    old_token, new_token = SIGNER.token(), new.token()
    tokens.check(old_token)
    with pytest.raises(NotSignedIn):
        tokens.check(new_token)

    write_jwks(jwks, new)

    tokens.check(new_token)
    with pytest.raises(NotSignedIn):
        tokens.check(old_token)


@pytest.mark.parametrize("broken", ["", "{", '{"keys": []}', '{"keys": [{"kid": "k1"}]}', "[]"])
def test_a_broken_key_file_leaves_the_old_keys(broken: str, tokens: Tokens, jwks: Path) -> None:
    replace(jwks, broken)

    tokens.check(SIGNER.token())


def test_a_key_file_that_vanishes_leaves_the_old_keys(tokens: Tokens, jwks: Path) -> None:
    jwks.unlink()

    tokens.check(SIGNER.token())


@pytest.mark.parametrize("broken", ["", '{"keys": []}'])
def test_a_service_does_not_start_without_keys(broken: str, tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(broken)
    with pytest.raises(NoKeys):
        Tokens(path, ISSUER, AUDIENCE)


def test_a_symmetric_key_in_the_file_is_no_key(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "k1"}]}))
    with pytest.raises(NoKeys):
        Tokens(path, ISSUER, AUDIENCE)


def bearer(token: str) -> str:
    return f"Bearer {token}"


def test_a_claim_without_a_token_counts_for_nothing(tokens: Tokens) -> None:
    with pytest.raises(NotSignedIn):
        BearerTokens(tokens).authenticate("", "admin:root@acme", "")
    principal = BearerTokens(tokens).authenticate(bearer(SIGNER.token()), "admin:root@acme", "")
    assert principal.subject == "rep:wang"


def test_a_back_end_acts_for_those_that_its_token_allows(tokens: Tokens) -> None:
    token = SIGNER.token(sub="service:crm", roles=["integrator"], act_for=["rep", "admin"])
    authenticator = BearerTokens(tokens)
    principal = authenticator.authenticate(bearer(token), "", "rep:li")

    assert principal == Principal("service:crm", "acme", frozenset({Role.REP}), "rep:li")
    for person in ("manager:zhao", "admin:root"):
        with pytest.raises(NotAllowed):
            authenticator.authenticate(bearer(token), "", person)


def test_a_person_acts_for_nobody_else(tokens: Tokens) -> None:
    with pytest.raises(NotAllowed):
        BearerTokens(tokens).authenticate(bearer(SIGNER.token()), "", "rep:li")


def test_our_own_services_belong_to_no_tenant(tokens: Tokens) -> None:
    token = SIGNER.token(sub="system:pool", roles=["service"], tenant=None)

    assert tokens.check(token).principal.is_own_service


@pytest.mark.parametrize(
    ("claimed", "principal"),
    [
        ("", LOCAL_ADMIN),
        ("rep:wang@acme", Principal("rep:wang", "acme", frozenset({Role.REP}))),
        (
            "manager:li@acme;roles=rep,manager",
            Principal("manager:li", "acme", frozenset({Role.REP, Role.MANAGER})),
        ),
        ("service:erp@acme", Principal("service:erp", "acme", frozenset({Role.INTEGRATOR}))),
        ("system:pool", Principal("system:pool", None, frozenset({Role.SERVICE}))),
        ("rep:wang@acme;roles=", Principal("rep:wang", "acme", frozenset())),
    ],
)
def test_dev_mode_believes_what_is_claimed(claimed: str, principal: Principal) -> None:
    assert LocalClaims().authenticate("", claimed, "") == principal


@pytest.mark.parametrize(
    "claimed", ["wang", "rep:", "rep:x@UPPER", "cat:x@acme", "rep:x;roles=god"]
)
def test_dev_mode_refuses_what_it_cannot_read(claimed: str) -> None:
    with pytest.raises(NotSignedIn):
        LocalClaims().authenticate("", claimed, "")
