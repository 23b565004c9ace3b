"""`gonghai demo`: the main flow on a plugin's sample, with progress, and the account afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from gonghai.dev.v1 import clock_pb2
from gonghai.policy.v1 import policy_service_pb2
from gonghai_cli.account.account import account_of
from gonghai_cli.account.tables import show
from gonghai_cli.flow.driver import Driver
from gonghai_cli.flow.flow import play as play_flow
from gonghai_cli.flow.progress import shown
from gonghai_cli.flow.repeat import repeated
from gonghai_cli.flow.sample import first_day, sample_maker
from gonghai_cli.services import Services
from gonghai_cli.words import word

if TYPE_CHECKING:
    from rich.console import Console

    from gonghai_cli.language import Language
    from gonghai_cli.stack import Stack

ZONE: Final = "Asia/Shanghai"
OPENING_HOUR: Final = 9


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """What to play.

    Attributes:
        plugin: whose sample.
        seed: of the sample's generator.
        start: the virtual day on which the import takes place; when None, the next one on which
            the sample is best begun.
        language: of the account.
    """

    plugin: str
    seed: int
    start: datetime | None
    language: Language


async def play(stack: Stack, settings: DemoSettings, console: Console) -> None:
    """Play the flow on a running stack and print the account.

    Raises:
        NoSample: the plugin ships none.
    """
    make = sample_maker(settings.plugin)
    async with Services(stack.addresses, language=settings.language) as services:
        clock = await repeated(lambda: services.clock.GetClock(clock_pb2.GetClockRequest()))
        tomorrow = clock.now.ToDatetime(UTC) + timedelta(days=1)
        start = opening(settings.start or first_day(make, tomorrow))
        sample = make(seed=settings.seed, start=start)
        with shown(console, settings.language) as telling:
            if await _played(services, sample.tenant):
                console.print(word("kept", settings.language))
            else:
                await play_flow(Driver(services, sample, telling), sample.days)
            telling.begin("account")
            account = await account_of(services, sample.tenant)
        console.print()
        show(account, console, settings.language, ZONE)


async def _played(services: Services, tenant: str) -> bool:
    request = policy_service_pb2.ListRevisionsRequest(parent=f"tenants/{tenant}", page_size=1)
    return bool((await repeated(lambda: services.policies.ListRevisions(request))).revisions)


def opening(day: datetime) -> int:
    """Return the instant at which business begins on a day of the sample's zone."""
    local = day.astimezone(ZoneInfo(ZONE)) if day.tzinfo else day
    opened = datetime(local.year, local.month, local.day, OPENING_HOUR, tzinfo=ZoneInfo(ZONE))
    return int(opened.timestamp()) * 1_000_000
