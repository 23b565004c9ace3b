"""Plugins, loaded one by one: a broken one is reported, and the others stay."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Final

import pluggy
from pydantic import ValidationError

from gonghai_engine import candidates
from gonghai_engine.compiled import CompiledPolicy, known_facts
from gonghai_engine.declared_types import check_types
from gonghai_engine.describe import describe
from gonghai_engine.faults import DeclarationError
from gonghai_engine.isolation.note import PluginVersion
from gonghai_engine.isolation.rehearsal import why_not
from gonghai_engine.often import often_of
from gonghai_engine.sensitive import check_published
from gonghai_engine.workflows import check_workflows
from gonghai_plugin import hookspecs
from gonghai_plugin.plugin import Plugin, Settings
from gonghai_plugin.policies import OPTIONAL, Policy
from gonghai_plugin.versions import misfit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from gonghai_engine.isolation.note import Note

STANDARD: Final = "standard"
"""The plugin that decides what others declare absent."""


@dataclass(frozen=True, slots=True)
class PluginSelection:
    """Which entry points are loaded (None: every one), and which must be for the service to run."""

    allowed: frozenset[str] | None = None
    required: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PluginHealth:
    """How loading a plugin went; ``error`` says why it is not there."""

    name: str
    distribution: str
    version: str
    sdk: str
    ok: bool
    required: bool
    error: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of loading."""

    plugins: Mapping[str, Plugin]
    health: tuple[PluginHealth, ...]


def load(
    selection: PluginSelection,
    found: Iterable[EntryPoint] | None = None,
    note: Note | None = None,
    *,
    beside: bool = False,
) -> Loaded:
    """Load the installed plugins (or ``found``). Never raises for what a plugin does.

    With a ``note`` one that takes too long is left. One that the process ended on is loaded in a
    process of its own when this is started again, and left out if that ends too. One of those that
    are tried ``beside`` the installed ones, for which that was no help, is left out at once.
    """
    points = tuple(entry_points(group=hookspecs.PROJECT) if found is None else found)
    if note is not None and not beside:
        note.forget_others([_version(point) for point in points], candidates=False)
    plugins: dict[str, Plugin] = {}
    health: dict[str, PluginHealth] = {}
    for point in sorted(points, key=lambda point: point.name):
        if selection.allowed is not None and point.name not in selection.allowed:
            continue
        required = point.name in selection.required
        distribution = point.dist.name if point.dist is not None else ""
        plugin: Plugin | None = None
        try:
            if point.name in health:
                raise DeclarationError("", "another distribution has a plugin of this name")  # noqa: TRY301 - handled like any other fault
            if note is not None:
                _distrust(_version(point, beside=beside), note)
            with nullcontext() if note is None else note.loading(_version(point, beside=beside)):
                plugin = register(point.load())
                check(plugin, point.name)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a plugin may even call sys.exit while it is imported
            health[point.name] = PluginHealth(
                point.name,
                distribution,
                plugin.version if isinstance(plugin, Plugin) else "",
                plugin.sdk if isinstance(plugin, Plugin) else "",
                ok=False,
                required=required,
                error=f"{type(error).__name__}: {error}",
            )
            plugins.pop(point.name, None)
            continue
        plugins[point.name] = plugin
        health[point.name] = PluginHealth(
            point.name,
            distribution,
            plugin.version,
            plugin.sdk,
            ok=True,
            required=required,
            error="",
        )
    for name in sorted(selection.required - health.keys()):
        health[name] = PluginHealth(
            name, "", "", "", ok=False, required=True, error="it is not installed, or not allowed"
        )
    return Loaded(plugins, tuple(health.values()))


