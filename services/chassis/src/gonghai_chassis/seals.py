"""Seals: what callers carry for us, and can neither read nor make."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.padding import PKCS7

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEY: Final = 64
"""Bytes: AES-256 in SIV mode (RFC 5297) takes two keys."""
_STEP: Final = 1024
"""Bits by which what is sealed gets longer: an id must not be told by its length."""


class Seal:
    """Closes and opens with one secret. The same content about the same looks the same.

    Nothing random is in it, so there is no number of uses after which it would leak (RFC 5297).
    """

    def __init__(self, secret: bytes, use: str) -> None:
        """Make the keys.

        Args:
            secret: what those have in common who open what others of them closed.
            use: what is sealed; what was closed for one use is not opened for another.

        Raises:
            ValueError: the secret is none.
        """
        if not secret:
            raise ValueError("a seal needs a secret")
        derivation = HKDF(algorithm=SHA256(), length=_KEY, salt=None, info=use.encode())
        self._cipher = AESSIV(derivation.derive(secret))

    @classmethod
    def alone(cls, use: str) -> Self:
        """Make one with a secret that nobody else has."""
        return cls(secrets.token_bytes(32), use)

    def close(self, content: bytes, about: Sequence[bytes]) -> bytes:
        """Return the content as nobody else can read it, bound to what it is about."""
        padder = PKCS7(_STEP).padder()
        return self._cipher.encrypt(padder.update(content) + padder.finalize(), list(about))

    def open(self, sealed: bytes, about: Sequence[bytes]) -> bytes | None:
        """Return the content; None where this was not closed with the secret, about the same."""
        try:
            padded = self._cipher.decrypt(sealed, list(about))
        except InvalidTag:
            return None
        unpadder = PKCS7(_STEP).unpadder()
        return unpadder.update(padded) + unpadder.finalize()


PAGES: Final = "page tokens"

OF_THIS_PROCESS: Final = Seal.alone(PAGES)
"""For what belongs to no service: no replica opens what this closed."""
