"""Search, and say what changed, so that it is found at once."""

from callboard.core.search.access import known_fields, known_types
from callboard.core.search.collating import Rebuilt, SearchIndexError, count_words, due, forget_type, rebuild, refresh
from callboard.core.search.question import Filter, Question, read_question
from callboard.core.search.searching import search
from callboard.core.search.semantic import SemanticState, embed_waiting, probe, semantic_state
from callboard.core.search.status import (
    DocumentName,
    IndexStatus,
    TypeStatus,
    document_of,
    index_status,
    is_indexed,
    set_clicks,
)
from callboard.core.search.types import FacetValue, Hit, SearchAnswer, SearchRequest
from callboard.core.search.vocabulary import forget_vocabulary

__all__ = [
    "DocumentName",
    "FacetValue",
    "Filter",
    "Hit",
    "IndexStatus",
    "Question",
    "Rebuilt",
    "SearchAnswer",
    "SearchIndexError",
    "SearchRequest",
    "SemanticState",
    "TypeStatus",
    "count_words",
    "document_of",
    "due",
    "embed_waiting",
    "forget_type",
    "forget_vocabulary",
    "index_status",
    "is_indexed",
    "known_fields",
    "known_types",
    "probe",
    "read_question",
    "rebuild",
    "refresh",
    "search",
    "semantic_state",
    "set_clicks",
]
