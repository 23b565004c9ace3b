"""Pages of lists of which a caller may see a part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from gonghai_archive.store.customers import Place

T = TypeVar("T")
M = TypeVar("M")

_AT_ONCE: Final = 100
"""How many are looked at in a further round: one that a caller may not know of is seldom alone."""

_READ: Final = 1000
"""How many are read in vain for one page, before its caller is asked to go on."""

_LOOKED_AT: Final = 10_000
"""How many entries are gone over for one page, before its caller is asked to go on."""


@dataclass(frozen=True, slots=True)
class Entries(Generic[T]):
    """What a list has from a place on.

    Attributes:
        found: each with its own place, in order.
        place: where to go on; None at the end of the list.
        looked_at: how many entries were gone over to find them.
    """

    found: Sequence[tuple[Place, T]]
    place: Place | None
    looked_at: int


@dataclass(frozen=True, slots=True)
class Shown(Generic[M]):
    """What a caller is shown of an entry.

    Attributes:
        message: None where it is not there for him.
        in_doubt: it might be, if its custody were not in doubt.
    """

    message: M | None
    in_doubt: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """A page of a list.

    Attributes:
        messages: what the caller is shown.
        incomplete: something that might be his was left out.
        place: where the next page goes on; None at the end of the list.
    """

    messages: Sequence[M]
    incomplete: bool
    place: Place | None


async def page_of(
    size: int,
    place: Place | None,
    look: Callable[[Place | None, int], Awaitable[Entries[T]]],
    show: Callable[[Sequence[T]], Awaitable[Sequence[Shown[M]]]],
) -> Page[M]:
    """Return a page of what the caller is shown, and a place only if there is more for him.

    What is not for him is passed over until the page is full, so that neither the length of a page
    nor the number of pages tells how much of it there is; a list with more than a thousand such
    entries in a row is gone over in as many pages as it has thousands.

    Args:
        size: how many entries a page has at the most.
        place: the one that a page before ended with; None for the first.
        look: gives entries from a place on, at most so many.
        show: says of each what the caller is shown of it.
    """
    messages: list[M] = []
    incomplete = False
    last = place
    read, looked_at, at_once = 0, 0, size + 1
    while True:
        entries = await look(place, at_once)
        shown = await show([each for _, each in entries.found])
        for (at, _), one in zip(entries.found, shown, strict=True):
            if one.message is None:
                incomplete = incomplete or one.in_doubt
            elif len(messages) < size:
                messages.append(one.message)
                last = at
            else:
                return Page(messages, incomplete, last)
        place = entries.place
        read += len(entries.found)
        looked_at += entries.looked_at
        if place is None or read >= _READ + size or looked_at >= _LOOKED_AT:
            return Page(messages, incomplete, place)
        at_once = max(_AT_ONCE, size + 1 - len(messages))
