"""In which language a person reads."""

from __future__ import annotations

import os
from enum import StrEnum


class Language(StrEnum):
    """The languages that the command line speaks."""

    EN = "en"
    ZH = "zh"


def language_of_environment() -> Language:
    """Return the language of the locale: Chinese where it says so, else English."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(variable, "")
        if value:
            return Language.ZH if value.lower().startswith("zh") else Language.EN
    return Language.EN
