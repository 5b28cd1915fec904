"""The catalog model in force: kinds and relations of every plugin that is on, compiled once."""

from __future__ import annotations

import fnmatch

from callboard.plugins.catalog.types.model import CatalogModel
from callboard.sdk.contributions import CatalogProcessor, EntityKind, Importer, Relation
from callboard.sdk.plugins import contributions

KEPT = 4
_models: dict[tuple[int, ...], CatalogModel] = {}


def catalog_model() -> CatalogModel:
    """Answer the compiled model of the kinds and relations that are switched on."""
    kinds, relations = contributions(EntityKind), contributions(Relation)
    # Contributions live as long as the process, so their identities name a set of them.
    key = tuple(map(id, (*kinds, *relations)))
    model = _models.get(key)
    if model is None:
        if len(_models) > KEPT:
            _models.clear()
        model = _models[key] = CatalogModel(kinds, relations)
    return model


def processors(stage: str) -> list[CatalogProcessor]:
    """Answer the processors of one stage, in order."""
    return [item for item in contributions(CatalogProcessor) if item.stage == stage]


def importers() -> dict[str, Importer]:
    """Answer the readers of other formats by file name or pattern of file names."""
    return {name: item for item in contributions(Importer) for name in item.file_names}


def importer_for(file_name: str) -> Importer | None:
    """Answer the reader of a file of this name; a name itself goes before a pattern."""
    known = importers()
    exact = known.get(file_name)
    if exact is not None:
        return exact
    return next((item for name, item in known.items() if fnmatch.fnmatchcase(file_name, name)), None)
