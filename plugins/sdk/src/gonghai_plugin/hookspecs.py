"""The hooks of a plugin. They run once, when it is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pluggy

if TYPE_CHECKING:
    from gonghai_plugin.plugin import Registry

PROJECT: Final = "gonghai"
"""The name of the hooks' project and of the entry point group."""

hookspec: Final = pluggy.HookspecMarker(PROJECT)
hookimpl: Final = pluggy.HookimplMarker(PROJECT)


@hookspec
def register(registry: Registry) -> None:
    """Hand the plugin's declarations to ``registry``.

    Pure: no I/O, no clock, no randomness. What it raises is reported as the plugin's failure.
    """
