"""Read a source: fetch its files, parse, resolve placeholders, check, and derive relations.

Nothing here touches the database; any number of sources can be read at once. What cannot be used
becomes a problem with its place and remedy, and the rest goes on.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from callboard.lib.digest import text_hash
from callboard.lib.problems import Place, Problem, ProblemError
from callboard.lib.refs import EntityRef, RefError
from callboard.lib.yaml12 import Document, read_documents
from callboard.plugins.catalog.clients.placeholders import resolve_placeholders
from callboard.plugins.catalog.clients.reading import Reader
from callboard.plugins.catalog.clients.types import LocationTarget, ReadError, ReadFile, ReadingLimits
from callboard.plugins.catalog.models import Source
from callboard.plugins.catalog.selectors.model import catalog_model, importer_for, importers, processors
from callboard.plugins.catalog.services.rules import is_allowed
from callboard.plugins.catalog.settings import CatalogSettings
from callboard.plugins.catalog.types.emitted import EmittedEntity, EmittedNote, EmittedProblem, SourceReading
from callboard.plugins.catalog.types.envelope import check_envelope
from callboard.plugins.catalog.types.terms import searchable
from callboard.plugins.hosts.public import reading_access
from callboard.sdk.config import portal_config, room_settings
from callboard.sdk.contributions import ImportNote
from callboard.sdk.plugins import guard

MANAGED_BY = "backstage.io/managed-by-location"
MANAGED_BY_ORIGIN = "backstage.io/managed-by-origin-location"
VIEW_URL = "backstage.io/view-url"
EDIT_URL = "backstage.io/edit-url"
SOURCE_LOCATION = "backstage.io/source-location"

PIPELINE = "1"
"""Raised when this module changes what an unchanged file gives, so that everything is read anew once."""

MAX_ENTITY_BYTES = 5_000_000

_IDENTITY = frozenset({"kind", "metadata.name", "metadata.namespace"})


@dataclass(frozen=True)
class Origin:
    """Where an entity stands: its file, and the registration that led there."""

    location: str
    origin: str
    target: LocationTarget
    url: str
    trusted: bool
    kinds: dict[str, bool] = field(default_factory=dict, compare=False)
    """Kinds it was asked about and whether they may come from there."""

    def may_bring(self, kind: str) -> bool:
        """Whether the rules let entities of this kind come from there."""
        known = self.kinds.get(kind)
        if known is None:
            known = self.kinds[kind] = is_allowed(kind, self.origin, trusted=self.trusted, settings=settings())
        return known


def settings() -> CatalogSettings:
    """Answer the catalog's settings."""
    found: CatalogSettings = room_settings("catalog")
    return found


def reader_for(source: Source) -> Reader:
    """Make a reader with the limits of the configuration.

    A local location that the operator registered may read its own directory, and so may what it leads to.
    """
    reading = settings().reading
    roots = [Path(root) for root in reading.roots]
    root = source.origin or f"{source.type}:{source.target}"
    # Repositories that the portal itself made hold nothing but what templates pushed.
    roots.append(portal_config().data_dir / "git")
    if source.trusted:
        roots.extend(_own_directory(root))
    allow, hosts = list(reading.allow), {name: host.model_dump() for name, host in reading.hosts.items()}
    connected = reading_access(source.target) if source.type in {"url", "git"} else None
    # What stands in the catalog's own settings counts before a connection of the portal.
    if connected is not None and connected.host not in hosts:
        hosts[connected.host] = {key: getattr(connected, key) for key in ("type", "token", "username")}
        if connected.private:
            allow.append(urlsplit(f"//{connected.host}").hostname or "")
    return Reader(
        ReadingLimits(
            roots=tuple(roots),
            foreign=tuple(importers()),
            allow=tuple(allow),
            hosts=hosts,
            timeout=reading.timeout_seconds,
            max_bytes=reading.max_bytes,
            cache_dir=portal_config().data_dir / "cache" / "git",
        )
    )


