"""Find by meaning, where PostgreSQL has the vector extension; without it everything else works."""

from __future__ import annotations

from collections.abc import Callable

from callboard.core.search.access import Access
from callboard.core.search.question import Question


def nearest(_sentence: str, _question: Question, _allowed: Access) -> list[tuple[int, float]] | None:
    """Answer ids with their likeness, best first; ``None`` where meaning is off."""
    return None


def embed_waiting(_report: Callable[[int, str], None] | None = None) -> int:
    """Compute the vectors that are missing; answer how many."""
    return 0
