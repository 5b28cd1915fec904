"""Pieces of JSON Schema that many actions use."""

from __future__ import annotations

from typing import Any


def obj(properties: dict[str, Any], required: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    """Answer the schema of an object."""
    return {"type": "object", "properties": properties, **({"required": list(required)} if required else {}), **more}


def text(title: str, description: str = "", **more: Any) -> dict[str, Any]:
    """Answer the schema of a text."""
    return {"type": "string", "title": title, **({"description": description} if description else {}), **more}


def flag(title: str, description: str = "", **more: Any) -> dict[str, Any]:
    """Answer the schema of a yes or no."""
    return {"type": "boolean", "title": title, **({"description": description} if description else {}), **more}


def number(title: str, description: str = "", **more: Any) -> dict[str, Any]:
    """Answer the schema of a number."""
    return {"type": "number", "title": title, **({"description": description} if description else {}), **more}


def many(items: dict[str, Any], title: str = "", description: str = "", **more: Any) -> dict[str, Any]:
    """Answer the schema of a list."""
    found: dict[str, Any] = {"type": "array", "items": items}
    if title:
        found["title"] = title
    if description:
        found["description"] = description
    return {**found, **more}


ANY_OBJECT: dict[str, Any] = {"type": "object", "additionalProperties": True}
TEXTS = many({"type": "string"})
TARGET = text("Target path", "Folder of the workspace; the workspace itself if left out.")
TOKEN = text("Token", "A token for reading, instead of the one that is configured for the host.")
URL = text("Address", "A folder or file: relative to the template, or an address of a source host.")
