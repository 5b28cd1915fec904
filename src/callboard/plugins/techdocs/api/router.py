"""The paths, statuses and bodies that programs written for the original expect."""

from __future__ import annotations

import mimetypes
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from callboard.lib.refs import LocationRef, RefError
from callboard.plugins.catalog.public import EntityView, entity_view
from callboard.plugins.techdocs.models import Site
from callboard.plugins.techdocs.selectors.sites import run_lines, run_state, site_state, stamp_of, versions_of
from callboard.plugins.techdocs.selectors.sources import docs_source, settings
from callboard.plugins.techdocs.services.building import NoDocsError, adopt_published, request_build
from callboard.plugins.techdocs.services.storing import store
from callboard.plugins.techdocs.types.layout import METADATA, SiteKey, inside
from callboard.sdk.api import NotFoundError, router

api = router(tags=["TechDocs"])

_JSON = "application/json; charset=utf-8"
_POLL_SECONDS = 0.4
_LONGEST_SECONDS = 900
_SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_PLAIN = ("html", "htm", "xhtml", "xml", "xsl", "shtml", "mht", "mathml", "rdf")


def _entity(namespace: str, kind: str, name: str) -> EntityView:
    entity = entity_view(f"{kind}:{namespace}/{name}")
    if entity is None:
        raise NotFoundError(f"Entity not found: {kind}:{namespace}/{name}".lower())
    return entity


@api.get("/metadata/techdocs/{namespace}/{kind}/{name}", operation_id="GetTechDocsMetadata")
def get_docs_metadata(request: HttpRequest, namespace: str, kind: str, name: str) -> HttpResponse:
    """Answer `techdocs_metadata.json` of a site."""
    entity = _entity(namespace, kind, name)
    found = store().read(f"{SiteKey(entity.ref).prefix()}/{METADATA}")
    if found is None:
        raise NotFoundError(f"Unable to get metadata for '{namespace}/{kind}/{name}'")
    return HttpResponse(found.content, content_type=_JSON)


@api.get("/metadata/entity/{namespace}/{kind}/{name}", operation_id="GetTechDocsEntityMetadata")
def get_entity_metadata(request: HttpRequest, namespace: str, kind: str, name: str) -> HttpResponse:
    """Answer the entity together with the place its documentation is read from."""
    entity = _entity(namespace, kind, name)
    value: dict[str, Any] = dict(entity.data)
    try:
        place = LocationRef.parse(entity.annotations.get("backstage.io/techdocs-ref", ""))
        if place.type == "dir":
            where = entity.annotations.get("backstage.io/source-location") or entity.location
            place = LocationRef.parse(where)
        value["locationMetadata"] = {"type": place.type, "target": place.target}
    except RefError:
        pass
    return HttpResponse(orjson.dumps(value), content_type=_JSON)


@api.get("/sync/{namespace}/{kind}/{name}", operation_id="SyncTechDocs")
def sync(request: HttpRequest, namespace: str, kind: str, name: str) -> StreamingHttpResponse:
    """Bring a site up to date and stream the log: events `log`, then `finish` or `error`."""
    entity = _entity(namespace, kind, name)
    if settings().builder == "external":
        before = stamp_of(entity.ref)
        site = adopt_published(entity.ref)
        updated = site is not None and bool(before) and site.stamp != before
        return _events(iter([_event("finish", {"updated": updated})]))
    if docs_source(entity) is None:
        raise NotFoundError(f"No documentation is declared by {entity.ref}: it has no backstage.io/techdocs-ref")
    before = stamp_of(entity.ref)
    try:
        site = request_build(entity.ref)
    except NoDocsError as error:
        return _events(iter([_event("error", str(error))]))
    return _events(_follow(site, before))


def _events(lines: Iterator[bytes]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines, content_type="text/event-stream")
    response["Cache-Control"] = "no-cache"
    response["X-Accel-Buffering"] = "no"
    return response


def _event(name: str, data: Any) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"


def _follow(site: Site, before: str) -> Iterator[bytes]:
    """Stream the log of a run until it ends; a reader that goes away ends the stream, not the run."""
    seen = 0
    end = time.monotonic() + _LONGEST_SECONDS
    while True:
        state = run_state(site)
        for line in run_lines(site, seen):
            seen = line.n
            yield _event("log", line.message)
        if state not in ("queued", "running"):
            break
        if time.monotonic() > end:
            yield _event("error", "The build takes longer than this stream stays open; it goes on.")
            return
        yield b": waiting\n\n"
        time.sleep(_POLL_SECONDS)
    now = site_state(site.pk)
    if now is None or now.state == Site.State.FAILED:
        yield _event("error", f"{now.error} {now.remedy}".strip() if now else "The documentation was removed.")
    elif state != "succeeded":
        yield _event("error", "The build did not come to an end.")
    else:
        yield _event("finish", {"updated": now.stamp != before})


@api.get("/static/docs/{namespace}/{kind}/{name}/{path:path}", operation_id="GetTechDocsFile")
def get_file(request: HttpRequest, namespace: str, kind: str, name: str, path: str) -> HttpResponse:
    """Answer a file of a site. Nothing of it can run in the portal's name, however it is opened."""
    return _file(request, SiteKey(_entity(namespace, kind, name).ref), path)


@api.get(
    "/static/docs/@versions/{version}/{namespace}/{kind}/{name}/{path:path}", operation_id="GetTechDocsVersionFile"
)
def get_version_file(
    request: HttpRequest, version: str, namespace: str, kind: str, name: str, path: str
) -> HttpResponse:
    """Answer a file of a site at a branch or tag."""
    entity = _entity(namespace, kind, name)
    for known in versions_of(entity.ref):
        key = SiteKey(entity.ref, known)
        if key.prefix().split("/")[1] == version:
            return _file(request, key, path)
    raise NotFoundError("File Not Found")


def _file(request: HttpRequest, key: SiteKey, path: str) -> HttpResponse:
    safe = inside(path)
    found = store().read(f"{key.prefix()}/{safe}") if safe else None
    if found is None or safe is None:
        return HttpResponse("File Not Found", status=404, content_type="text/plain; charset=utf-8")
    tag = f'"{found.etag.strip(chr(34))}"' if found.etag else ""
    if tag and request.headers.get("If-None-Match") == tag:
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(found.content, content_type=_content_type(safe))
    if tag:
        response["ETag"] = tag
    response["Cache-Control"] = "private, no-cache"
    response["Content-Security-Policy"] = _SANDBOX
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _content_type(path: str) -> str:
    extension = path.rpartition(".")[2].lower()
    # A page opened by itself would be a page of the portal's own address; as text it is only read.
    if extension in _PLAIN:
        return "text/plain; charset=utf-8"
    found = mimetypes.guess_type(path)[0] or "application/octet-stream"
    return f"{found}; charset=utf-8" if found.startswith("text/") or found == "application/json" else found


@api.get("/.backstage/auth/v1/cookie", operation_id="GetTechDocsCookie")
def get_cookie(request: HttpRequest) -> HttpResponse:
    """Say how long the caller's session opens files; browsers need no other cookie here."""
    until = datetime.now(UTC) + timedelta(hours=1)
    return HttpResponse(
        orjson.dumps({"expiresAt": until.isoformat(timespec="milliseconds").replace("+00:00", "Z")}), content_type=_JSON
    )
