"""Check what every entity has in common, before its kind is looked at.

The rules run in a fixed order: the shape of the envelope, no foreign fields at the root, then the format of
each field. All problems are reported at once; each names the field, what was expected, what was found.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from typing import Any
from urllib.parse import urlsplit

import orjson

from callboard.lib.nearest import did_you_mean
from callboard.lib.problems import Place, Problem
from callboard.lib.refs import is_script_url
from callboard.plugins.catalog.types import formats

ROOT_FIELDS = ("apiVersion", "kind", "metadata", "spec", "relations", "status")
"""Fields an entity may have at its root; ``relations`` and ``status`` are ours and ignored on input."""

MAX_PROBLEMS = 50
"""Problems reported of one entity; a thousand wrong labels say nothing more than fifty do."""

_DOCS = 'See "Entity format" in the reference.'


def check_envelope(entity: object, place_url: str = "") -> list[Problem]:
    """Answer everything that is wrong with the envelope of an entity; an empty list means it is good."""
    if not isinstance(entity, Mapping):
        return [
            Problem(
                "not-an-object",
                f"Expected an object at the root, got {shown(entity)}.",
                "Start the document with apiVersion, kind, metadata and spec.",
                Place(place_url),
            )
        ]
    problems = list(_storable(entity, place_url))
    if problems:
        return problems
    found = chain(_shape(entity, place_url), _foreign(entity, place_url), _formats(entity, place_url))
    return list(islice(found, MAX_PROBLEMS))


def shown(value: object) -> str:
    """Say in a few words what was found."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= 80 else f'"{value[:79]}…" ({len(value)} characters)'
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    return f"the number {value}" if isinstance(value, int | float) else type(value).__name__


# --- Can it be kept at all ----------------------------------------------------


def _storable(entity: Mapping[str, Any], url: str) -> Iterator[Problem]:
    """Find what JSON or the database cannot hold; nearly always one fast encoding settles it."""
    try:
        if b"\\u0000" not in orjson.dumps(entity, option=orjson.OPT_PASSTHROUGH_DATETIME):
            return
    except orjson.JSONEncodeError:
        pass
    todo: list[tuple[str, Any, int]] = [("", entity, 0)]
    while todo:
        path, value, depth = todo.pop()
        reason = ""
        if depth > _MAX_DEPTH:
            reason = f"is nested more than {_MAX_DEPTH} levels deep"
        elif isinstance(value, str):
            reason = _unstorable_text(value)
        elif isinstance(value, Mapping):
            for key, item in value.items():
                if not isinstance(key, str):
                    reason = f"has the key {shown(key)}, which is not text"
                elif _unstorable_text(key):
                    reason = f"has a key that {_unstorable_text(key)}"
                todo.append((f"{path}.{key}" if path else str(key), item, depth + 1))
        elif isinstance(value, list | tuple):
            todo.extend((f"{path}[{index}]", item, depth + 1) for index, item in enumerate(value))
        elif value is not None and not isinstance(value, bool | int | float):
            reason = f"is of type {type(value).__name__}, which JSON does not have"
        if reason:
            yield Problem(
                "not-storable",
                f'"{path[:200] or "the entity"}" {reason}.',
                "Remove or replace that part.",
                Place(url, path=path[:500]),
            )
            return


_MAX_DEPTH = 120


def _unstorable_text(text: str) -> str:
    if "\0" in text:
        return "holds a null character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "holds half of a surrogate pair"
    return ""


# --- Shape --------------------------------------------------------------------


def _problem(url: str, path: str, expected: str, got: object, remedy: str = "", code: str = "invalid-field") -> Problem:
    return Problem(
        code,
        f'"{path}" is not valid; expected {expected}, got {shown(got)}.',
        remedy or f"{_advice(got)} {_DOCS}",
        Place(url, path=path),
    )


def _advice(got: object) -> str:
    if got is None:
        return "Remove the field or give it a value."
    if isinstance(got, bool | int | float):
        return "If text was meant, put it in quotes."
    return "Correct the value."


def _missing(url: str, path: str, what: str) -> Problem:
    return Problem("missing-field", f'"{path}" is missing; expected {what}.', f"Add it. {_DOCS}", Place(url, path=path))


def _shape(entity: Mapping[str, Any], url: str) -> Iterator[Problem]:
    for name in ("apiVersion", "kind"):
        if name not in entity:
            yield _missing(url, name, "a non-empty string")
        elif not _filled(entity[name]):
            yield _problem(url, name, "a non-empty string", entity[name])
    if "spec" in entity and not isinstance(entity["spec"], Mapping):
        yield _problem(url, "spec", "an object", entity["spec"])
    if "metadata" not in entity:
        yield _missing(url, "metadata", "an object with at least a name")
        return
    metadata = entity["metadata"]
    if not isinstance(metadata, Mapping):
        yield _problem(url, "metadata", "an object", metadata)
        return
    yield from _metadata_shape(metadata, url)


def _metadata_shape(metadata: Mapping[str, Any], url: str) -> Iterator[Problem]:
    if "name" not in metadata:
        yield _missing(url, "metadata.name", "a non-empty string")
    for name in ("name", "namespace", "uid", "etag", "title"):
        if name in metadata and not _filled(metadata[name]):
            yield _problem(url, f"metadata.{name}", "a non-empty string", metadata[name])
    if "description" in metadata and not isinstance(metadata["description"], str):
        yield _problem(url, "metadata.description", "a string", metadata["description"])
    for name in ("labels", "annotations"):
        if name in metadata and not isinstance(metadata[name], Mapping):
            yield _problem(url, f"metadata.{name}", "an object of strings", metadata[name])
    for name, items in (("tags", "strings"), ("links", "objects with a url")):
        if name in metadata and not isinstance(metadata[name], list):
            yield _problem(url, f"metadata.{name}", f"a list of {items}", metadata[name])


