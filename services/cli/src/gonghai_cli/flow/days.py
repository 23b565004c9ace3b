"""Steps of the flow: the virtual days after the import, with what the script says of each."""

from __future__ import annotations

import asyncio
from itertools import groupby
from typing import TYPE_CHECKING

from gonghai.pool.v1 import pool_service_pb2
from gonghai_cli.account.reading import ident
from gonghai_cli.flow.activities import follow_up_message, other_message, purchase_message
from gonghai_cli.flow.claims import DAY, claim_back, claim_each
from gonghai_cli.flow.imports import ingest
from gonghai_cli.flow.repeat import repeated
from gonghai_cli.flow.sample import ClaimBack, Claims, FollowUp, Purchase

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gonghai.archive.v1 import activity_pb2
    from gonghai_cli.flow.driver import Driver
    from gonghai_cli.flow.sample import Other


async def live(driver: Driver, days: int) -> None:
    """Let the days pass: at the end of each, what the script says of it happens."""
    sample = driver.sample
    script = {
        day: list(events)
        for day, events in groupby(sample.script, lambda event: (event.at - sample.start) // DAY)
    }
    driver.telling.begin("days", days)
    for day in range(days):
        events = script.get(day, [])
        if events:
            await driver.advance(max(event.at for event in events))
            await _happen(driver, events, day)
        driver.telling.advance(day=day + 1)
    await driver.advance(sample.start + days * DAY)


async def _happen(
    driver: Driver, events: Sequence[Purchase | FollowUp | Other | Claims | ClaimBack], day: int
) -> None:
    """Let reps claim, then record what they and the customers did."""
    for event in events:
        if isinstance(event, Claims):
            await claim_each(driver, event.rep, event.customers, f"day-{day}")
        elif isinstance(event, ClaimBack):
            await claim_back(driver, event.count, f"back-{day}")
    wanted = {event.customer for event in events if isinstance(event, FollowUp) and not event.rep}
    recorded = list(_activities(driver, events, await _holders(driver, wanted)))
    if recorded:
        await ingest(driver, lambda: recorded)
    await driver.quiet()


async def _holders(driver: Driver, customers: set[str]) -> dict[str, str]:
    """Return who holds each of these customers now, "" for nobody."""

    async def holder(customer: str) -> str:
        request = pool_service_pb2.GetCustodyRequest(
            name=f"{driver.parent}/customers/{customer}/custody"
        )
        custody = await repeated(lambda: driver.services.pool.GetCustody(request))
        return ident(custody.holder.rep)

    ordered = sorted(customers)
    return dict(
        zip(ordered, await asyncio.gather(*(holder(each) for each in ordered)), strict=True)
    )


def _activities(
    driver: Driver,
    events: Sequence[Purchase | FollowUp | Other | Claims | ClaimBack],
    holders: dict[str, str],
) -> Iterator[activity_pb2.Activity]:
    """A follow-up that names nobody is done by whoever holds the customer, if anybody does."""
    for event in events:
        if isinstance(event, FollowUp):
            rep = event.rep or holders.get(event.customer)
            if rep:
                yield follow_up_message(driver.parent, event, rep)
        elif isinstance(event, Purchase):
            yield purchase_message(driver.parent, event)
        elif not isinstance(event, (Claims, ClaimBack)):
            yield other_message(driver.parent, event)
