"""Facts, checks, health and numbers of the dummy plugin."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from callboard.plugins.catalog.public import entity_views
from callboard.sdk.contributions import HealthResult
from callboard_dummy.selectors import all_things


def collect(refs: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Count the strings of puppets."""
    for ref, entity in entity_views(list(refs)).items():
        yield ref, entity.spec["strings"]


def has_enough(facts: Mapping[str, Any]) -> bool | None:
    """Tell whether a puppet has enough strings."""
    strings = facts.get("dummy.strings")
    return None if strings is None else strings >= 2


def health() -> HealthResult:
    """Look after the plugin's table."""
    return HealthResult(status="ok", message=f"{all_things().count()} things are well")


def count_things() -> Iterator[tuple[Mapping[str, str], float]]:
    """Count the things by whether they were announced."""
    for announced in (True, False):
        yield {"announced": str(announced).lower()}, float(all_things().filter(announced=announced).count())
