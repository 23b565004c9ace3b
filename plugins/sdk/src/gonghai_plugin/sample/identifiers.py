"""Identifiers that are valid, and nobody's as far as their makers know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from random import Random

_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_ORGANISATION_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_MOBILE_PREFIXES: Final = ("135", "136", "137", "138", "139", "150", "151", "158", "159", "186")


def credit_code(random: Random, division: str) -> str:
    """Make a unified social credit code (GB 32100-2015) of an enterprise in a division.

    ``division`` is the administrative division, six digits (GB/T 2260). Both check characters
    hold: that of the organisation code in it (GB 11714) and its own.
    """
    organisation = "MA" + "".join(random.choice(_ALPHABET) for _ in range(6))
    total = sum(
        weight * _ALPHANUMERIC.index(character)
        for weight, character in zip(_ORGANISATION_WEIGHTS, organisation, strict=True)
    )
    check = "0123456789X0"[(11 - total % 11) % 11]
    body = f"91{division}{organisation}{check}"
    total = sum(
        pow(3, place, 31) * _ALPHABET.index(character) for place, character in enumerate(body)
    )
    return body + _ALPHABET[(31 - total % 31) % 31]


def mobile(random: Random) -> str:
    """Make a mobile number of mainland China in international form."""
    return f"+86{random.choice(_MOBILE_PREFIXES)}{random.randrange(10**8):08d}"


_ALPHANUMERIC: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
