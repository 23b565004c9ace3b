"""Reasons as records and events keep them: in both languages, for whoever reads them later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from gonghai_plugin import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

Recorded: TypeAlias = "str | Sequence[str]"
"""A reason in a record: a text for all readers, or the English and the Chinese one."""

NO_REASON: Final = Text("", "")
"""Nobody said why."""


def verbatim(words: str) -> Text:
    """Return a person's own words: every reader is told them as they are."""
    return Text(words, words)


def reason_record(reason: Text) -> Recorded:
    """Return a reason as a record keeps it; no reason is ""."""
    return reason.en if reason.zh == reason.en else [reason.en, reason.zh]


def recorded_reason(record: Recorded) -> Text:
    """Read what `reason_record` made; a text alone, as all were once kept, is for all readers."""
    return verbatim(record) if isinstance(record, str) else Text(*record)


def because_record(why: Text | None) -> Recorded:
    """Return what failed as a record keeps it; "" where nothing did."""
    return "" if why is None else reason_record(why)


def recorded_because(record: Recorded) -> Text | None:
    """Read what `because_record` made."""
    return recorded_reason(record) if record else None


def in_language(reason: Text | None, language: str) -> str:
    """Return a reason as a reader of `language` (`en` or `zh`) is told it; none is ""."""
    if reason is None:
        return ""
    return reason.in_language("zh" if language == "zh" else "en")


def chinese_apart(reason: Text) -> str:
    """Return what a message's field for the Chinese text holds: "" where there is one text."""
    return "" if reason.zh == reason.en else reason.zh


def told_reason(english: str, chinese: str) -> Text:
    """Read a message's two fields; without a Chinese text the other one is for all readers."""
    return Text(english, chinese or english)


def joined(english: str, chinese: str, after: Text) -> Text:
    """Return a reason with words of ours before it; they stand alone where there is none."""
    return Text(
        f"{english}: {after.en}" if after.en else english,
        f"{chinese}：{after.zh}" if after.zh else chinese,
    )
