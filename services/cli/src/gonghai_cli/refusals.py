"""Errors of the services as a person reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from gonghai_chassis.errors import Refusal


def describe(refusal: Refusal) -> Text:
    """Write a refusal: what is the matter, then every field, rule and limit in the way."""
    text = Text()
    text.append(refusal.reason.value, style="bold red")
    text.append(f"  {refusal.message}")
    for violation in refusal.fields:
        text.append(f"\n  {violation.field}: {violation.message}")
    for obstacle in refusal.preconditions:
        text.append(f"\n  {obstacle.rule}: {obstacle.message}")
    for limit in refusal.quotas:
        text.append(f"\n  {limit.subject}: {limit.message}")
    if refusal.retry_after is not None:
        text.append(f"\n  try again in {refusal.retry_after / 1_000_000:g} s", style="dim")
    return text
