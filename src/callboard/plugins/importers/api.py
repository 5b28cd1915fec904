"""Convert files of other tools over HTTP."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest, JsonResponse
from ninja import Schema
from pydantic import Field

from callboard.lib.problems import ProblemError
from callboard.plugins.importers.services import convert_text
from callboard.plugins.importers.types.formats import FORMATS
from callboard.sdk.api import InputError, router

api = router(tags=["Importers"])


class ErrorOut(Schema):
    """The body of every error."""

    error: dict[str, Any]
    request: dict[str, Any]
    response: dict[str, Any]


class FormatOut(Schema):
    """A format and the names its files have."""

    id: str
    title: str
    fileNames: list[str]


class ConvertIn(Schema):
    """A file: its text, and either its name or its format. `columns` says where columns of a CSV file go."""

    text: str = Field(max_length=5_000_000)
    fileName: str = Field(default="", max_length=500)
    format: str = Field(default="", max_length=50)
    columns: dict[str, str] = Field(default_factory=dict)


class NoteOut(Schema):
    """What became of one part of the file."""

    line: int | None = None
    path: str
    result: Literal["kept", "mapped", "dropped"]
    to: str


class ConversionOut(Schema):
    """The entities of a file and what became of each of its parts."""

    format: str
    file: str
    entities: list[dict[str, Any]]
    counts: dict[str, int]
    notes: list[NoteOut]
    error: str | None = None


ERRORS = {400: ErrorOut, 401: ErrorOut, 403: ErrorOut}


@api.get("/formats", response={200: list[FormatOut], **ERRORS}, operation_id="GetImportFormats")
def get_formats(request: HttpRequest) -> JsonResponse:
    """List the formats that are read."""
    found = [{"id": item.id, "title": item.title, "fileNames": list(item.file_names)} for item in FORMATS]
    return JsonResponse(found, safe=False)


@api.post("/convert", response={200: ConversionOut, **ERRORS}, operation_id="ConvertFile")
def post_convert(request: HttpRequest, body: ConvertIn) -> JsonResponse:
    """Turn a file into entities without storing anything; `error` says why reading ended early."""
    try:
        done = convert_text(body.text, body.fileName, body.format, body.columns)
    except ProblemError as error:
        raise InputError(str(error)) from error
    return JsonResponse(done.as_dict())
