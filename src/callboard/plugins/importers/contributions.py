"""Everything the importers add to the portal."""

from __future__ import annotations

from callboard.plugins.importers import api, views
from callboard.plugins.importers.services import read_table
from callboard.plugins.importers.types.formats import FORMATS
from callboard.sdk.contributions import ApiRouter, Command, Contribution, Importer, Page

contributions: tuple[Contribution, ...] = (
    *(
        Importer(
            id=f"importers.{item.id}",
            title=item.title,
            file_names=item.file_names,
            read=read_table if item.id == "csv" else item.read,
        )
        for item in FORMATS
    ),
    ApiRouter(
        id="importers.api",
        title="Importers",
        prefix="importers",
        router=api.api,
        description="Turn files of other tools into entities, with a report of every part.",
    ),
    Page(
        id="importers.convert",
        title="Bring files of another tool",
        path="catalog/import",
        view=views.convert_file,
        name="importers-convert",
        permission="catalog.entity.create",
    ),
    Command(
        id="importers.do-convert",
        title="Bring files of another tool",
        page="importers-convert",
        icon="file-import",
        keywords=("import", "compass", "cortex", "opslevel", "score", "port", "csv", "migrate"),
        create=True,
        order=45,
    ),
)
