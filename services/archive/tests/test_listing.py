"""Pages of a list of which its caller may see a part."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from gonghai_archive.listing import Entries, Page, Shown, page_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gonghai_archive.store.customers import Place


class Entered:
    """A list of customers in which some are not there for the caller."""

    def __init__(self, visible: Sequence[bool], short: int = 1000, spread: int = 1) -> None:
        """Take which are there for him, how many a look gives, and what it goes over for them."""
        self.visible = visible
        self.short = short
        self.spread = spread
        self.looks: list[int] = []

    async def look(self, place: Place | None, limit: int) -> Entries[int]:
        start = 0 if place is None else place[0] + 1
        end = min(start + min(limit, self.short), len(self.visible))
        self.looks.append(end - start)
        found = [((i, ""), i) for i in range(start, end)]
        return Entries(found, (end - 1, "") if end < len(self.visible) else None, self.spread)

    async def show(self, entries: Sequence[int]) -> list[Shown[int]]:
        return [Shown(i if self.visible[i] else None, in_doubt=i % 7 == 3) for i in entries]

    async def pages(self, size: int) -> list[Page[int]]:
        pages = [await page_of(size, None, self.look, self.show)]
        while pages[-1].place is not None:
            pages.append(await page_of(size, pages[-1].place, self.look, self.show))
        return pages


@given(
    visible=st.lists(st.booleans(), max_size=300),
    size=st.integers(1, 40),
    short=st.integers(1, 50),
)
async def test_pages_are_as_if_there_were_nothing_else(
    visible: list[bool], size: int, short: int
) -> None:
    pages = await Entered(visible, short).pages(size)
    there = [i for i, seen in enumerate(visible) if seen]
    assert [each for page in pages for each in page.messages] == there
    assert len(pages) == max(1, -(-len(there) // size))
    assert all(len(page.messages) == size for page, _ in pairwise(pages))
    doubtful = any(not seen and i % 7 == 3 for i, seen in enumerate(visible))
    assert any(page.incomplete for page in pages) == doubtful


async def test_a_page_looks_at_a_thousand_before_it_asks_to_go_on() -> None:
    entered = Entered([False] * 2500 + [True])
    pages = await entered.pages(10)
    assert [page.messages for page in pages] == [[], [], [2500]]
    assert max(entered.looks) <= 100
    assert all(page.incomplete for page in pages)


async def test_a_page_is_short_rather_than_gone_over_for_ever() -> None:
    entered = Entered([True] * 10, short=1, spread=4000)
    assert [len(page.messages) for page in await entered.pages(10)] == [3, 3, 3, 1]
