"""Reads of the search room: a person's searches, and what people look for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from callboard.plugins.search.models import Kept
from callboard.sdk.permissions import require

INSIGHTS = "search.insights.read"


@dataclass(frozen=True)
class AskedText:
    """A text with how often it was looked for, found nothing, and led somewhere."""

    text: str
    searches: int
    empty: int
    clicks: int
    last: date

    @property
    def led_somewhere(self) -> int:
        """Choices for each hundred searches."""
        return min(100, round(100 * self.clicks / self.searches)) if self.searches else 0


@dataclass(frozen=True)
class Totals:
    """All searches of a time."""

    searches: int
    empty: int
    clicks: int

    @property
    def empty_percent(self) -> float:
        """Searches of a hundred that found nothing."""
        return round(100 * self.empty / self.searches, 1) if self.searches else 0.0

    @property
    def click_percent(self) -> float:
        """Choices for each hundred searches."""
        return round(100 * self.clicks / self.searches, 1) if self.searches else 0.0


@dataclass(frozen=True)
class LedTo:
    """A text that led to a document, and how often."""

    text: str
    title: str
    location: str
    clicks: int


def kept_searches(user_ref: str) -> tuple[list[Kept], list[Kept]]:
    """Answer a person's saved searches and their last ones."""
    found = list(Kept.objects.filter(user_ref=user_ref).order_by("-used_at")[:60])
    return [item for item in found if item.saved], [item for item in found if not item.saved]


def is_saved(user_ref: str, query: str) -> bool:
    """Whether a person has saved a search."""
    return Kept.objects.filter(user_ref=user_ref, query=query, saved=True).exists()


def totals(days: int) -> Totals:
    """Answer how many searches there were in the last days."""
    require(INSIGHTS)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT coalesce(sum(searches), 0), coalesce(sum(empty), 0), coalesce(sum(clicks), 0)
            FROM cb_search_asked WHERE day > current_date - %s""",
            [days],
        )
        return Totals(*cursor.fetchone())


def asked_in_vain(days: int, limit: int = 50) -> list[AskedText]:
    """Answer texts that found nothing, most often asked first."""
    require(INSIGHTS)
    return _asked("HAVING sum(empty) > 0 ORDER BY sum(empty) DESC, text LIMIT %s", [days, limit])


def asked_without_choice(days: int, limit: int = 25) -> list[AskedText]:
    """Answer texts that found something nobody wanted."""
    require(INSIGHTS)
    return _asked(
        """HAVING sum(searches) - sum(empty) >= 3 AND sum(clicks) * 5 < sum(searches)
        ORDER BY sum(searches) - sum(clicks) DESC, text LIMIT %s""",
        [days, limit],
    )


def asked_most(days: int, limit: int = 25) -> list[AskedText]:
    """Answer what is looked for most."""
    require(INSIGHTS)
    return _asked("ORDER BY sum(searches) DESC, text LIMIT %s", [days, limit])


def _asked(rest: str, params: list[Any]) -> list[AskedText]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT text, sum(searches), sum(empty), sum(clicks), max(day) FROM cb_search_asked
            WHERE day > current_date - %s GROUP BY text {rest}""",  # noqa: S608 - the rest is written above
            params,
        )
        return [AskedText(*row) for row in cursor.fetchall()]


def led_to_owned(days: int, refs: Sequence[str], limit: int = 50) -> list[LedTo]:
    """Answer which texts led to what these own."""
    require(INSIGHTS)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT text, max(title), max(location), sum(clicks) FROM cb_search_chosen
            WHERE day > current_date - %s AND owner_ref = ANY(%s) AND text <> ''
            GROUP BY text, type, key ORDER BY sum(clicks) DESC, text LIMIT %s""",
            [days, list(refs), limit],
        )
        return [LedTo(*row) for row in cursor.fetchall()]
