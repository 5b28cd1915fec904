"""Entities for actions and for the pickers of forms, as the caller may see them."""

from __future__ import annotations

from typing import Any

from callboard.plugins.catalog.public import entity_views


def entities_named(refs: list[str]) -> dict[str, dict[str, Any]]:
    """Answer entities by ref; hidden and missing ones are left out."""
    return {ref: view.data for ref, view in entity_views(refs).items()}
