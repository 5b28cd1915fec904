"""Let coding agents find things."""

from __future__ import annotations

from typing import Any

from callboard.sdk.search import SearchRequest, search

SCHEMA = {
    "type": "object",
    "properties": {
        "query": {
            "type": "string",
            "maxLength": 1000,
            "description": 'Words or a question. Understands "a phrase", -not, kind:api, owner:team, type:techdocs.',
        },
        "types": {"type": "array", "items": {"type": "string"}, "description": "Document types, all if left out."},
        "limit": {"type": "integer", "minimum": 1, "maximum": 50, "default": 10},
    },
    "required": ["query"],
    "additionalProperties": False,
}


def query(arguments: dict[str, Any]) -> dict[str, Any]:
    """Answer what the caller may find, with the passage that fits."""
    answer = search(
        SearchRequest(
            str(arguments["query"]),
            types=tuple(arguments.get("types", ())),
            limit=int(arguments.get("limit", 10)),
            pre_tag="",
            post_tag="",
        )
    )
    return {
        "results": [
            {
                "type": hit.type,
                "title": hit.title,
                "location": hit.location,
                "passage": hit.passage,
                "owner": hit.owner_ref,
                "fields": dict(hit.fields),
            }
            for hit in answer.hits
        ],
        "corrected": answer.corrected,
        "more": answer.has_next,
    }
