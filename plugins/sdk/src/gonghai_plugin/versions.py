"""Which SDK this is, and which plugins fit it."""

from __future__ import annotations

from typing import Final

SDK_VERSION: Final = "1.4"
"""Major and minor. A new minor only adds; a new major may change what a declaration means."""


def misfit(wanted: str) -> str | None:
    """Say why a plugin written for SDK ``wanted`` can't run here, or None when it can.

    It fits when the major is the same and the minor is not newer than ours.
    """
    parts = wanted.split(".")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() for part in parts):  # noqa: PLR2004 - major and minor
        return f"its SDK version {wanted!r} is not of the form 'major.minor'"
    major, minor = (int(part) for part in parts)
    our_major, our_minor = (int(part) for part in SDK_VERSION.split("."))
    if major != our_major:
        return f"it was written for SDK {wanted}, this is {SDK_VERSION}: another major"
    if minor > our_minor:
        return f"it was written for SDK {wanted}, this is {SDK_VERSION}: too old for it"
    return None
