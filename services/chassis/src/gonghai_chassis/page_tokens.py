"""Page tokens (AIP-158): opaque, and bound to the request they were made for.

A token holds the place to go on from, sealed by a secret of the installation, so that every replica
reads those of the others and nobody else reads or makes any: the last thing that a page looked at
may be one that the caller must not hear of. It is bound to the request without `page_token` and
`page_size`, so that a token of another list, another filter or another order is refused instead of
answering with a page that belongs to nothing. It is no credential: whoever shows it may see what he
may see without it.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, TypeVar

import msgpack

from gonghai_chassis.context import current
from gonghai_chassis.errors import FieldViolation, InvalidRequest, Reason
from gonghai_chassis.fingerprints import content

if TYPE_CHECKING:
    from google.protobuf.message import Message

_F = TypeVar("_F", str, int)
_MOST = 2**53
_PAGING = ("page_token", "page_size")

Place = list[Any]
"""Where the next page begins: texts, and whole numbers that are not negative."""


def page_token(request: Message, place: Place) -> str:
    """Make the `next_page_token` of the answer to `request`."""
    sealed = current().pages.close(msgpack.packb(place), _about(request))
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def page_place(request: Message, *types: type[int | str]) -> Place | None:
    """Return the place that the request's `page_token` names; None for the first page.

    Args:
        request: a List request.
        types: what the place is made of, in order. A number is from 0 to what Lua holds exactly.

    Raises:
        InvalidRequest: the token is none of this installation, belongs to another request, or its
            place is made of something else, as another release may have it.
    """
    token = _field(request, "page_token", "")
    if not token:
        return None
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        body = current().pages.open(data, _about(request))
        if body is not None:
            place = msgpack.unpackb(body)
            if isinstance(place, list) and _made_of(place, types):
                return place
    except (ValueError, OverflowError, binascii.Error, msgpack.UnpackException):
        pass
    raise InvalidRequest(
        FieldViolation(
            "page_token",
            "was not made for this request: keep the other arguments as they were, or start over",
        ),
        reason=Reason.INVALID_PAGE_TOKEN,
    )


def page_size(request: Message, default: int = 50, most: int = 1000) -> int:
    """Return how many items a page takes: 0 means the default, and more than `most` means `most`.

    Raises:
        InvalidRequest: it is negative.
    """
    size = _field(request, "page_size", 0)
    if size < 0:
        raise InvalidRequest(FieldViolation("page_size", "must not be negative"))
    return min(size or default, most)


def _field(request: Message, name: str, empty: _F) -> _F:
    """Return a field that every List request has; a test of the contracts checks that."""
    value = getattr(request, name)
    if isinstance(value, type(empty)):
        return value
    message = f"{request.DESCRIPTOR.full_name}.{name} is no {type(empty).__name__}"
    raise TypeError(message)


def _made_of(place: Place, types: tuple[type[int | str], ...]) -> bool:
    """Say whether a place has the parts that it should; a bool is no number here."""
    return len(place) == len(types) and all(
        type(part) is kind and (not isinstance(part, int) or 0 <= part <= _MOST)
        for part, kind in zip(place, types, strict=True)
    )


def _about(request: Message) -> tuple[bytes, ...]:
    return request.DESCRIPTOR.full_name.encode(), content(request, _PAGING)
