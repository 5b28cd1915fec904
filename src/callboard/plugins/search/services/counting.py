"""Count what is looked for, in vain or not, and what is chosen; keep a person's searches."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from callboard.lib.words import plain
from callboard.plugins.search.models import Asked, Chosen, Kept
from callboard.sdk.auth import principal
from callboard.sdk.search import document_of, set_clicks

TEXT = 200
RECENT = 8
KEEP_DAYS = 400
HALF_LIFE_DAYS = 30.0


def _cleaned(text: str) -> str:
    return plain(text)[:TEXT]


def note_search(text: str, found: int) -> None:
    """Count that a text was looked for, and whether anything was found."""
    cleaned = _cleaned(text)
    if cleaned:
        _count(cleaned, searches=1, empty=int(found == 0))


def note_choice(document_id: int, text: str) -> bool:
    """Count that a result was chosen; answer whether there is one with this id that the caller may find."""
    found = document_of(document_id)
    if found is None:
        return False
    cleaned = _cleaned(text)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO cb_search_chosen AS c (day, text, type, key, title, location, owner_ref, clicks)
            VALUES (current_date, %s, %s, %s, %s, %s, %s, 1)
            ON CONFLICT (day, text, type, key) DO UPDATE SET clicks = c.clicks + 1, title = excluded.title,
              location = excluded.location, owner_ref = excluded.owner_ref""",
            [cleaned, found.type, found.key, found.title, found.location, found.owner_ref],
        )
        if cleaned:
            _count(cleaned, clicks=1)
    return True


def _count(text: str, *, searches: int = 0, empty: int = 0, clicks: int = 0) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO cb_search_asked AS a (day, text, searches, empty, clicks)
            VALUES (current_date, %s, %s, %s, %s)
            ON CONFLICT (day, text) DO UPDATE SET searches = a.searches + excluded.searches,
              empty = a.empty + excluded.empty, clicks = a.clicks + excluded.clicks""",
            [text, searches, empty, clicks],
        )


def use_clicks_for_ranking() -> int:
    """Let what was chosen lately come earlier: a click counts half after a month."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT type, key, sum(clicks * exp(-ln(2) * (current_date - day) / %s)) FROM cb_search_chosen
            WHERE day > current_date - 200 GROUP BY type, key""",
            [HALF_LIFE_DAYS],
        )
        return set_clicks([(kind, key, float(clicks)) for kind, key, clicks in cursor.fetchall()])


def forget_old() -> int:
    """Remove counts that are too old to tell anything."""
    limit = timezone.now().date() - timedelta(days=KEEP_DAYS)
    removed, _ = Asked.objects.filter(day__lt=limit).delete()
    more, _ = Chosen.objects.filter(day__lt=limit).delete()
    return removed + more


def remember_search(query: str, text: str) -> None:
    """Keep a search among the caller's last ones."""
    who = principal()
    if who.type != "user" or not query or len(query) > 2_000:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO cb_search_kept (user_ref, query, text, saved) VALUES (%s, %s, %s, false)
            ON CONFLICT (user_ref, query) DO UPDATE SET used_at = now()""",
            [who.ref, query, text[:TEXT]],
        )
        cursor.execute(
            """DELETE FROM cb_search_kept WHERE user_ref = %s AND NOT saved AND id NOT IN (
              SELECT id FROM cb_search_kept WHERE user_ref = %s AND NOT saved ORDER BY used_at DESC LIMIT %s)""",
            [who.ref, who.ref, RECENT],
        )


def save_search(query: str, text: str, *, saved: bool) -> None:
    """Save one of the caller's searches, or no longer."""
    who = principal()
    if who.type != "user" or len(query) > 2_000:
        return
    if saved:
        Kept.objects.update_or_create(user_ref=who.ref, query=query, defaults={"saved": True, "text": text[:TEXT]})
    else:
        Kept.objects.filter(user_ref=who.ref, query=query).update(saved=False)


def forget_searches() -> None:
    """Forget the caller's last searches; saved ones stay."""
    Kept.objects.filter(user_ref=principal().ref, saved=False).delete()


def erase_person(user_ref: str) -> int:
    """Erase what is kept of a person."""
    removed, _ = Kept.objects.filter(user_ref=user_ref).delete()
    return removed
