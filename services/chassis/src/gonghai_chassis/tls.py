"""Certificates from files, read again when they change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import structlog

from gonghai_chassis.files import WatchedFile

if TYPE_CHECKING:
    from pathlib import Path

    from gonghai_chassis.settings import Settings

_log = structlog.get_logger("gonghai.tls")


class ServerCertificate:
    """What a server shows, and whom it asks: fetched by grpc for each new connection."""

    def __init__(
        self, certificate: Path, key: Path, ca: Path | None, interval: float = 1.0
    ) -> None:
        """Take the files: certificate chain, key, and for mutual TLS who signs the callers'."""
        self._watched = tuple(
            WatchedFile(path, interval) for path in (certificate, key, ca) if path is not None
        )
        self._certificate = certificate
        self._key = key
        self._ca = ca
        for file in self._watched:
            file.changed()
        self._first = self._read()

    def credentials(self) -> grpc.ServerCredentials:
        """Return credentials that follow the files."""
        return grpc.dynamic_ssl_server_credentials(
            self._first,
            # None is what grpc takes for "no change"; its stubs do not know.
            self._fetch,  # type: ignore[arg-type]
            require_client_authentication=self._ca is not None,
        )

    def _fetch(self) -> grpc.ServerCertificateConfiguration | None:
        # grpc calls this on a thread of its own, once a handshake; None keeps what it has.
        changes = [file.changed() for file in self._watched]
        if all(change is None for change in changes):
            return None
        try:
            configuration = self._read()
        except OSError as error:
            _log.error("the certificate was not taken over", why=str(error))
            return None
        _log.info("certificate reloaded", path=str(self._certificate))
        return configuration

    def _read(self) -> grpc.ServerCertificateConfiguration:
        pair = (self._key.read_bytes(), self._certificate.read_bytes())
        ca = None if self._ca is None else self._ca.read_bytes()
        return grpc.ssl_server_certificate_configuration([pair], root_certificates=ca)


def server_certificate(settings: Settings) -> ServerCertificate | None:
    """Return the certificate that the settings name, or None to listen in plaintext."""
    if settings.tls_certificate_file is None or settings.tls_key_file is None:
        return None
    ca = settings.tls_ca_file if settings.tls_client_certificates else None
    return ServerCertificate(settings.tls_certificate_file, settings.tls_key_file, ca)


def channel_credentials(settings: Settings) -> grpc.ChannelCredentials | None:
    """Return the credentials of calls to the peers, or None to call in plaintext.

    With TLS on, a service trusts `tls_ca_file` (or the system's roots) and, where callers must show
    a certificate, shows its own. New channels read the files anew.
    """
    if settings.tls_certificate_file is None or settings.tls_key_file is None:
        return None
    roots = None if settings.tls_ca_file is None else settings.tls_ca_file.read_bytes()
    if not settings.tls_client_certificates:
        return grpc.ssl_channel_credentials(roots)
    return grpc.ssl_channel_credentials(
        roots, settings.tls_key_file.read_bytes(), settings.tls_certificate_file.read_bytes()
    )
