"""Put a collator of the test's own into the registry."""

from collections.abc import Iterator
from contextlib import contextmanager

from callboard.sdk.auth import Principal
from callboard.sdk.contributions import SearchCollator, SearchDocument
from callboard.sdk.plugins import registry
from callboard.sdk.search import forget_vocabulary, rebuild

ANN = Principal("user", "user:default/ann", "Ann", ("user:default/ann", "group:default/apples"))


def doc(title: str, text: str = "", **more) -> SearchDocument:
    more.setdefault("location", f"/{title.replace(' ', '-').lower()}")
    return SearchDocument(title=title, text=text, **more)


@contextmanager
def indexed(*documents: SearchDocument, type_: str = "shelf", **more) -> Iterator[None]:
    """Index documents as a type of their own for the block."""
    collator = SearchCollator(id=f"search.{type_}", type=type_, documents=lambda: iter(documents), **more)
    before = registry._by_type.get(SearchCollator, [])
    # A list of its own: the registry remembers what it answered by the list.
    registry._by_type[SearchCollator] = [*before, ("search", collator)]
    forget_vocabulary()
    try:
        rebuild(type_)
        yield
    finally:
        registry._by_type[SearchCollator] = before
        forget_vocabulary()
