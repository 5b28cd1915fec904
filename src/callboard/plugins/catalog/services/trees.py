"""Hand out what lies beside an entity: the folders that templates copy, read as the catalog reads."""

from __future__ import annotations

from dataclasses import dataclass

from callboard.lib.refs import LocationRef, RefError
from callboard.plugins.catalog.clients.reading import Reader
from callboard.plugins.catalog.clients.trees import TreeAnswer, TreeFile, beside, read_tree
from callboard.plugins.catalog.clients.types import LocationTarget, ReadError
from callboard.plugins.catalog.models import Source
from callboard.plugins.catalog.selectors.querying import readable
from callboard.plugins.catalog.services.reading import reader_for

SOURCE_LOCATION = "backstage.io/source-location"


@dataclass(frozen=True)
class Beside:
    """Where an entity stands, and how its surroundings are read."""

    base: LocationTarget
    reader: Reader

    def find(self, target: str) -> LocationTarget:
        """Answer the location that ``target`` means: an address, or a path relative to the entity."""
        return beside(self.reader, self.base, target)

    def read(self, target: str) -> TreeAnswer:
        """Read a folder or a file; raises :class:`ReadError`."""
        return read_tree(self.reader, self.find(target))


def surroundings(ref: str) -> Beside | None:
    """Answer where an entity that the caller may see stands; nothing if there is none."""
    row = readable().filter(ref=ref.lower()).select_related("source", "body").first()
    if row is None or row.source is None:
        return None
    try:
        place = LocationRef.parse(row.location)
    except RefError:
        return None
    return Beside(LocationTarget(place.type, place.target), reader_for(row.source))


def outside_reader() -> Reader:
    """Answer a reader for addresses that belong to no entity: only what the configuration allows."""
    return reader_for(Source(type="url", target=""))


__all__ = ["Beside", "LocationTarget", "ReadError", "TreeAnswer", "TreeFile", "outside_reader", "surroundings"]
