"""Put a collator of the test's own into the registry, and search as somebody."""

from collections.abc import Iterator
from contextlib import contextmanager

from callboard.core.auth.principal import Principal, act_as
from callboard.core.registry.contract import SearchCollator, SearchDocument
from callboard.core.registry.store import registry
from callboard.core.search.searching import search
from callboard.core.search.types import SearchAnswer, SearchRequest
from callboard.core.search.vocabulary import forget_vocabulary

ANN = Principal("user", "user:default/ann", "Ann", ("user:default/ann", "group:default/apples"))


class Shelf:
    """Documents by ref, as a collator lists them."""

    def __init__(self) -> None:
        self.documents: dict[str, list[SearchDocument]] = {}
        self.fails = False

    def put(self, ref: str, *documents: SearchDocument) -> None:
        self.documents[ref] = list(documents)

    def all(self) -> Iterator[SearchDocument]:
        for documents in list(self.documents.values()):
            yield from documents
        if self.fails:
            raise RuntimeError("the shelf fell over")

    def of(self, refs) -> Iterator[SearchDocument]:
        for ref in refs:
            yield from self.documents.get(ref, [])


def doc(title: str, text: str = "", **more) -> SearchDocument:
    more.setdefault("location", f"/{title.replace(' ', '-').lower()}")
    more.setdefault("ref", title.lower())
    return SearchDocument(title=title, text=text, **more)


@contextmanager
def contributed(*collators: SearchCollator) -> Iterator[None]:
    before = registry._by_type.get(SearchCollator, [])
    # A list of its own: the registry remembers what it answered by the list.
    registry._by_type[SearchCollator] = [*before, *(("catalog", item) for item in collators)]
    forget_vocabulary()
    try:
        yield
    finally:
        registry._by_type[SearchCollator] = before
        forget_vocabulary()


def find(text: str = "", who: Principal = ANN, **more) -> SearchAnswer:
    forget_vocabulary()
    with act_as(who, "ui"):
        return search(SearchRequest(text, **more))


def titles(text: str = "", **more) -> list[str]:
    return [hit.title for hit in find(text, **more).hits]
