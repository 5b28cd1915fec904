"""What a search is asked with and what it answers: plain data, the same for every engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from datetime import datetime
from typing import Any, Literal

Mode = Literal["fused", "keyword", "semantic"]
Vector = Sequence[float]


class EmbeddingError(Exception):
    """Vectors could not be computed; the message says why and what to do."""


@dataclass(frozen=True)
class SearchRequest:
    """A search. ``text`` may hold operators; ``types`` and ``filters`` narrow it further.

    ``instant`` is for results while typing: no second try for misspelt words. ``facets`` also counts what
    the results can be narrowed by, ``explain`` also says why each stands where it stands.
    """

    text: str = ""
    types: tuple[str, ...] = ()
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    limit: int = 25
    offset: int = 0
    mode: Mode = "fused"
    instant: bool = False
    facets: bool = False
    explain: bool = False
    pre_tag: str = "<mark>"
    post_tag: str = "</mark>"

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells it from other searches."""
        filters = tuple((name, tuple(values)) for name, values in self.filters.items())
        return (*(getattr(self, item.name) for item in dataclass_fields(self) if item.name != "filters"), filters)


@dataclass(frozen=True)
class Hit:
    """A result. ``highlights`` are HTML that is safe to show, by field; ``passage`` is the text that fits, bare.

    ``why`` is there when asked for.
    """

    id: int
    type: str
    title: str
    text: str
    location: str
    fields: Mapping[str, Any]
    owner_ref: str
    changed_at: datetime | None
    score: float
    passage: str = ""
    highlights: Mapping[str, str] = field(default_factory=dict)
    why: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FacetValue:
    """A value that results can be narrowed to, and how many have it."""

    value: str
    count: int


@dataclass(frozen=True)
class SearchAnswer:
    """The results of a page. ``total`` is exact unless ``more`` says that there are more than it.

    ``corrected`` is the text that was looked for instead, where words were misspelt; ``suggestions`` are texts
    that find something where this one did not.
    """

    hits: tuple[Hit, ...]
    total: int
    more: bool = False
    has_next: bool = False
    corrected: str = ""
    suggestions: tuple[str, ...] = ()
    facets: Mapping[str, tuple[FacetValue, ...]] = field(default_factory=dict)
    semantic: bool = False


@dataclass(frozen=True)
class Ranked:
    """An id with its score, and the parts the score is made of."""

    id: int
    score: float
    parts: Mapping[str, float]


@dataclass(frozen=True)
class Found:
    """What an engine found: ranked ids, how many there are, and whether that number is only a lower bound."""

    ranked: tuple[Ranked, ...]
    total: int
    more: bool = False