def _own_directory(origin: str) -> list[Path]:
    kind, _, target = origin.partition(":")
    if kind == "git" and target.startswith("file:"):
        return [Path(urlsplit(target).path.partition("//")[0])]
    if kind != "file":
        return []
    plain = target.partition("*")[0]
    path = Path(plain)
    return [path if path.is_dir() else path.parent]


def read_source(source: Source, *, force: bool = False) -> SourceReading:
    """Read one source. Never raises for what the source says or fails to say: that is a problem."""
    fingerprint_base = model_fingerprint()
    stale = force or not source.fingerprint.startswith(fingerprint_base)
    location = LocationTarget(source.type, source.target)
    reader = reader_for(source)
    reading = SourceReading(source.pk)
    try:
        result = reader.read(location, "" if stale else source.etag)
    except ReadError as error:
        return _failed(reading, source, error)
    if result.not_modified:
        reading.unchanged = True
        reading.etag, reading.fingerprint = source.etag, source.fingerprint
        reading.files = tuple(source.files)
        return reading
    seen = text_hash("\n".join(f"{file.url} {text_hash(file.content)}" for file in result.files))
    dependencies: list[str] = []
    for failure in result.errors:
        reading.problems.append(EmittedProblem(_problem_of(failure, source)))
        reading.complete = False
    for file in result.files:
        origin = Origin(
            location=str(file.target),
            origin=source.origin or f"{source.type}:{source.target}",
            target=file.target,
            url=file.url,
            trusted=source.trusted,
        )
        dependencies.extend(_read_file(reader, file, origin, reading))
    _reject_repeated(reading)
    reading.etag = result.etag
    reading.fingerprint = f"{fingerprint_base}:{seen}"
    if dependencies:
        # What a placeholder reads can change while the file that names it does not.
        reading.etag = ""
    paths = {_local(file.target.target) for file in result.files} | {_local(d) for d in dependencies}
    reading.files = tuple(sorted(path for path in paths if path)) if source.type == "file" else ()
    return reading


def model_fingerprint() -> str:
    """Answer a hash that changes when kinds, rules or the pipeline do, so that files are read anew."""
    model = catalog_model()
    kinds = [f"{k.id}{orjson.dumps(dict(k.schema), default=dict).decode()}" for k in model.kinds]
    steps = [item.id for stage in ("pre", "post") for item in processors(stage)]
    rules = settings().model_dump_json(include={"rules", "locations"})
    return text_hash("|".join([PIPELINE, *kinds, *steps, *importers(), rules]))[:16]


def read_text(text: str | bytes, origin: Origin, reader: Reader | None = None) -> SourceReading:
    """Read catalog YAML that is already at hand: for validation and analysis."""
    reading = SourceReading(0)
    file = ReadFile(origin.url, origin.target, text.encode() if isinstance(text, str) else text)
    _read_file(reader, file, origin, reading)
    _reject_repeated(reading)
    return reading


def read_value(value: Any, origin: Origin) -> SourceReading:
    """Check one entity that is at hand as a value, as if it stood at ``origin``."""
    reading = SourceReading(0)
    _read_entity(value, None, None, None, origin, reading, [])
    return reading


def _read_file(reader: Reader | None, file: ReadFile, origin: Origin, reading: SourceReading) -> list[str]:
    dependencies: list[str] = []
    importer = importer_for(posixpath.basename(urlsplit(file.url).path))
    if importer is not None:
        refused = ""
        found: Iterable[Any] = ()
        try:
            with guard(importer):
                try:
                    found = list(importer.read(file.content.decode("utf-8", "replace"), file.url))
                except ValueError as error:
                    # Saying what is wrong with a file is what an importer may do; it is no fault of the plugin.
                    refused = str(error).rstrip(".") or "The file cannot be understood"
        except Exception as error:  # noqa: BLE001 - a plugin's code must not stop the batch
            problem = Problem(
                "importer-failed",
                f"The importer {importer.id} could not read this file: {error}",
                "Mend the file, or report the fault to the plugin's author.",
                Place(file.url),
            )
            reading.problems.append(EmittedProblem(problem))
            reading.broken.add(origin.location)
            return dependencies
        if refused:
            title = importer.title or importer.id
            problem = Problem(
                "unreadable-format", f"{refused}.", f"Mend the file, which is read as {title}.", Place(file.url)
            )
            reading.problems.append(EmittedProblem(problem))
            reading.broken.add(origin.location)
        for item in found:
            if isinstance(item, ImportNote):
                reading.notes.append(EmittedNote(origin.url, importer.title or importer.id, item))
                continue
            _read_entity(item, None, reader, file, origin, reading, dependencies)
        return dependencies
    for document in read_documents(file.content, file.url):
        if isinstance(document, Problem):
            # It may hold what was known before: nothing of this file is taken to be gone.
            reading.problems.append(EmittedProblem(document))
            reading.broken.add(origin.location)
        else:
            _read_entity(document.value, document, reader, file, origin, reading, dependencies)
    return dependencies


