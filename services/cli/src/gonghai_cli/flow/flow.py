"""The main flow: from the import of a sample to its reclaims, through the services alone.

Each call can be repeated, so that the flow goes on where a service was away; and each step can be
played again after an interruption: what it did is done once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gonghai_cli.flow.claims import claim_back, claim_too_many
from gonghai_cli.flow.days import live
from gonghai_cli.flow.imports import import_customers, ingest_history
from gonghai_cli.flow.setup import apply_policy, open_pools, set_up_organisation

if TYPE_CHECKING:
    from gonghai_cli.flow.driver import Driver

_BACK: Final = 3
"""How many former owners try to take back at the end what they lost."""


async def play(driver: Driver, days: int) -> None:
    """Play the whole flow.

    Args:
        driver: the services and the sample.
        days: how many virtual days pass after the import.

    Raises:
        PeerRefused: a service refused what it should do.
        NotRefused: a service did what it should refuse.
    """
    driver.telling.begin("policy")
    await driver.freeze(driver.sample.start)
    await apply_policy(driver)
    await set_up_organisation(driver)
    await import_customers(driver)
    await ingest_history(driver)
    await open_pools(driver)
    await live(driver, days)
    driver.telling.begin("refused")
    await claim_back(driver, _BACK, "last")
    await claim_too_many(driver)
    await driver.quiet()
