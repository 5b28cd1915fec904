"""What the dummy plugin gives to coding agents."""

from typing import Any

from callboard_dummy.selectors import readable_things


def list_things(arguments: dict[str, Any]) -> list[str]:
    """List the names of things that begin with ``prefix``."""
    return list(readable_things().filter(name__startswith=arguments.get("prefix", "")).values_list("name", flat=True))


def read_thing(uri: str) -> str:
    """Answer a thing as text."""
    return f"A thing called {uri.rpartition('/')[2]}."
