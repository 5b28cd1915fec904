"""What can be found of the dummy plugin."""

from collections.abc import Iterator

from callboard.sdk.contributions import SearchDocument
from callboard_dummy.selectors import all_things


def documents() -> Iterator[SearchDocument]:
    """List every thing."""
    for thing in all_things():
        yield SearchDocument(
            title=thing.name,
            text=f"The thing {thing.name}",
            location=f"/dummy?thing={thing.name}",
            authorization_ref=f"thing:{thing.name}",
            fields={"owner": thing.owner},
        )
