"""The three services in this process, over real gRPC and a real store: quick to start."""

# ruff: noqa: ANN401 - further settings are of any kind
from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gonghai_archive.service import assemble as assemble_archive
from gonghai_archive.settings import ArchiveSettings
from gonghai_assignment.service import assemble as assemble_assignment
from gonghai_assignment.settings import AssignmentSettings
from gonghai_chassis.embedded import free_port
from gonghai_chassis.testing.serving import dev_settings, serving
from gonghai_cli.flow.driver import Driver
from gonghai_cli.flow.imports import import_customers, ingest_history
from gonghai_cli.flow.setup import apply_policy, open_pools, set_up_organisation
from gonghai_cli.services import Services
from gonghai_cli.stack import Addresses
from gonghai_pool.service import assemble as assemble_pool
from gonghai_pool.settings import PoolSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gonghai_chassis.store import StoreSettings
    from gonghai_cli.flow.sample import Sample

_PARTS: Final[tuple[tuple[str, Any, Any], ...]] = (
    ("archive", assemble_archive, ArchiveSettings),
    ("pool", assemble_pool, PoolSettings),
    ("assignment", assemble_assignment, AssignmentSettings),
)


@dataclass(frozen=True, slots=True)
class Trio:
    """The services, and where they listen."""

    addresses: Addresses
    services: Services

    async def open(self, sample: Sample) -> Driver:
        """Play a sample up to the moment at which its pools are open."""
        driver = Driver(self.services, sample)
        await driver.freeze(sample.start)
        await apply_policy(driver)
        await set_up_organisation(driver)
        await import_customers(driver)
        await ingest_history(driver)
        await open_pools(driver)
        await driver.quiet()
        return driver


@asynccontextmanager
async def trio(store: StoreSettings, **more: Any) -> AsyncIterator[Trio]:
    """Serve all three while the block runs."""
    ports = {name: free_port() for name, _, _ in _PARTS}
    told = {f"{name}_address": f"127.0.0.1:{port}" for name, port in ports.items()}
    addresses = Addresses(*(told[f"{name}_address"] for name in ("archive", "pool", "assignment")))
    async with AsyncExitStack() as running:
        for name, assemble, settings in _PARTS:
            own = dev_settings(settings, store=store, **{**told, **more, "port": ports[name]})
            await running.enter_async_context(serving(name, assemble, own))
        services = await running.enter_async_context(Services(addresses))
        yield Trio(addresses, services)
