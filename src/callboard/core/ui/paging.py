"""Cut lists into pages: by number where people jump, by cursor where lists are long or moving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import QuerySet
from django.http import HttpRequest

from callboard.core.ui.templatetags.callboard import query_string

T = TypeVar("T")
SIZES = (25, 50, 100)


@dataclass(frozen=True)
class ListPage(Generic[T]):
    """One page of a list, ready for ``<c-pager :page="page" />``.

    ``total`` is ``None`` where counting would cost too much. ``numbers`` holds the page numbers worth
    showing, with 0 for a gap; it is empty for pages by cursor. Addresses are query strings.
    """

    items: Sequence[T]
    total: int | None = None
    number: int = 1
    pages: int | None = None
    start: int = 0
    previous_url: str = ""
    next_url: str = ""
    numbers: tuple[tuple[int, str], ...] = ()

    @property
    def first(self) -> int:
        """Position of the first item, counted from 1."""
        return self.start + 1 if self.items else 0

    @property
    def last(self) -> int:
        """Position of the last item, counted from 1."""
        return self.start + len(self.items)

    @property
    def more(self) -> bool:
        """Whether there is any other page."""
        return bool(self.previous_url or self.next_url)

    def __iter__(self) -> Any:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


def offset_page(
    request: HttpRequest,
    items: QuerySet[Any] | Sequence[Any],
    *,
    size: int = 25,
    parameter: str = "page",
    total: int | None = None,
) -> ListPage[Any]:
    """Answer the page the query string asks for; a number that is none, or too high, is put right.

    With ``total`` given, it is believed instead of counting.
    """
    if total is None:
        total = items.count() if isinstance(items, QuerySet) else len(items)
    pages = max(1, -(-total // size))
    number = min(max(1, _whole(request.GET.get(parameter, ""), 1)), pages)
    start = (number - 1) * size

    def address(other: int) -> str:
        return query_string(request.GET, {parameter: other if other > 1 else None})

    return ListPage(
        items=list(items[start : start + size]),
        total=total,
        number=number,
        pages=pages,
        start=start,
        previous_url=address(number - 1) if number > 1 else "",
        next_url=address(number + 1) if number < pages else "",
        numbers=tuple((n, address(n) if n else "") for n in _numbers(number, pages)) if pages > 1 else (),
    )


def keyset_page(
    request: HttpRequest,
    items: Sequence[Any],
    *,
    next_cursor: object = None,
    previous_cursor: object = None,
    total: int | None = None,
    next_parameter: str = "after",
    previous_parameter: str = "before",
) -> ListPage[Any]:
    """Answer a page of a list that is read by cursor; the cursors come from who read it."""
    clear = {next_parameter: None, previous_parameter: None}

    def address(parameter: str, cursor: object) -> str:
        if cursor is None or cursor == "":
            return ""
        return query_string(request.GET, {**clear, parameter: cursor})

    return ListPage(
        items=items,
        total=total,
        previous_url=address(previous_parameter, previous_cursor),
        next_url=address(next_parameter, next_cursor),
    )


def page_size(request: HttpRequest, default: int = 25, parameter: str = "size") -> int:
    """Answer the page size the query string asks for, if it is one of those on offer."""
    asked = _whole(request.GET.get(parameter, ""), default)
    return asked if asked in SIZES else default


def _whole(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else default


def _numbers(number: int, pages: int) -> list[int]:
    near = {1, 2, number - 1, number, number + 1, pages - 1, pages} if pages > 7 else set(range(1, pages + 1))
    shown: list[int] = []
    for n in sorted(x for x in near if 1 <= x <= pages):
        if shown and n - shown[-1] > 1:
            shown.append(0)
        shown.append(n)
    return shown
