"""Convert texts of other formats, and take what came out into the catalog."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from callboard.lib.problems import Place, Problem, ProblemError
from callboard.plugins.catalog.public import Pushed, save_entities
from callboard.plugins.importers.types.formats import FORMATS, Conversion, convert, format_called, format_of
from callboard.plugins.importers.types.table import read_csv
from callboard.sdk.config import room_settings
from callboard.sdk.contributions import ImportNote
from callboard.sdk.permissions import require


def read_table(text: str, url: str) -> Iterable[Mapping[str, Any] | ImportNote]:
    """Read a CSV file with the columns that the operator configured."""
    csv = room_settings("importers").csv
    return read_csv(text, url, csv.columns, csv.defaults)


def convert_text(
    text: str, file_name: str = "", format_id: str = "", columns: Mapping[str, str] | None = None
) -> Conversion:
    """Convert a text by its format, or by the name of its file; nothing is written.

    Raises :class:`ProblemError` when neither says what it is.
    """
    require("catalog.entity.validate")
    wanted = format_called(format_id) if format_id else format_of(file_name.rpartition("/")[2])
    if wanted is None:
        names = ", ".join(name for item in FORMATS for name in item.file_names if "*" not in name)
        raise ProblemError(
            Problem(
                "unknown-format",
                f"{format_id or file_name or 'A text without a name'} is of no format that is known here.",
                f"Choose a format, or give the file one of the names {names}.",
                Place(path="format"),
            )
        )
    csv = room_settings("importers").csv
    return convert(text, file_name or wanted.file_names[0], wanted, {**csv.columns, **(columns or {})}, csv.defaults)


def import_conversion(done: Conversion, *, dry_run: bool = False) -> Pushed:
    """Take converted entities into the catalog, managed in the portal; answer what became of each."""
    return save_entities(done.entities, dry_run=dry_run)
