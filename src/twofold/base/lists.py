"""Pagination: the items of a page, and the cursor of the next page."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

LAST_ID = "v" * 26  # above every id in any collation; many sort punctuation such as "~" before digits


class Item(Protocol):
    """An item of a list."""

    @property
    def id(self) -> str:
        """An id that sorts by time."""


T = TypeVar("T", bound=Item)


def page_of(items: Sequence[T], limit: int) -> tuple[list[T], str | None]:
    """Split at most `limit` + 1 items into a page and the cursor of the next page."""
    return list(items[:limit]), items[limit - 1].id if len(items) > limit else None
