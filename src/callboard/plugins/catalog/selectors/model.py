"""The catalog model in force: kinds and relations of every plugin that is on, compiled once."""

from __future__ import annotations

from functools import lru_cache

from callboard.plugins.catalog.types.model import CatalogModel
from callboard.sdk.contributions import CatalogProcessor, EntityKind, Importer, Relation
from callboard.sdk.plugins import contributions


@lru_cache(maxsize=4)
def _compile(kinds: tuple[EntityKind, ...], relations: tuple[Relation, ...]) -> CatalogModel:
    return CatalogModel(kinds, relations)


class _ById(tuple):  # noqa: SLOT001 - hashable by identity of its members, which are frozen but hold mappings
    """A tuple of contributions that hashes by their ids, because JSON Schemas do not hash."""

    def __hash__(self) -> int:
        return hash(tuple((type(item).__name__, item.id) for item in self))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, tuple)
            and len(self) == len(other)
            and all(a is b for a, b in zip(self, other, strict=True))
        )


def catalog_model() -> CatalogModel:
    """Answer the compiled model of the kinds and relations that are switched on."""
    return _compile(_ById(contributions(EntityKind)), _ById(contributions(Relation)))


def processors(stage: str) -> list[CatalogProcessor]:
    """Answer the processors of one stage, in order."""
    return [item for item in contributions(CatalogProcessor) if item.stage == stage]


def importers() -> dict[str, Importer]:
    """Answer the readers of other formats by file name."""
    return {name: item for item in contributions(Importer) for name in item.file_names}
