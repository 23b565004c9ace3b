"""A service that would let strangers in does not start, and says what is missing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from gonghai_chassis.server import UNSAFE, main
from gonghai_chassis.settings import Mode, Settings, UnsafeSettings, is_loopback

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("GONGHAI_"):
            monkeypatch.delenv(name)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Any]:
    names = ("jwks_file", "tls_certificate_file", "tls_key_file", "service_token_file")
    made = {name: tmp_path / name for name in names}
    for path in made.values():
        path.write_text("x")
    return made


def test_without_anything_production_is_assumed_and_refused() -> None:
    with pytest.raises(UnsafeSettings) as raised:
        Settings().check_safe()

    named = "\n".join(raised.value.missing)
    for variable in ("JWKS_FILE", "ISSUER", "TLS_CERTIFICATE_FILE", "SERVICE_TOKEN_FILE"):
        assert f"GONGHAI_{variable}" in named
    assert str(raised.value).startswith("refusing to start:")


def test_with_everything_set_production_starts(files: dict[str, Any]) -> None:
    Settings(issuer="https://issuer", host="0.0.0.0", **files).check_safe()  # noqa: S104 - not bound


@pytest.mark.parametrize(
    "left_out", ["jwks_file", "tls_certificate_file", "tls_key_file", "service_token_file"]
)
def test_production_starts_with_nothing_left_out(left_out: str, files: dict[str, Any]) -> None:
    del files[left_out]
    with pytest.raises(UnsafeSettings, match=f"GONGHAI_{left_out.upper()}"):
        Settings(issuer="https://issuer", **files).check_safe()


def test_plaintext_must_be_asked_for(files: dict[str, Any]) -> None:
    del files["tls_certificate_file"], files["tls_key_file"]

    Settings(issuer="i", plaintext_behind_mesh=True, **files).check_safe()


def test_a_file_that_is_not_there_is_named(files: dict[str, Any]) -> None:
    files["jwks_file"].unlink()
    with pytest.raises(UnsafeSettings, match=r"GONGHAI_JWKS_FILE: .* cannot be read"):
        Settings(issuer="i", **files).check_safe()


def test_mutual_tls_needs_to_know_whom_to_trust(files: dict[str, Any]) -> None:
    with pytest.raises(UnsafeSettings, match="GONGHAI_TLS_CA_FILE"):
        Settings(issuer="i", tls_client_certificates=True, **files).check_safe()


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.7", "::", "pool.example"])  # noqa: S104
def test_dev_mode_binds_loopback_only(host: str) -> None:
    with pytest.raises(UnsafeSettings, match="loopback"):
        Settings(mode=Mode.DEV, host=host).check_safe()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"])
def test_loopback_is_known(host: str) -> None:
    assert is_loopback(host)
    Settings(mode=Mode.DEV, host=host).check_safe()


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONGHAI_MODE", "dev")
    monkeypatch.setenv("GONGHAI_PORT", "7402")
    monkeypatch.setenv("GONGHAI_REDIS_URL", "redis://store:6379/3")
    monkeypatch.setenv("GONGHAI_PARTITIONS", "8")
    monkeypatch.setenv("GONGHAI_STORE__WAIT_REPLICAS", "2")
    monkeypatch.setenv("GONGHAI_PLUGINS_ALLOWED", "fmcg, standard,")
    settings = Settings()

    assert settings.dev
    assert settings.port == 7402
    assert settings.store.url == "redis://store:6379/3"
    assert settings.store.partitions == 8
    assert settings.store.wait_replicas == 2
    assert settings.plugins_allowed == ("fmcg", "standard")


@pytest.mark.parametrize(
    "wrong", [{"mode": "careless"}, {"port": 70000}, {"drain_time": -1}, {"log_format": "xml"}]
)
def test_nonsense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(**wrong)


def test_the_process_ends_with_a_status_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    async def assemble(_assembly: object) -> None:
        raise AssertionError("not reached")

    assert main("pool", assemble, Settings) == UNSAFE
    assert "pool: refusing to start:" in capsys.readouterr().err
