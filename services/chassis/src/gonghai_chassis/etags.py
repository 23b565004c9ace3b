"""Etags of mutable resources (AIP-154): made from the version of the stored record."""

from __future__ import annotations

from gonghai_chassis.errors import EtagMismatch


def etag_of(version: int) -> str:
    """Return the etag of a record's version (a number from 1 that every change increases)."""
    return f"v{version:x}"


def expected_version(etag: str, name: object) -> int | None:
    """Return the version that the caller saw, for the script to compare; None if he does not care.

    Args:
        etag: What the request says; empty means that any version will do.
        name: The resource, for the refusal.

    Raises:
        EtagMismatch: it is no etag of ours, hence not the current one.
    """
    if not etag:
        return None
    try:
        version = int(etag[1:], 16)
    except ValueError:
        raise EtagMismatch(name) from None
    if etag != etag_of(version):
        raise EtagMismatch(name)
    return version


def check_etag(etag: str, version: int, name: object) -> None:
    """Compare the caller's etag with the record's version.

    Raises:
        EtagMismatch: the record has moved on.
    """
    if expected_version(etag, name) not in {None, version}:
        raise EtagMismatch(name)
