"""What the dummy plugin adds to software templates."""

from collections.abc import Mapping
from typing import Any


def carve(given: dict[str, Any], context: Any) -> dict[str, Any]:
    """Carve a puppet."""
    return {"puppet": f"{given['wood']} puppet"}


def check_strings(value: Any, schema: Mapping[str, Any]) -> list[str]:
    """Check what was typed into the field for strings."""
    return [] if isinstance(value, int) and value > 0 else ["Give a number of strings above zero."]


def shout(value: str) -> str:
    """Write in capitals."""
    return value.upper() + "!"
