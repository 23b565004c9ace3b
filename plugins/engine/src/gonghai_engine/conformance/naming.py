"""Names that a plugin can have: what a document says must mean this plugin, and nothing else."""

from __future__ import annotations

import keyword
import re
import sys
from importlib.metadata import PackageNotFoundError, distribution, entry_points
from typing import Final

import yaml

from gonghai_engine.document import DEFAULT
from gonghai_plugin import hookspecs

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST: Final = 40
_OURS: Final = frozenset(
    {
        "aquatic", "archive", "assignment", "chassis", "cli", "engine", "fmcg", "plugin",
        "pool", "sdk", "standard", "two_tier",
    }
)  # fmt: skip
"""Names whose package or distribution is one of Gonghai's own, which need not be installed here."""
_KEPT: Final = frozenset({"gonghai", "policies", "policy", "test", "testing", "tests"})
"""First words of names under which Gonghai's own packages and tests look for each other."""


def misread(name: str) -> str:
    """Say what a policy document would take the name for; "" when it takes it for the name."""
    try:
        read = yaml.safe_load(name)
    except yaml.YAMLError:
        return "YAML cannot read it: a policy document could name it in quotes only"
    if read != name:
        return (
            f"YAML reads it as {read!r}, which is no text: a policy document could name it in "
            "quotes only"
        )
    if name == DEFAULT:
        return "a policy document says `default` for every industry that it does not name"
    return ""


def unusable(name: str) -> str:
    """Say why a new plugin cannot have the name; "" when it can.

    Two packages of one name hide each other: a plugin called archive would take the place of the
    archive service wherever both are installed.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or len(name) > _LONGEST:
        return (
            f"{name!r} is no name of a plugin: small letters and digits, joined by underscores, "
            f"{_LONGEST} at the most"
        )
    why = misread(name) or _kept(name) or _taken(name)
    return f"{name!r} cannot be the name of a new plugin: {why}" if why else ""


def _kept(name: str) -> str:
    first = name.partition("_")[0]
    return f"names that begin with `{first}` are kept for Gonghai itself" if first in _KEPT else ""


def _taken(name: str) -> str:
    package, project = f"gonghai_{name}", f"gonghai-plugin-{name.replace('_', '-')}"
    if name in _OURS:
        return f"{package} or {project} is a part of Gonghai"
    if entry_points(group=hookspecs.PROJECT, name=name):
        return "a plugin of that name is installed"
    # Not what this process has loaded already: what another one would find.
    if any(finder.find_spec(package, None) for finder in sys.meta_path):
        return f"there is a package {package}"
    try:
        distribution(project)
    except PackageNotFoundError:
        return ""
    return f"there is a distribution {project}"
