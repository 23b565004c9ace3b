"""A new plugin from the template that stands beside this module."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from typing import Final

import copier

_TEMPLATE: Final = Path(__file__).with_name("template")
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST: Final = 40


class TemplateError(ValueError):
    """The plugin cannot be made; the message says why."""


def make(name: str, folder: Path | None = None, *, title_en: str = "", title_zh: str = "") -> Path:
    """Make the project of a plugin; return its folder.

    Needs neither network nor git. Raises TemplateError for a name that is none, or a folder that
    has something in it.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or len(name) > _LONGEST:
        raise TemplateError(
            f"{name!r} is no name of a plugin: small letters and digits, joined by underscores, "
            f"{_LONGEST} at the most"
        )
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
