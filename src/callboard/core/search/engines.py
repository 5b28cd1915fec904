"""The engine that ranks documents, behind an interface that another could fill. PostgreSQL keeps the documents."""

from __future__ import annotations

from functools import cache
from typing import Protocol

from callboard.core.search.access import Access
from callboard.core.search.postgres import PostgresEngine
from callboard.core.search.question import Question
from callboard.core.search.types import Found


class SearchEngine(Protocol):
    """Ranks documents. What it answers are ids of documents that the caller may find."""

    name: str

    def find(self, question: Question, allowed: Access, depth: int) -> Found:
        """Answer at least the first ``depth`` ids, best first."""
        ...


@cache
def engine() -> SearchEngine:
    """Answer the engine in use."""
    return PostgresEngine()