def load_candidates(folder: Path, selection: PluginSelection, note: Note | None = None) -> Loaded:
    """Load the plugins in a folder, beside those that are installed. Never raises.

    With a ``note``, as services have it, each is loaded in a process of its own first: nobody lives
    by a candidate, so it may end no process of those who live. Other threads must not run yet.
    """
    broken: dict[str, str] = {}
    try:
        points = candidates.points(folder)
        found = [
            point
            for point in points
            if selection.allowed is None or point.name in selection.allowed
        ]
        if note is not None:
            there = [_version(point, beside=True) for point in points]
            note.forget_others(there, candidates=True)
            broken = {point.name: why_not(point.name, folder) for point in found}
        with candidates.imported_from(folder):
            sound = [point for point in found if not broken.get(point.name)]
            loaded = load(PluginSelection(), sound, note, beside=True)
    except Exception as error:  # noqa: BLE001 - whatever is in the folder: the service starts
        return Loaded({}, (_unsound(str(folder), f"{type(error).__name__}: {error}"),))
    ended = [
        _unsound(name, f"a process ended in which it was loaded: {why}")
        for name, why in broken.items()
        if why
    ]
    return Loaded(loaded.plugins, (*loaded.health, *ended))


def _unsound(name: str, error: str) -> PluginHealth:
    return PluginHealth(name, "", "", "", ok=False, required=False, error=error)


def _version(point: EntryPoint, *, beside: bool = False) -> PluginVersion:
    return PluginVersion(point.name, point.dist.version if point.dist is not None else "", beside)


def _distrust(plugin: PluginVersion, note: Note) -> None:
    """Be careful with one that a process ended on. Raises DeclarationError if it is not to load.

    What is installed is loaded elsewhere: it may have been killed by chance meanwhile, by an
    operator, or for want of memory. A candidate comes up elsewhere, or it would not be loaded here
    at all, so that says nothing, and nobody lives by it.
    """
    if plugin not in note.suspects:
        return
    if plugin.candidate:
        raise DeclarationError(
            "",
            "this service ended while it was being loaded: it stays out until the service has once"
            " started without it in the folder, or it has another version",
        )
    why = why_not(plugin.plugin)
    if why:
        raise DeclarationError(
            "", f"a process ended while it was being loaded, and so did one that tried again: {why}"
        )
    note.trust(plugin)


def register(module: object) -> Plugin:
    """Run a plugin's hook, return what it hands over. Raises DeclarationError, or what it does."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(module)
    manager.check_pending()
    registry = _Registry()
    manager.hook.register(registry=registry)
    if len(registry.plugins) != 1:
        raise DeclarationError("", f"its hook registered {len(registry.plugins)} plugins, not one")
    return registry.plugins[0]


def check(plugin: Plugin, name: str) -> None:
    """Check a plugin's declarations with its default settings. Raises DeclarationError."""
    reason = misfit(plugin.sdk)
    if reason is not None:
        raise DeclarationError("", reason)
    if plugin.name != name:
        raise DeclarationError("", f"it calls itself {plugin.name!r}, its entry point {name!r}")
    check_types(plugin)
    given = [policy.policy for policy in plugin.policies]
    for policy in Policy:
        if given.count(policy) > 1:
            raise DeclarationError(policy, "it is given twice")
        if policy in given and policy in plugin.absent:
            raise DeclarationError(policy, "it is given, and declared absent")
        if policy not in {*given, *plugin.absent, *OPTIONAL}:
            raise DeclarationError(policy, "it is neither given nor declared absent")
    _check_settings(plugin.settings)
    try:
        settings = plugin.settings()
    except ValidationError as error:
        raise DeclarationError("settings", f"the defaults do not hold: {error}") from None
    for declared in plugin.policies:
        compiled = CompiledPolicy(declared, plugin, settings)
        compiled.close()
        check_published(compiled, plugin)
    often_of(plugin, settings)
    check_workflows(plugin, known_facts(plugin), settings)
    describe(plugin)


def _check_settings(settings: object) -> None:
    if not (isinstance(settings, type) and issubclass(settings, Settings)):
        raise DeclarationError("settings", "they are not a subclass of Settings")
    for name, field in settings.model_fields.items():
        if not field.description:
            raise DeclarationError("settings", f"{name!r} has no description")


class _Registry:
    def __init__(self) -> None:
        self.plugins: list[Plugin] = []

    def add(self, plugin: Plugin) -> None:
        if not isinstance(plugin, Plugin):
            raise DeclarationError("", f"it registered a {type(plugin).__name__}, no Plugin")
        self.plugins.append(plugin)
