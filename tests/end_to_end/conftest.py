"""One undisturbed run of the flow, which several tests look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.end_to_end.stage import CountedServices, Ticks, played, small_sample, stack_on

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gonghai_cli.account.account import Account
    from gonghai_cli.flow.sample import Sample
    from gonghai_cli.stack import Stack


@dataclass(frozen=True, slots=True)
class Run:
    """A stack on which the flow was played to its end, without any disturbance.

    Attributes:
        stack: still running.
        sample: what was played.
        account: what came of it.
        ticks: how many messages went over the driver's wires.
    """

    stack: Stack
    sample: Sample
    account: Account
    ticks: int


@pytest.fixture(scope="session")
def sample() -> Sample:
    # A Monday without holidays around, far enough ahead that the store's clock is behind it.
    return small_sample(datetime(2031, 3, 3))  # noqa: DTZ001 - a day of the sample's zone


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, sample: Sample
) -> AsyncIterator[Run]:
    ticks = Ticks()
    async with (
        stack_on(tmp_path_factory.mktemp("undisturbed")) as stack,
        CountedServices(stack, ticks) as services,
    ):
        account = await played(services, sample)
        yield Run(stack, sample, account, ticks.count)
