"""Where a plugin's project lies: its golden decisions are not part of what is installed."""

from __future__ import annotations

import json
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlparse

from gonghai_engine.conformance.golden import GoldenError, GoldenFile
from gonghai_plugin import hookspecs

_PLACES: Final = ("tests/golden.yaml", "golden.yaml")


def golden_of(plugin: str, here: Path) -> Path | None:
    """Return a plugin's golden decisions: in this folder, or in the one it is installed from."""
    folders = [here]
    for point in entry_points(group=hookspecs.PROJECT, name=plugin):
        written = point.dist.read_text("direct_url.json") if point.dist is not None else None
        url = urlparse(json.loads(written)["url"]) if written else None
        if url is not None and url.scheme == "file":
            folders.append(Path(unquote(url.path)))
    for folder in folders:
        for place in _PLACES:
            path = folder / place
            if path.is_file() and _named(path) == plugin:
                return path
    return None


def plugin_here(here: Path) -> str | None:
    """Return the plugin whose project a folder is, by its golden decisions."""
    for place in _PLACES:
        path = here / place
        if path.is_file():
            return _named(path)
    return None


def _named(path: Path) -> str | None:
    try:
        return GoldenFile.read(path).plugin
    except GoldenError:
        return None
