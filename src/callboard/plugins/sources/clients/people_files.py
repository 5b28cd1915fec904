"""Read people and their groups from a table: CSV, JSON or a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from callboard.plugins.sources.clients.buckets import MAX_BYTES, read_object
from callboard.plugins.sources.clients.entities import group_entity, name_of, user_entity
from callboard.plugins.sources.clients.web import ask, session
from callboard.plugins.sources.settings import PeopleFileSource
from callboard.plugins.sources.types.found import Discovery, SourceError

MAX_ROWS = 500_000


def read_people(settings: PeopleFileSource, roots: list[str], limit: int = 0) -> Discovery:
    """Find people and groups in the table."""
    content = _content(settings, roots)
    rows = _rows(content, settings)
    return people_of(rows[: limit or None], settings)


def people_of(rows: list[Mapping[str, Any]], settings: PeopleFileSource) -> Discovery:
    """Turn rows into people and groups; a row without a name is a trouble and the others go on."""
    found = Discovery()
    groups: dict[str, str] = {}
    split = re.compile("[" + re.escape(settings.separator) + "]")
    missing = settings.columns.get("name", "name")
    if rows and not any(missing in row for row in rows[:100]):
        columns = ", ".join(list(map(str, rows[0]))[:20])
        raise SourceError(f"The table has no column {missing}.", f"Its columns are: {columns}. Say which is the name.")
    for number, row in enumerate(rows, 2):
        found.looked_at["rows"] += 1
        name = name_of(_cell(row, settings, "name"))
        if not name:
            if any(str(value or "").strip() for value in row.values()):
                found.trouble(
                    f"row {number}", "The row has no name.", "Fill the column, or remove the row.", complete=True
                )
            continue
        teams = {}
        for text in _teams(row.get(settings.columns.get("groups", "groups")), split):
            team = name_of(text)
            if team:
                teams[team] = text
        groups |= {key: value for key, value in teams.items() if key not in groups}
        found.entities.append(
            user_entity(
                name,
                namespace=settings.namespace,
                display_name=_cell(row, settings, "displayName"),
                email=_cell(row, settings, "email"),
                picture=_cell(row, settings, "picture"),
                description=_cell(row, settings, "description"),
                groups=teams,
            )
        )
    if settings.make_groups:
        found.entities += [
            group_entity(name, namespace=settings.namespace, display_name=title)
            for name, title in sorted(groups.items())
        ]
    return found


def _teams(value: Any, split: re.Pattern[str]) -> list[str]:
    if isinstance(value, (list, tuple)):
        return [str(item).strip() for item in value if str(item).strip()]
    return [part.strip() for part in split.split(str(value or "")) if part.strip()]


def _cell(row: Mapping[str, Any], settings: PeopleFileSource, field: str) -> str:
    column = settings.columns.get(field)
    value = row.get(column) if column else None
    return "" if value is None else str(value).strip()


def _content(settings: PeopleFileSource, roots: list[str]) -> bytes:
    scheme = urlsplit(settings.url).scheme
    if scheme in ("s3", "gs", "az"):
        return read_object(settings)
    if scheme in ("http", "https"):
        headers = {"Authorization": f"Bearer {settings.token}"} if settings.token else {}
        with session(private=settings.private, max_bytes=MAX_BYTES) as opened:
            return ask(opened, settings.url, headers).content
    return _local(settings.url.removeprefix("file://"), roots)


def _local(name: str, roots: list[str]) -> bytes:
    for root in roots:
        base = Path(root).resolve()
        path = (base / name).resolve()
        # Links may not lead out of the directory either.
        if path.is_relative_to(base) and path.is_file():
            if path.stat().st_size > MAX_BYTES:
                raise SourceError(f"{name} is larger than {MAX_BYTES:,} bytes.", "Split it.")
            return path.read_bytes()
    where = ", ".join(roots) or "none is allowed"
    raise SourceError(
        f"{name} is in no directory that sources may read ({where}).", "Add its directory to `sources.roots`."
    )


def _rows(content: bytes, settings: PeopleFileSource) -> list[Mapping[str, Any]]:
    name = urlsplit(settings.url).path.lower()
    if content[:4] == b"PK\x03\x04":
        return _sheet_rows(content, settings.sheet)
    if name.endswith((".xls", ".ods")) or content[:4] == b"\xd0\xcf\x11\xe0":
        raise SourceError("Spreadsheets of this kind are not read.", "Save it as XLSX or CSV.")
    start = content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if name.endswith(".json") or start in (b"[", b"{"):
        return _json_rows(content)
    return _csv_rows(content)


def _csv_rows(content: bytes) -> list[Mapping[str, Any]]:
    text = content.decode("utf-8-sig", "replace")
    first = text.partition("\n")[0]
    delimiter = max(",;\t|", key=first.count)
    try:
        rows = [
            row for row, _ in zip(csv.DictReader(io.StringIO(text), delimiter=delimiter), range(MAX_ROWS), strict=False)
        ]
    except csv.Error as error:
        raise SourceError(f"The table cannot be read: {error}.", "Save it as CSV with UTF-8.") from None
    return [{(key or "").strip(): value for key, value in row.items() if key is not None} for row in rows]


def _json_rows(content: bytes) -> list[Mapping[str, Any]]:
    try:
        found = orjson.loads(content.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise SourceError(f"The file is no JSON: {error}.", "Correct it.") from None
    if isinstance(found, dict):
        found = next((value for value in found.values() if isinstance(value, list)), None)
    if not isinstance(found, list):
        raise SourceError("The file holds no list of people.", "Make it a list of objects.")
    return [row for row in found[:MAX_ROWS] if isinstance(row, dict)]


def _sheet_rows(content: bytes, sheet: str) -> list[Mapping[str, Any]]:
    import zipfile  # noqa: PLC0415 - spreadsheets alone need these

    from openpyxl import load_workbook  # noqa: PLC0415
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            # A few packed bytes must not fill the memory.
            if sum(item.file_size for item in packed.infolist()) > 20 * MAX_BYTES:
                raise SourceError("The spreadsheet is too large when unpacked.", "Save it as CSV.")
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as error:
        raise SourceError(f"The spreadsheet cannot be opened: {error}.", "Save it as XLSX again.") from None
    try:
        if sheet and sheet not in book.sheetnames:
            raise SourceError(f"There is no sheet {sheet}.", f"There are: {', '.join(book.sheetnames)}.")
        rows = (book[sheet] if sheet else book.worksheets[0]).iter_rows(values_only=True)
        heads = [str(cell or "").strip() for cell in next(rows, ())]
        return [dict(zip(heads, row, strict=False)) for row, _ in zip(rows, range(MAX_ROWS), strict=False)]
    finally:
        book.close()
