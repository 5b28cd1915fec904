"""Answer entities as a file: exactly what a table shows, in its order, a batch at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from tempfile import TemporaryFile
from typing import Any

import orjson
from django.db.models import QuerySet

from callboard.lib.yaml12 import dump
from callboard.plugins.catalog.models import Body, Entity
from callboard.plugins.catalog.selectors.concealing import concealed

BATCH = 500
SHEET_ROWS = 1_048_575
"""What a sheet holds below its head."""
HEADS = {
    "ref": "ref",
    "name": "name",
    "title": "title",
    "kind": "kind",
    "namespace": "namespace",
    "owner": "owner",
    "type": "type",
    "lifecycle": "lifecycle",
    "system": "system",
    "description": "description",
    "tags": "tags",
    "changed": "changed",
}
_COLUMNS = {
    "name": "display_name",
    "kind": "kind_name",
    "owner": "owner_ref",
    "system": "system_ref",
    "changed": "changed_at",
}


def as_csv(found: QuerySet[Entity], columns: Sequence[str]) -> Iterator[bytes]:
    """Yield a table of text; what a spreadsheet would take for a formula is made harmless."""
    yield "\ufeff".encode()  # so that spreadsheets read it as UTF-8
    for rows in [[[HEADS[name] for name in columns]]], _table(found, columns):
        for batch in rows:
            buffer = io.StringIO()
            csv.writer(buffer).writerows([_harmless(cell) for cell in row] for row in batch)
            yield buffer.getvalue().encode()


def as_json(found: QuerySet[Entity], _columns: Sequence[str]) -> Iterator[bytes]:
    """Yield whole entities as one JSON list, each on a line."""
    yield b"["
    first = True
    for texts in _bodies(found):
        yield (b"\n" if first else b",\n") + b",\n".join(text.encode() for text in texts)
        first = False
    yield b"\n]\n"


def as_yaml(found: QuerySet[Entity], _columns: Sequence[str]) -> Iterator[bytes]:
    """Yield whole entities as YAML documents, without what the portal adds to them."""
    for texts in _bodies(found):
        for text in texts:
            yield f"---\n{dump(_declared(orjson.loads(text)))}".encode()


def as_xlsx(found: QuerySet[Entity], columns: Sequence[str]) -> Iterator[bytes]:
    """Yield a spreadsheet; it is written to a file on disk first, since its index stands at its end."""
    from openpyxl import Workbook  # noqa: PLC0415 - 10 MB that only this needs
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - likewise
    from openpyxl.styles import Font  # noqa: PLC0415 - likewise
    from openpyxl.writer.excel import save_workbook  # noqa: PLC0415 - likewise

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Catalog")
    sheet.freeze_panes = "B2"
    heads = [WriteOnlyCell(sheet, HEADS[name]) for name in columns]
    for cell in heads:
        cell.font = Font(bold=True)
    sheet.append(heads)
    left = SHEET_ROWS
    for batch in _table(found, columns):
        for row in batch[:left]:
            cells = [WriteOnlyCell(sheet, _printable(cell)) for cell in row]
            for cell in cells:
                cell.data_type = "s"  # never a formula
            sheet.append(cells)
        left -= len(batch)
        if left <= 0:
            break
    with TemporaryFile() as file:
        save_workbook(book, file)
        file.seek(0)
        while chunk := file.read(65536):
            yield chunk


FORMATS: dict[str, tuple[str, Callable[[QuerySet[Entity], Sequence[str]], Iterator[bytes]]]] = {
    "csv": ("text/csv; charset=utf-8", as_csv),
    "json": ("application/json", as_json),
    "yaml": ("application/yaml; charset=utf-8", as_yaml),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", as_xlsx),
}


def _batches(found: QuerySet[Entity]) -> Iterator[list[int]]:
    """Yield the keys in order. They are few bytes each, and taken at once, so that nothing slips in between."""
    keys = list(found.values_list("pk", flat=True))
    for start in range(0, len(keys), BATCH):
        yield keys[start : start + BATCH]


def _table(found: QuerySet[Entity], columns: Sequence[str]) -> Iterator[list[list[str]]]:
    names = [_COLUMNS.get(name, name) for name in columns]
    for keys in _batches(found):
        rows = {row[-1]: row[:-1] for row in Entity.objects.filter(pk__in=keys).values_list(*names, "pk")}
        yield [[_text(cell) for cell in rows[pk]] for pk in keys if pk in rows]


def _bodies(found: QuerySet[Entity]) -> Iterator[list[str]]:
    for keys in _batches(found):
        texts = dict(Body.objects.filter(pk__in=keys).values_list("pk", "json"))
        texts = concealed(texts, Entity.objects.filter(pk__in=keys))
        yield [texts[pk] for pk in keys if pk in texts]


def _declared(entity: dict[str, Any]) -> dict[str, Any]:
    entity.pop("relations", None)
    entity.pop("status", None)
    for key in ("uid", "etag", "generation"):
        entity["metadata"].pop(key, None)
    return entity


def _text(cell: Any) -> str:
    if isinstance(cell, list):
        return ", ".join(cell)
    return cell.isoformat(timespec="seconds") if hasattr(cell, "isoformat") else str(cell)


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _printable(cell: str) -> str:
    return "".join(c for c in cell if c >= " " or c in "\t\n")[:32_000]
