"""A new plugin from the template that stands beside this module."""

from __future__ import annotations

import keyword
import re
import sys
from importlib.metadata import PackageNotFoundError, distribution, entry_points
from pathlib import Path
from typing import Final

import copier

from gonghai_plugin import hookspecs

_TEMPLATE: Final = Path(__file__).with_name("template")
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST: Final = 40
_OURS: Final = frozenset(
    {
        "aquatic", "archive", "assignment", "chassis", "cli", "engine", "fmcg", "plugin",
        "policy_service", "pool", "sdk", "standard", "two_tier",
    }
)  # fmt: skip
"""Names whose package or distribution is one of Gonghai's own, which need not be installed here."""


class TemplateError(ValueError):
    """The plugin cannot be made; the message says why."""


def make(name: str, folder: Path | None = None, *, title_en: str = "", title_zh: str = "") -> Path:
    """Make the project of a plugin; return its folder.

    Needs neither network nor git. Raises TemplateError for a name that is none or that something
    has already, or a folder that has something in it.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or len(name) > _LONGEST:
        raise TemplateError(
            f"{name!r} is no name of a plugin: small letters and digits, joined by underscores, "
            f"{_LONGEST} at the most"
        )
    if why := _taken(name):
        raise TemplateError(f"{name!r} cannot be the name of a new plugin: {why}")
    target = folder or Path(f"gonghai-{name.replace('_', '-')}")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise TemplateError(f"{target} is there already")
    plain = name.replace("_", " ")
    copier.run_copy(
        str(_TEMPLATE),
        target,
        data={
            "name": name,
            "title_en": _text(title_en or plain.capitalize()),
            "title_zh": _text(title_zh or plain.capitalize()),
        },
        defaults=True,
        quiet=True,
    )
    return target


def _taken(name: str) -> str:
    """Say what has the name already; "" when nothing has.

    Two packages of one name hide each other: a plugin called archive would take the place of the
    archive service wherever both are installed.
    """
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


def _text(title: str) -> str:
    """Return a title as it can stand in any file of the template."""
    if not title.isprintable() or set(title) & set("\"\\'{}"):
        raise TemplateError(f"the title {title!r} has a character that cannot be in one")
    return title
