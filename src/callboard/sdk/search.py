"""Search, and say what changed, so that it is found at once."""

from callboard.core.search.access import known_types
from callboard.core.search.collating import Rebuilt, SearchIndexError, count_words, due, rebuild, refresh
from callboard.core.search.searching import search
from callboard.core.search.semantic import SemanticState, embed_waiting, probe, semantic_state
from callboard.core.search.types import FacetValue, Hit, SearchAnswer, SearchRequest
from callboard.core.search.vocabulary import forget_vocabulary

__all__ = [
    "FacetValue",
    "Hit",
    "Rebuilt",
    "SearchAnswer",
    "SearchIndexError",
    "SearchRequest",
    "SemanticState",
    "count_words",
    "due",
    "embed_waiting",
    "forget_vocabulary",
    "known_types",
    "probe",
    "rebuild",
    "refresh",
    "search",
    "semantic_state",
]
