"""A sample as CSV files, for those who want to look at it or import it by hand."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from gonghai_plugin.sample.model import SampleData


def write(data: SampleData, folder: Path) -> tuple[Path, ...]:
    """Write ``customers.csv``, ``purchases.csv`` and ``follow_ups.csv`` into ``folder``.

    One row a customer, a purchase line, a follow-up; a customer's attributes are columns, a set's
    members are parted by ``|``. Raises OSError.
    """
    attributes = sorted({name for customer in data.customers for name in customer.attributes})
    return (
        _file(
            folder / "customers.csv",
            ("id", "name", "kind", "region", "source", "credit_code", "phone", "address",
             *attributes),
            (
                (c.id, c.name, c.kind, c.region, c.source, c.credit_code, c.phone, c.address,
                 *(_cell(c.attributes.get(name)) for name in attributes))
                for c in data.customers
            ),
        ),
        _file(
            folder / "purchases.csv",
            ("id", "customer", "at", "channel", "product", "category", "quantity", "amount"),
            (
                (p.id, p.customer, p.at, p.channel, line.product, line.category, line.quantity,
                 line.amount)
                for p in data.purchases
                for line in p.lines
            ),
        ),
        _file(
            folder / "follow_ups.csv",
            ("id", "customer", "rep", "at", "channel", "outcome", "minutes"),
            (
                (f.id, f.customer, f.rep or "", f.at, f.channel, f.outcome, f.minutes)
                for f in data.follow_ups
            ),
        ),
    )  # fmt: skip


def _cell(value: bool | int | str | tuple[str, ...] | None) -> object:  # noqa: FBT001 - an attribute's value
    return "|".join(value) if isinstance(value, tuple) else "" if value is None else value


def _file(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path
