"""The settings of a service's process, from environment variables that begin with GONGHAI_.

In dev mode a service binds to loopback and asks for no credentials. In production mode it refuses
to start unless it can tell who calls, over a channel that nobody listens to, and says what is
missing.
"""

from __future__ import annotations

import ipaddress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from gonghai_chassis.store import StoreSettings

if TYPE_CHECKING:
    from collections.abc import Sequence


class Mode(StrEnum):
    """How careful a service is."""

    DEV = "dev"
    PRODUCTION = "production"


class UnsafeSettings(Exception):  # noqa: N818 - named after what is wrong
    """The service refuses to start: its settings would let strangers in, or keep everybody out."""

    def __init__(self, missing: Sequence[str]) -> None:
        """Name everything that is missing, one sentence each."""
        super().__init__("refusing to start:\n" + "\n".join(f"  - {line}" for line in missing))
        self.missing = tuple(missing)


Names = Annotated[tuple[str, ...], NoDecode]
"""Several names, separated by commas."""


class Settings(BaseSettings):
    """What every service is told by its environment; a service adds its own by a subclass."""

    model_config = SettingsConfigDict(
        env_prefix="GONGHAI_", env_nested_delimiter="__", extra="ignore", frozen=True
    )

    mode: Mode = Field(Mode.PRODUCTION, description="dev or production")
    host: str = Field("127.0.0.1", description="The address to listen on")
    port: int = Field(0, ge=0, le=65535, description="The port to listen on; 0 picks a free one")

    redis_url: str | None = Field(None, description="Where the store is; overrides store.url")
    partitions: int | None = Field(
        None, ge=1, le=4096, description="How many partitions; fixed at install"
    )
    store: StoreSettings = Field(default_factory=StoreSettings)

    archive_address: str = Field("127.0.0.1:7401", description="Where archive listens")
    pool_address: str = Field("127.0.0.1:7402", description="Where pool listens")
    assignment_address: str = Field("127.0.0.1:7403", description="Where assignment listens")

    tls_certificate_file: Path | None = Field(None, description="Certificate chain, PEM")
    tls_key_file: Path | None = Field(None, description="The certificate's private key, PEM")
    tls_ca_file: Path | None = Field(
        None, description="Whom to trust, PEM: peers; and callers, with tls_client_certificates"
    )
    tls_client_certificates: bool = Field(
        default=False, description="Ask callers for a certificate (mutual TLS)"
    )
    plaintext_behind_mesh: bool = Field(
        default=False, description="A service mesh encrypts; listen without TLS"
    )

    jwks_file: Path | None = Field(None, description="The keys that sign bearer tokens (JWKS)")
    issuer: str = Field("", description="Who issues bearer tokens (claim iss)")
    audience: str = Field("gonghai", description="For whom bearer tokens are (claim aud)")
    service_token_file: Path | None = Field(
        None, description="The bearer token of this service, for its calls to the others"
    )

    metrics_port: int | None = Field(
        None, ge=0, le=65535, description="Where Prometheus reads; unset: nowhere, 0: a free port"
    )
    metrics_host: str = Field("127.0.0.1", description="The address of the metrics port")
    log_level: str = Field("info", description="debug, info, warning or error")
    log_format: str = Field(
        "", pattern="^(|json|console)$", description="json or console; unset: by mode"
    )
    log_successes: bool = Field(default=True, description="Log a line for calls that succeed too")

    default_deadline: float = Field(
        10.0, gt=0, description="Seconds for a call whose caller sets no deadline"
    )
    max_deadline: float = Field(60.0, gt=0, description="The most seconds for a unary call")
    max_message_bytes: int = Field(4 * 1024 * 1024, ge=1024, description="Largest message")
    max_concurrent_calls: int = Field(
        1000, ge=1, description="Calls answered at once; more are RESOURCE_EXHAUSTED"
    )
    leave_time: float = Field(
        0.5, ge=0, description="Seconds to go on answering after health says NOT_SERVING"
    )
    drain_time: float = Field(
        10.0, ge=0, description="Seconds that calls in progress get when the service stops"
    )
    stop_time: float = Field(
        25.0, gt=0, description="Seconds for the whole stop, draining included"
    )

    plugins_allowed: Names = Field((), description="Plugins that may load; empty: all installed")
    plugins_required: Names = Field((), description="Plugins without which not to start")
    plugins_patience: float = Field(
        1.0, gt=0, description="Seconds that a plugin's own code gets for one decision"
    )
    plugins_aside: float = Field(
        30.0, gt=0, description="Seconds for which a plugin that hangs or crashes is put aside"
    )
    plugins_notes: Path | None = Field(
        None, description="A folder that outlives a crash: for what was loaded or decided then"
    )
    plugins_candidates: Path | None = Field(
        None, description="A folder of plugin versions that can be simulated and decide nothing"
    )
    event_retention_count: int = Field(
        1_000_000, ge=1, description="Most events that a partition's stream keeps"
    )
    event_retention_days: float = Field(7.0, gt=0, description="Days that events are kept")
    event_retention_every: float = Field(
        60.0, gt=0, description="Seconds between two looks at what is kept too long"
    )
    lease_ttl: float = Field(3.0, gt=0, description="Seconds until a dead holder's lease ends")

    @field_validator("plugins_allowed", "plugins_required", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:  # noqa: ANN401 - whatever the environment holds
        if isinstance(value, str):
            return tuple(part for part in (piece.strip() for piece in value.split(",")) if part)
        return value

    def model_post_init(self, _context: Any, /) -> None:  # noqa: ANN401 - pydantic's
        """Let the short names override those of the store."""
        short = {"url": self.redis_url, "partitions": self.partitions}
        told = {key: value for key, value in short.items() if value is not None}
        if told:
            object.__setattr__(self, "store", self.store.model_copy(update=told))

    @property
    def dev(self) -> bool:
        """Whether this is dev mode."""
        return self.mode is Mode.DEV

    def check_safe(self) -> None:
        """Refuse settings that would let strangers in.

        Raises:
            UnsafeSettings: naming everything that is missing.
        """
        missing = self._missing_in_dev() if self.dev else self._missing_in_production()
        if missing:
            raise UnsafeSettings(missing)

    def _missing_in_dev(self) -> list[str]:
        if not is_loopback(self.host):
            return [
                (
                    "GONGHAI_HOST: dev mode asks for no credentials and so listens on loopback"
                    f" only, not on {self.host}"
                )
            ]
        return []

    def _missing_in_production(self) -> list[str]:
        missing = []
        if self.jwks_file is None:
            missing.append("GONGHAI_JWKS_FILE: the keys that sign the callers' bearer tokens")
        if not self.issuer:
            missing.append("GONGHAI_ISSUER: who issues the callers' bearer tokens")
        if not self.audience:
            missing.append("GONGHAI_AUDIENCE: for whom the callers' bearer tokens are")
        if self.tls_certificate_file is None or self.tls_key_file is None:
            if not self.plaintext_behind_mesh:
                missing.append(
                    "GONGHAI_TLS_CERTIFICATE_FILE and GONGHAI_TLS_KEY_FILE, or"
                    " GONGHAI_PLAINTEXT_BEHIND_MESH=true where a service mesh encrypts"
                )
        elif self.tls_client_certificates and self.tls_ca_file is None:
            missing.append("GONGHAI_TLS_CA_FILE: who signs the callers' certificates")
        if self.service_token_file is None:
            missing.append(
                "GONGHAI_SERVICE_TOKEN_FILE: how this service shows the others who it is"
            )
        files = (
            ("GONGHAI_JWKS_FILE", self.jwks_file),
            ("GONGHAI_TLS_CERTIFICATE_FILE", self.tls_certificate_file),
            ("GONGHAI_TLS_KEY_FILE", self.tls_key_file),
            ("GONGHAI_TLS_CA_FILE", self.tls_ca_file),
            ("GONGHAI_SERVICE_TOKEN_FILE", self.service_token_file),
        )
        missing += [
            f"{name}: {path} cannot be read"
            for name, path in files
            if path is not None and not path.is_file()
        ]
        return missing


def is_loopback(host: str) -> bool:
    """Say whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
