"""What can be found of the dummy plugin."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from callboard.sdk.contributions import SearchDocument
from callboard.sdk.search import refresh
from callboard_dummy.models import Thing
from callboard_dummy.selectors import all_things


def documents() -> Iterator[SearchDocument]:
    """List every thing."""
    yield from _listed(all_things())


def documents_of(refs: Sequence[str]) -> Iterator[SearchDocument]:
    """List some things again."""
    yield from _listed(thing for thing in all_things() if f"thing:{thing.name}" in refs)


def renew(payload: dict[str, Any]) -> None:
    """Let a thing that was added be found at once."""
    refresh("dummy-thing", [f"thing:{payload['name']}"])


def _listed(things: Iterable[Thing]) -> Iterator[SearchDocument]:
    for thing in things:
        yield SearchDocument(
            title=thing.name,
            text=f"The thing {thing.name}",
            location=f"/dummy?thing={thing.name}",
            ref=f"thing:{thing.name}",
            authorization_ref=f"thing:{thing.name}",
            owner=thing.owner,
            fields={"owner": thing.owner},
        )
