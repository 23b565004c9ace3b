"""Records and activities as bytes of the store.

A customer is two msgpack values: a head that scripts read alone (version, create time, update time,
policy revision) and write, and a body that is ours. Activities follow one another, each as the time
of recording, which the script writes, and a row without its trailing defaults.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgpack

from gonghai_archive.activities import Activity
from gonghai_archive.assessment import Assessment
from gonghai_archive.commissions import NOTHING, Account, Booking, Entry, Terms
from gonghai_archive.customers import Actor, Customer
from gonghai_archive.lines import NOBODY, Downline, Membership, Part
from gonghai_archive.profiles import Profile
from gonghai_chassis.store import records

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SCHEMA: Final = 1
_FIELDS: Final = 9
_PADDING: Final = tuple(("",) * (_FIELDS - count) for count in range(_FIELDS + 1))


def pack_body(customer: Customer) -> bytes:
    """Return the body of a record."""
    return records.pack(
        [
            _SCHEMA,
            customer.profile.packable(),
            customer.assessment.packable(),
            customer.owner,
            customer.reservation,
            customer.digest,
            customer.published,
            customer.told,
        ]
    )


def unpack_customer(tenant: str, customer: str, stored: bytes) -> Customer:
    """Read a record.

    Raises:
        ValueError: it is of a newer schema than this program knows.
    """
    values = _values(stored)
    version, created, updated, revision = next(values)
    return _customer(tenant, customer, (version, created, updated, revision), next(values))


def unpack_body(
    tenant: str, customer: str, body: bytes, *, version: int, created: int, updated: int
) -> Customer:
    """Read a body that a script just stored, with what its head says."""
    return _customer(tenant, customer, (version, created, updated, 0), next(_values(body)))


def _customer(
    tenant: str,
    customer: str,
    head: tuple[int, int, int, int],
    body: Any,  # noqa: ANN401
) -> Customer:
    schema, profile, assessment, owner, reservation, digest, published, told = body
    if schema > _SCHEMA:
        raise ValueError(f"A customer of schema {schema} is newer than this program knows.")
    version, created, updated, revision = head
    return Customer(
        tenant,
        customer,
        version,
        created,
        updated,
        Profile.unpacked(profile),
        Assessment.unpacked(assessment, revision),
        owner,
        reservation,
        digest,
        published,
        told,
    )


def unpack_line(stored: bytes | None) -> tuple[Part | None, Downline]:
    """Read what a customer gives to its sponsor, and what its own second level adds up to."""
    if not stored:
        return None, NOBODY
    row = records.mapping(records.unpack(stored))
    up, down = row.get("up"), row.get("down")
    return (
        None
        if up is None
        else Part(up["sponsor"], up.get("last_order"), tuple(_pairs(up["amounts"]).items())),
        NOBODY
        if down is None
        else Downline(
            down["version"],
            down["members"],
            down.get("pending_since"),
            _pairs(down["amounts"]),
            _pairs(down["last_orders"]),
        ),
    )


def unpack_membership(stored: bytes) -> Membership:
    """Read that a customer came below a sponsor, or left it."""
    return Membership._make(records.sequence(records.unpack(stored)))


def pack_part(part: Part) -> dict[str, Any]:
    """Return what a customer gives to its sponsor as the scripts take and keep it."""
    return {
        "sponsor": part.sponsor,
        "last_order": part.last_order,
        "amounts": [number for pair in part.amounts for number in pair],
    }


def _pairs(flat: Any) -> dict[int, int]:  # noqa: ANN401 - as the scripts keep it
    numbers = records.sequence(flat)
    return dict(zip(numbers[::2], numbers[1::2], strict=True))


def pack_booking(customer: str, booking: Booking) -> dict[str, Any] | None:
    """Return what is booked of a customer's orders as scripts take it; None where it is nothing."""
    if booking == NOTHING:
        return None
    return {
        "terms": b"".join(records.pack(list(each)) for each in booking.terms),
        "entries": [
            {
                "statement": f"{each.beneficiary}:{each.period}",
                "beneficiary": each.beneficiary,
                "field": f"{each.period}:{'earned' if each.amount > 0 else 'taken_back'}",
                "amount": each.amount,
                "row": records.pack(list(each[2:])),
            }
            for each in booking.entries
        ],
        "waits": [_waiting(customer, each) for each in booking.waits],
        "settled": [_waiting(customer, each) for each in booking.settled],
    }


def _waiting(customer: str, account: Account) -> dict[str, Any]:
    return {
        "beneficiary": account.beneficiary,
        "month": month_number(account.period),
        "order": f"{customer}/{account.activity}",
    }


def month_number(period: str) -> int:
    """Return a month as a number that sorts: 202611 of `2026-11`."""
    return int(period.replace("-", ""))


def unpack_terms(stored: bytes | None) -> dict[str, Terms]:
    """Read by what a customer's orders pay; of an order's terms the last written stand."""
    if not stored:
        return {}
    return {terms.activity: terms for terms in map(Terms._make, _values(stored))}


def unpack_entry_of(beneficiary: str, period: str, stored: bytes) -> tuple[int, Entry]:
    """Read a line of a statement: when it was booked (µs, domain time), and what it says."""
    values = _values(stored)
    return next(values), Entry(beneficiary, period, *next(values))


def pack_activity(activity: Activity) -> bytes:
    """Return an activity's row, without the time of recording."""
    row = list(activity[:_FIELDS])
    while row[-1] == "":
        row.pop()
    return records.pack(row)


def unpack_activities(stored: bytes | None) -> list[Activity]:
    """Read a customer's activities, in the order in which they were recorded."""
    if not stored:
        return []
    values = _values(stored)
    return [
        Activity._make((*row, *_PADDING[len(row)], recorded))
        for recorded, row in zip(values, values, strict=True)
    ]


def pack_entry(
    actor: Actor, change: str, before: Mapping[str, object], after: Mapping[str, object]
) -> bytes:
    """Return an entry of the history, without its time, which the script writes in front.

    Args:
        actor: who.
        change: what: `create`, `update`, `reparent`, `tier`, `stage`, `admission`.
        before: the fields that changed as they were, as the store keeps them.
        after: the same as they are.
    """
    return records.pack([*actor, change, dict(before), dict(after)])


def unpack_entry(stored: bytes) -> tuple[int, Any]:
    """Return an entry's time, and [principal, on behalf of, change, before, after]."""
    values = _values(stored)
    return next(values), next(values)


def _values(stored: bytes) -> Iterator[Any]:
    unpacker = msgpack.Unpacker(
        raw=False,
        unicode_errors="surrogateescape",
        use_list=False,
        strict_map_key=False,
        max_buffer_size=0,
    )
    unpacker.feed(stored)
    return iter(unpacker)
