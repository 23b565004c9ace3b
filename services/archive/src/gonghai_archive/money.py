"""Amounts: `google.type.Money` as minor units of the tenant's currency, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.type import money_pb2

from gonghai_chassis.errors import FieldViolation, InvalidRequest

if TYPE_CHECKING:
    from google.type.money_pb2 import Money

_MINOR = 100
_NANOS = 10_000_000
"""Nanos of one minor unit."""
_MOST = 10**12
"""Minor units: ten thousand million yuan in one go is a slip of the hand."""
MOST_IN_SUM: Final = 2**53 - 1
"""What sums stop at: beyond, the store and its scripts no longer keep numbers exactly."""


def minor_units(money: Money, field: str, currency: str) -> int:
    """Return an amount in minor units.

    Args:
        money: what was sent; without a currency it is the tenant's.
        field: its path in the request.
        currency: the tenant's (ISO 4217).

    Raises:
        InvalidRequest: it is negative, of another currency, finer than minor units, or more than
            10^12 of them.
    """
    if money.currency_code and money.currency_code != currency:
        raise InvalidRequest(
            FieldViolation(f"{field}.currency_code", f"must be {currency}, the tenant's currency")
        )
    if money.units < 0 or money.nanos < 0:
        raise InvalidRequest(FieldViolation(field, "must not be negative"))
    if money.nanos % _NANOS or money.nanos >= _MINOR * _NANOS:
        raise InvalidRequest(FieldViolation(f"{field}.nanos", "must be whole minor units"))
    amount = money.units * _MINOR + money.nanos // _NANOS
    if amount > _MOST:
        raise InvalidRequest(FieldViolation(field, "is too large"))
    return amount


def money_of(amount: int, currency: str) -> Money:
    """Return minor units as money; negative amounts have negative units and nanos."""
    sign = -1 if amount < 0 else 1
    units, rest = divmod(abs(amount), _MINOR)
    return money_pb2.Money(currency_code=currency, units=sign * units, nanos=sign * rest * _NANOS)