def _filled(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _foreign(entity: Mapping[str, Any], url: str) -> Iterator[Problem]:
    for name in entity:
        if name not in ROOT_FIELDS:
            hint = did_you_mean(name, ROOT_FIELDS)
            remedy = hint or "Move it under metadata or spec, or remove it."
            if name == "name" or name in _METADATA_FIELDS:
                remedy = f"Move it under metadata (metadata.{name})."
            yield Problem(
                "unknown-field",
                f'Unknown field "{name[:100]}" at the root; expected only apiVersion, kind, metadata, spec.',
                remedy,
                Place(url, path=name[:500]),
            )


_METADATA_FIELDS = frozenset(
    {"namespace", "title", "description", "labels", "annotations", "tags", "links", "uid", "etag"}
)


# --- Formats ------------------------------------------------------------------


def _formats(entity: Mapping[str, Any], url: str) -> Iterator[Problem]:
    yield from _text_format(entity, "", "apiVersion", formats.is_api_version, formats.API_VERSION, url)
    yield from _text_format(entity, "", "kind", formats.is_kind, formats.KIND, url)
    metadata = entity.get("metadata")
    if not isinstance(metadata, Mapping):
        return
    yield from _text_format(metadata, "metadata.", "name", formats.is_object_name, formats.OBJECT_NAME, url)
    yield from _text_format(metadata, "metadata.", "namespace", formats.is_dns_label, formats.NAMESPACE, url)
    labels = metadata.get("labels")
    if isinstance(labels, Mapping):
        for key, value in labels.items():
            path = f"metadata.labels.{key}"
            yield from _key_format(key, path, url)
            if not isinstance(value, str) or (value and not formats.is_object_name(value)):
                yield _problem(url, path, f"an empty string or {formats.OBJECT_NAME}", value)
    annotations = metadata.get("annotations")
    if isinstance(annotations, Mapping):
        for key, value in annotations.items():
            path = f"metadata.annotations.{key}"
            yield from _key_format(key, path, url)
            if not isinstance(value, str):
                yield _problem(url, path, "a string", value)
    yield from _list_formats(metadata, url)


def _list_formats(metadata: Mapping[str, Any], url: str) -> Iterator[Problem]:
    tags = metadata.get("tags")
    if isinstance(tags, list):
        for index, tag in enumerate(tags):
            if not isinstance(tag, str) or not formats.is_tag(tag):
                remedy = ""
                if isinstance(tag, str) and formats.is_tag(tag.lower().replace(" ", "-").replace("_", "-")):
                    better = tag.lower().replace(" ", "-").replace("_", "-")
                    remedy = f'Write it as "{better}". {_DOCS}'
                yield _problem(url, f"metadata.tags[{index}]", formats.TAG, tag, remedy)
    links = metadata.get("links")
    if isinstance(links, list):
        for index, link in enumerate(links):
            yield from _link(link, f"metadata.links[{index}]", url)


def _text_format(
    holder: Mapping[str, Any], prefix: str, name: str, good: Callable[[str], bool], expected: str, url: str
) -> Iterator[Problem]:
    value = holder.get(name)
    # Missing, empty and wrongly typed values were reported with the shape.
    if isinstance(value, str) and value and not good(value):
        yield _problem(url, prefix + name, expected, value)


def _key_format(key: str, path: str, url: str) -> Iterator[Problem]:
    if not formats.is_label_key(key):
        yield Problem(
            "invalid-field",
            f'"{path[:400]}" is not valid; expected a key that is {formats.LABEL_KEY}, got {shown(key)}.',
            f"Rename the key. {_DOCS}",
            Place(url, path=path[:500]),
        )


def _link(link: object, path: str, url: str) -> Iterator[Problem]:
    if not isinstance(link, Mapping):
        yield _problem(url, path, "an object with a url", link)
        return
    if "url" not in link:
        yield _missing(url, f"{path}.url", "a URL")
    elif not isinstance(link["url"], str) or not is_url(link["url"]):
        yield _problem(url, f"{path}.url", "an absolute URL such as https://host/path", link["url"])
    if "title" in link and not _filled(link["title"]):
        yield _problem(url, f"{path}.title", "a non-empty string", link["title"])
    if "icon" in link and not (isinstance(link["icon"], str) and formats.is_object_name(link["icon"])):
        yield _problem(url, f"{path}.icon", f"an icon name: {formats.OBJECT_NAME}", link["icon"])
    if "type" in link and not _filled(link["type"]):
        yield _problem(url, f"{path}.type", "a non-empty string", link["type"])


def is_url(text: str) -> bool:
    """Tell whether the text is an absolute URL that is safe to open from a page."""
    text = text.strip()
    if is_script_url(text):
        return False
    try:
        parts = urlsplit(text)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return False
    if not formats.is_url_scheme(parts.scheme):
        return False
    if parts.scheme in ("http", "https", "ws", "wss", "ftp"):
        return host is not None and host != "" and not any(character in host for character in ' <>^|%\\"`{}')
    return len(text) > len(parts.scheme) + 1
