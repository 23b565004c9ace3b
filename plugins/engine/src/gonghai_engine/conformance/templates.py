"""A new plugin from the template that stands beside this module."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import copier

from gonghai_engine.conformance.naming import unusable

_TEMPLATE: Final = Path(__file__).with_name("template")


class TemplateError(ValueError):
    """The plugin cannot be made; the message says why."""


def make(name: str, folder: Path | None = None, *, title_en: str = "", title_zh: str = "") -> Path:
    """Make the project of a plugin; return its folder.

    Needs neither network nor git. Raises TemplateError for a name that `naming` refuses, or for a
    folder that has something in it.
    """
    if why := unusable(name):
        raise TemplateError(why)
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


def _text(title: str) -> str:
    """Return a title as it can stand in any file of the template."""
    if not title.isprintable() or set(title) & set("\"\\'{}"):
        raise TemplateError(f"the title {title!r} has a character that cannot be in one")
    return title