def _read_entity(
    value: Any,
    document: Document | None,
    reader: Reader | None,
    file: ReadFile | None,
    origin: Origin,
    reading: SourceReading,
    dependencies: list[str],
) -> None:
    def reject(problems: Iterable[Problem], ref: str = "") -> None:
        pinned = document.pin(problems) if document is not None else list(problems)
        shown = value if isinstance(value, dict) else None
        reading.problems.extend(EmittedProblem(item, ref, shown) for item in pinned)
        errors = [item for item in pinned if item.severity == "error"]
        if errors and not ref:
            reading.broken.add(origin.location)
        elif any(item.place.path in _IDENTITY for item in errors):
            reading.doubtful[ref] = origin.location

    ref = ref_of(value)
    if isinstance(value, dict) and reader is not None and file is not None:
        base = file

        def read_relative(relative: str) -> tuple[bytes, str]:
            found = reader.read_file_relative(base, relative)
            return found.content, found.url

        value, problems, used = resolve_placeholders(value, read_relative)
        dependencies.extend(used)
        if problems:
            reject([replace(p, place=replace(p.place, url=p.place.url or origin.url)) for p in problems], ref)
            return
    entity = _processed(value, "pre", origin, ref, reject)
    if entity is None:
        return
    problems = check_envelope(entity, origin.url)
    if problems:
        reject(problems, ref)
        return
    annotate(entity, origin, reader)
    model = catalog_model()
    problems = model.check(entity, origin.url)
    ref = str(EntityRef.of(entity))
    if problems:
        reject(problems, ref)
        return
    if not origin.may_bring(entity["kind"]):
        reject([_forbidden(entity["kind"], origin)], ref)
        return
    entity = _processed(entity, "post", origin, ref, reject)
    if entity is None:
        return
    emitted, problems = emit(entity, origin, document.line if document is not None else 0)
    if problems:
        reject(problems, ref)
    if emitted is not None:
        reading.entities.append(emitted)


def emit(entity: dict[str, Any], origin: Origin, line: int) -> tuple[EmittedEntity | None, list[Problem]]:
    """Turn a checked entity into an emission: derive its relations, hash it."""
    edges, problems = catalog_model().relations_of(entity)
    if any(problem.severity == "error" for problem in problems):
        return None, list(problems)
    metadata = {k: v for k, v in entity["metadata"].items() if k not in {"uid", "etag"}}
    metadata.setdefault("namespace", "default")
    clean = {k: v for k, v in entity.items() if k not in {"relations", "status"}}
    clean["metadata"] = metadata
    try:
        terms, found_by = searchable(clean, origin.url)
    except ProblemError as error:
        return None, list(error.problems)
    text = orjson.dumps(clean).decode()
    if len(text) > MAX_ENTITY_BYTES:
        return None, [
            Problem(
                "too-large",
                f"The entity is {len(text):,} bytes long; at most {MAX_ENTITY_BYTES:,} are allowed.",
                "Move large definitions behind a link.",
                Place(origin.url, line or None),
            )
        ]
    emitted = EmittedEntity(
        ref=str(EntityRef.of(clean)),
        entity=clean,
        location=origin.location,
        location_key=origin.location,
        line=line,
        digest=text_hash(text),
        text=text,
        terms=terms,
        fields=found_by,
        edges=tuple(edges),
    )
    return emitted, list(problems)


