"""Read the query string of the search API the way its clients write it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_NUMBER = re.compile(r"-?\d{1,12}")


class QueryError(ValueError):
    """A query string that cannot be used; the message names the parameter."""


@dataclass(frozen=True)
class Query:
    """What a client asks."""

    term: str = ""
    types: tuple[str, ...] = ()
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    page: int = 0
    limit: int = 25


def read_query(pairs: Iterable[tuple[str, str]], *, known: Sequence[str], max_term: int, max_limit: int) -> Query:
    """Read ``term``, ``types[]``, ``filters[name]``, ``filters[name][]``, ``pageCursor`` and ``pageLimit``.

    ``known`` are the types there are. Raises :class:`QueryError` for a value that cannot be used; parameters
    with other names are left alone.
    """
    single: dict[str, str] = {}
    types: list[str] = []
    filters: dict[str, list[str]] = {}
    for name, value in pairs:
        root, _, rest = name.partition("[")
        path = _BRACKETS.findall(f"[{rest}") if rest else []
        if root == "types" and len(path) <= 1:
            types.append(value)
        elif root == "filters":
            _filter(name, path, value, filters)
        elif root in {"term", "pageCursor", "pageLimit"} and not path:
            if root in single:
                raise QueryError(f"{root}: Expected string, received array")
            single[root] = value
    term = single.get("term", "")
    if len(term) > max_term:
        raise QueryError(f'term: The term length "{len(term)}" is greater than "{max_term}"')
    for place, one in enumerate(types):
        if one not in known:
            raise QueryError(f"types.{place}: Invalid input: there is no document type {one[:100]!r}")
    return Query(
        term=term,
        types=tuple(dict.fromkeys(types)),
        filters={name: tuple(values) for name, values in filters.items()},
        page=_page(single.get("pageCursor")),
        limit=_limit(single.get("pageLimit"), max_limit),
    )


def _filter(name: str, path: list[str], value: str, filters: dict[str, list[str]]) -> None:
    if not path or not path[0]:
        raise QueryError(f"filters: Expected an object such as filters[kind]=Component, received {name[:100]!r}")
    if len(path) > 2 or (len(path) == 2 and path[1] and not path[1].isdigit()):
        raise QueryError(f"filters.{path[0][:100]}: Expected a value or a list of values, received an object")
    values = filters.setdefault(path[0], [])
    if len(values) >= 100 or len(filters) > 20:
        raise QueryError(f"filters.{path[0][:100]}: Too many values")
    values.append(value)


def _page(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        number = base64.b64decode(cursor, validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise QueryError("pageCursor: The cursor cannot be read") from error
    if not number.isdigit() or len(number) > 6:
        raise QueryError("pageCursor: The cursor cannot be read")
    return int(number)


def _limit(text: str | None, most: int) -> int:
    if text is None:
        return 25
    if not _NUMBER.fullmatch(text):
        raise QueryError("pageLimit: Expected number, received nan")
    number = int(text)
    if number > most:
        raise QueryError(f'pageLimit: The page limit "{number}" is greater than "{most}"')
    if number < 1:
        raise QueryError("pageLimit: The page limit must be at least 1")
    return number


def encode_cursor(page: int) -> str:
    """Answer the cursor of a page: its number, in base64."""
    return base64.b64encode(str(page).encode()).decode()
