"""Steps of the flow: the customers and their past come into the archive."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

from gonghai.archive.v1 import activity_pb2, archive_service_pb2, customer_pb2
from gonghai.type.v1 import fact_pb2
from gonghai_cli.flow.activities import follow_up_message, other_message, purchase_message
from gonghai_cli.flow.repeat import repeated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator

    from google.rpc import status_pb2

    from gonghai_cli.flow.driver import Driver
    from gonghai_cli.flow.sample import Customer

T = TypeVar("T")

_ROWS: Final = 50
_ACTIVITIES: Final = 500


class ImportFailed(Exception):  # noqa: N818 - named after what happened
    """Rows of the sample were refused."""

    def __init__(self, what: str, count: int, first: status_pb2.Status) -> None:
        """Say how many, and why the first."""
        super().__init__(f"{count} {what} were refused, the first because: {first.message}")


async def import_customers(driver: Driver) -> None:
    """Import the customers as a stream of rows; a stream that broke off is sent again whole."""
    sample = driver.sample
    driver.telling.begin("import", len(sample.customers))

    async def rows() -> AsyncIterator[archive_service_pb2.ImportCustomersRequest]:
        numbered = enumerate(sample.customers, start=1)
        for part in _parts(numbered, _ROWS):
            yield archive_service_pb2.ImportCustomersRequest(
                parent=driver.parent,
                rows=[_row(driver, number, customer) for number, customer in part],
            )

    async def send() -> list[archive_service_pb2.ImportResult]:
        results: list[archive_service_pb2.ImportResult] = []
        async for answer in driver.services.archive.ImportCustomers(rows()):
            results.extend(answer.results)
        return results

    results = await repeated(send)
    refused = [result for result in results if result.status.code]
    if refused:
        raise ImportFailed("customers", len(refused), refused[0].status)
    driver.telling.advance(len(results))


async def ingest_history(driver: Driver) -> None:
    """Ingest what happened in the year before."""
    sample, parent = driver.sample, driver.parent
    total = len(sample.purchases) + len(sample.follow_ups) + len(sample.others)
    driver.telling.begin("history", total)

    def past() -> Iterator[activity_pb2.Activity]:
        yield from (purchase_message(parent, purchase) for purchase in sample.purchases)
        yield from (
            follow_up_message(parent, follow_up, follow_up.rep) for follow_up in sample.follow_ups
        )
        yield from (other_message(parent, other) for other in sample.others)

    await ingest(driver, past)
    driver.telling.advance(total)
    await driver.quiet()


async def ingest(driver: Driver, activities: Callable[[], Iterable[activity_pb2.Activity]]) -> None:
    """Stream activities into the archive; a stream that broke off is sent again whole."""

    async def parts() -> AsyncIterator[archive_service_pb2.IngestActivitiesRequest]:
        for part in _parts(activities(), _ACTIVITIES):
            yield archive_service_pb2.IngestActivitiesRequest(parent=driver.parent, activities=part)

    async def send() -> archive_service_pb2.IngestActivitiesResponse:
        return await driver.services.archive.IngestActivities(parts())

    answer = await repeated(send)
    if answer.refused:
        raise ImportFailed("activities", answer.refused, answer.refusals[0].status)


def _row(driver: Driver, number: int, customer: Customer) -> archive_service_pb2.ImportRow:
    identifiers = [
        customer_pb2.Identifier(
            kind=customer_pb2.IDENTIFIER_KIND_UNIFIED_SOCIAL_CREDIT_CODE, value=customer.credit_code
        ),
        customer_pb2.Identifier(kind=customer_pb2.IDENTIFIER_KIND_PHONE, value=customer.phone),
    ]
    return archive_service_pb2.ImportRow(
        row=number,
        customer_id=customer.id,
        customer=customer_pb2.Customer(
            display_name=customer.name,
            type=customer_pb2.CustomerType.Value(f"CUSTOMER_TYPE_{customer.kind.upper()}"),
            industry=driver.sample.industry,
            region=driver.region_path(customer.region),
            source=customer.source,
            tags=customer.tags,
            identifiers=[identifier for identifier in identifiers if identifier.value],
            addresses=[customer_pb2.Address(label="office", street=customer.address)],
            contacts=[
                customer_pb2.Contact(
                    display_name=contact.name,
                    role=contact.title,
                    phone=contact.phone,
                    email=contact.email,
                    primary=place == 0,
                )
                for place, contact in enumerate(customer.contacts)
            ],
            attributes={name: _value(value) for name, value in customer.attributes.items()},
        ),
    )


def _value(value: object) -> fact_pb2.Value:
    match value:
        case bool():
            return fact_pb2.Value(bool_value=value)
        case int():
            return fact_pb2.Value(int_value=value)
        case str():
            return fact_pb2.Value(string_value=value)
        case tuple() | list() | set() | frozenset():
            return fact_pb2.Value(set_value=fact_pb2.StringSet(values=sorted(value)))
        case _:
            raise TypeError(f"a {type(value).__name__} is no value of an attribute")


def _parts(items: Iterable[T], size: int) -> Iterator[list[T]]:
    left = iter(items)
    while part := list(islice(left, size)):
        yield part
