"""The audit record: filtered, linkable, exported."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from callboard.sdk.audit import (
    DOORS,
    OUTCOMES,
    AuditEntry,
    AuditFilter,
    audit_entry,
    audit_page,
    audit_rows,
    record,
)
from callboard.sdk.permissions import require
from callboard.sdk.ui import keyset_page, render

EXPORT_LIMIT = 100_000
COLUMNS = (
    "id", "at", "actor", "actor_name", "door", "action", "target", "outcome", "request_id", "details",
)  # fmt: skip
_TEXTS = ("actor", "action", "target", "door", "outcome", "text")
_LENGTH = 500


@require_safe
def audit_list(request: HttpRequest) -> HttpResponseBase:
    """Show what happened, newest first, or hand it out as a file."""
    require("admin.audit.read")
    values = {name: _clean(request.GET.get(name, "")) for name in (*_TEXTS, "since", "until")}
    since, until = _day(values["since"]), _day(values["until"])
    errors = [name for name, day in (("since", since), ("until", until)) if values[name] and day is None]
    chosen = AuditFilter(
        **{name: values[name] for name in _TEXTS},
        since=since,
        until=until + timedelta(days=1) if until else None,
    )
    form = request.GET.get("format")
    if form in {"csv", "jsonl"} and not errors:
        return _export(chosen, form, values)
    page = audit_page(chosen, before=_id(request.GET.get("before")), after=_id(request.GET.get("after")))
    query = urlencode({name: value for name, value in values.items() if value})
    listed = keyset_page(
        request,
        page.entries,
        next_cursor=page.older,
        previous_cursor=page.newer,
        next_parameter="before",
        previous_parameter="after",
    )
    context = {
        "page": listed,
        "values": values,
        "query": f"{query}&" if query else "",
        "narrowed": bool(query),
        "errors": errors,
        "doors": DOORS,
        "outcomes": OUTCOMES,
        "export_limit": EXPORT_LIMIT,
    }
    return render(request, "portal/audit.html", context)


@require_safe
def audit_detail(request: HttpRequest, entry_id: int) -> HttpResponse:
    """Show one entry with everything it holds."""
    require("admin.audit.read")
    entry = audit_entry(entry_id) if entry_id < 2**63 else None
    if entry is None:
        raise Http404(_("There is no such entry in the audit record; old ones expire."))
    details = json.dumps(entry.details, indent=2, ensure_ascii=False)
    return render(request, "portal/audit_entry.html", {"entry": entry, "details": details})


def _export(chosen: AuditFilter, form: str, values: dict[str, str]) -> StreamingHttpResponse:
    record(
        "portal.audit.export",
        "",
        {"format": form, **{name: value for name, value in values.items() if value}},
    )
    rows = audit_rows(chosen, EXPORT_LIMIT)
    if form == "csv":
        response = StreamingHttpResponse(_csv(rows), content_type="text/csv; charset=utf-8")
    else:
        response = StreamingHttpResponse(_jsonl(rows), content_type="application/jsonl; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="audit.{form}"'
    response["Cache-Control"] = "no-store"
    return response


class _Line:
    def write(self, text: str) -> str:
        return text


def _csv(rows: Iterator[AuditEntry]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield writer.writerow(COLUMNS)
    for entry in rows:
        yield writer.writerow([_cell(value) for value in _values(entry).values()])


def _jsonl(rows: Iterator[AuditEntry]) -> Iterator[str]:
    for entry in rows:
        yield json.dumps({**_values(entry), "details": entry.details}, ensure_ascii=False) + "\n"


def _values(entry: AuditEntry) -> dict[str, str | int]:
    return {
        "id": entry.pk,
        "at": entry.at.isoformat(),
        "actor": entry.actor,
        "actor_name": entry.actor_name,
        "door": entry.door,
        "action": entry.action,
        "target": entry.target,
        "outcome": entry.outcome,
        "request_id": entry.request_id,
        "details": json.dumps(entry.details, ensure_ascii=False),
    }


def _cell(value: str | int) -> str | int:
    # A spreadsheet would run these as formulas.
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"} else value


def _clean(text: str) -> str:
    # PostgreSQL knows no NUL in text.
    return text.replace("\0", "").strip()[:_LENGTH]


def _day(text: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), time.min, UTC)
    except ValueError:
        return None


def _id(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None
