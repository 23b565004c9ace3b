"""Sentences for people, in both languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Literal


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence or label in English and Chinese.

    A reason may hold figures in braces: ``{days_since_last_order}`` is a fact's value,
    ``{settings.dormant_after_days}`` a setting's. The engine fills them in.
    """

    en: str
    zh: str

    def in_language(self, language: Literal["en", "zh"]) -> str:
        """Return the sentence in ``language``."""
        return self.zh if language == "zh" else self.en