def annotate(entity: dict[str, Any], origin: Origin, reader: Reader | None) -> None:
    """Say where the entity comes from; links into the source host stay as given where they are given."""
    metadata = entity["metadata"] = dict(entity["metadata"])
    annotations = metadata["annotations"] = dict(metadata.get("annotations") or {})
    if reader is not None:
        links = reader.links(origin.target)
        given = (
            (VIEW_URL, links.view_url),
            (EDIT_URL, links.edit_url),
            (SOURCE_LOCATION, links.source_location),
        )
        for key, url in given if not links.pinned else ():
            if url:
                annotations.setdefault(key, url)
    for key in (VIEW_URL, EDIT_URL):
        if str(annotations.get(key, "")).strip().lower().startswith("javascript:"):
            del annotations[key]
    annotations[MANAGED_BY] = origin.location
    annotations[MANAGED_BY_ORIGIN] = origin.origin


def _processed(value: Any, stage: str, origin: Origin, ref: str, reject: Callable[..., None]) -> dict[str, Any] | None:
    if not isinstance(value, dict):
        reject(check_envelope(value, origin.url), ref)
        return None
    entity: dict[str, Any] = value
    for processor in processors(stage):
        refused = ""
        try:
            with guard(processor):
                try:
                    entity = processor.process(entity, origin.location)
                except ValueError as error:
                    # Refusing an entity is what a processor may do; it is no fault of the plugin.
                    refused = str(error).rstrip(".") or "The entity was refused"
        except Exception as error:  # noqa: BLE001 - a plugin's code must not stop the batch
            problem = Problem(
                "processor-failed",
                f"The processor {processor.id} failed: {error}",
                "Switch the plugin off, or report the fault to its author.",
                Place(origin.url),
            )
            reject([problem], ref)
            return None
        if refused:
            problem = Problem(
                "rejected", f"{refused}.", f"The processor {processor.id} asks for it.", Place(origin.url)
            )
            reject([problem], ref)
            return None
    return entity


def ref_of(value: Any) -> str:
    """Answer the ref of an entity that may be broken, as far as it can be told."""
    if not isinstance(value, dict) or not isinstance(value.get("metadata"), dict):
        return ""
    try:
        return str(EntityRef.of(value))
    except (RefError, TypeError, KeyError, AttributeError):
        return ""


def _reject_repeated(reading: SourceReading) -> None:
    """Keep the first of several entities with the same ref in one source; the others are problems."""
    seen: dict[str, EmittedEntity] = {}
    kept: list[EmittedEntity] = []
    for emitted in reading.entities:
        first = seen.setdefault(emitted.ref, emitted)
        if first is emitted:
            kept.append(emitted)
            continue
        url = emitted.location.partition(":")[2]
        problem = Problem(
            "duplicate",
            f"{emitted.ref} is declared twice; the one at {first.location}, line {first.line}, is used.",
            "Rename or remove one of the two.",
            Place(url, emitted.line or None),
        )
        reading.problems.append(EmittedProblem(problem, emitted.ref, emitted.entity))
    reading.entities = kept


def _forbidden(kind: str, origin: Origin) -> Problem:
    personal = kind.lower() in {"user", "group"} and not settings().rules
    remedy = (
        "People and groups decide who owns what, so an administrator has to register this location."
        if personal
        else f"Allow {kind} for this location under `catalog.rules` in callboard.yaml."
    )
    return Problem("not-allowed", f"This location may not bring entities of kind {kind}.", remedy, Place(origin.url))


def _failed(reading: SourceReading, source: Source, error: ReadError) -> SourceReading:
    reading.failed = True
    reading.complete = False
    reading.retry_after = error.retry_after
    if not (error.code == "not-found" and source.presence == "optional"):
        reading.problems.append(EmittedProblem(_problem_of(error, source)))
    else:
        # An optional location that is not there says that it has nothing, which is fine.
        reading.failed, reading.complete = False, True
    return reading


def _problem_of(error: ReadError, source: Source) -> Problem:
    return Problem(error.code, error.message, error.remedy, Place(error.url or source.target))


def _local(target: str) -> str:
    path = target.removeprefix("file://")
    return path if path.startswith("/") else ""
