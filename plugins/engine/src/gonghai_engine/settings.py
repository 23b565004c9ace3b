"""A plugin's settings: a value by its path, and their digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from gonghai_engine.faults import DeclarationError

if TYPE_CHECKING:
    from gonghai_plugin.plugin import Settings

DIGEST_LENGTH: Final = 16
"""Hex digits: enough to tell apart what one tenant ever had, short enough for every record."""


def value_at(settings: Settings, path: str, where: str) -> object:
    """Return the setting at a dotted path. Raises DeclarationError when there is none."""
    found: object = settings
    for step in path.split("."):
        if isinstance(found, Mapping) and step in found:
            found = found[step]
        elif step in getattr(type(found), "model_fields", {}):
            found = getattr(found, step)
        else:
            raise DeclarationError(where, f"there is no setting {path!r}", path)
    return found


def digest(settings: Settings) -> str:
    """Return what tells these values from any others of the same plugin."""
    # Not sorted: where a setting is a table, the order of its keys is part of what it says.
    content = json.dumps(settings.model_dump(mode="json"), ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()[:DIGEST_LENGTH]
