"""List operations and schemas out of API definitions, so that an endpoint is found by what it does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import orjson
from django.db.models import QuerySet

from callboard.lib.problems import Problem
from callboard.lib.yaml12 import read_documents
from callboard.plugins.catalog.models import Entity
from callboard.plugins.catalog.selectors.views import entity_url
from callboard.sdk.contributions import SearchDocument

TYPE = "api-definition"
MOST = 1_000
"""Parts of one API; what has more is generated and repeats itself."""
_METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace", "query")
_COMMENT = re.compile(r"^\s*(?://|#)\s?(.*)$")
_PROTO = re.compile(r"^\s*(service|rpc|message|enum)\s+([A-Za-z_]\w*)")
_GRAPHQL = re.compile(r"^\s*(?:extend\s+)?(type|input|interface|enum|union|scalar)\s+([A-Za-z_]\w*)")
_GRAPHQL_FIELD = re.compile(r"^\s+([A-Za-z_]\w*)\s*(?:\(|:)")

Part = tuple[str, str, str, str]
"""What it is (operation, schema, …), what it is called, what it says, the word to look for on the page."""


def documents() -> Iterator[SearchDocument]:
    """List the parts of every API."""
    yield from _listed(Entity.objects.filter(kind="api").order_by("id"))


def documents_of(refs: Sequence[str]) -> Iterator[SearchDocument]:
    """List the parts of the APIs among these refs."""
    wanted = [ref for ref in refs if ref.startswith("api:")]
    if wanted:
        yield from _listed(Entity.objects.filter(ref__in=wanted))


def _listed(entities: QuerySet[Entity]) -> Iterator[SearchDocument]:
    rows = entities.values(
        "ref", "display_name", "title", "type", "lifecycle", "owner_ref", "fields", "changed_at", "body__json"
    )
    for row in rows.iterator(chunk_size=50):
        definition = _definition(row["body__json"])
        url = f"{entity_url(row['ref'])}/definition"
        label = row["title"] or row["display_name"]
        said = row["fields"].get("spec.owner")
        owner = said if isinstance(said, str) else row["owner_ref"]
        for count, (part, name, text, word) in enumerate(parts_of(definition, row["type"])):
            if count == MOST:
                break
            yield SearchDocument(
                title=name,
                text=text,
                location=f"{url}#:~:text={quote(word, safe='')}",
                key=f"{row['ref']}#{part}/{name}",
                ref=row["ref"],
                authorization_ref=row["ref"],
                owner=row["owner_ref"],
                changed_at=row["changed_at"],
                keywords=f"{label} {row['display_name']} {part}",
                weight=0.8 if part != "schema" else 0.6,
                fields={
                    "kind": "API",
                    "api": label,
                    "part": part,
                    "type": row["type"],
                    "lifecycle": row["lifecycle"],
                    "owner": owner,
                    "ref": row["ref"],
                },
            )


def _definition(body: str) -> str:
    if not body:
        return ""
    spec = orjson.loads(body).get("spec")
    found = spec.get("definition") if isinstance(spec, dict) else None
    return found if isinstance(found, str) else ""


def parts_of(definition: str, kind: str) -> Iterator[Part]:
    """Yield what a definition offers; one that cannot be read has no parts."""
    reader: Callable[[str], Iterator[Part]] | None = {
        "openapi": _structured,
        "asyncapi": _structured,
        "graphql": _graphql,
        "grpc": _proto,
    }.get(kind.lower())
    if reader is not None and definition:
        yield from reader(definition[:2_000_000])


def _structured(text: str) -> Iterator[Part]:
    found = read_documents(text, "definition")
    if not found or isinstance(found[0], Problem) or not isinstance(found[0].value, dict):
        return
    document: Mapping[str, Any] = found[0].value
    yield from _paths(_dict(document.get("paths")))
    yield from _channels(document)
    schemas = _dict(_dict(document.get("components")).get("schemas")) or _dict(document.get("definitions"))
    for name, schema in _dicts(schemas):
        fields = _dict(schema.get("properties"))
        said = [_text(schema.get("description"))]
        said += [f"{field} {_text(_dict(value).get('description'))}".strip() for field, value in fields.items()]
        yield "schema", str(name), "\n".join(part for part in said if part), str(name)


def _paths(paths: Mapping[str, Any]) -> Iterator[Part]:
    for path, item in paths.items():
        for method, operation in _dicts(item):
            if method.lower() not in _METHODS:
                continue
            summary, identifier = _text(operation.get("summary")), _text(operation.get("operationId"))
            said = [summary, identifier, _text(operation.get("description")), *map(_text, _list(operation.get("tags")))]
            parameters = map(_dict, _list(operation.get("parameters")))
            said += [f"{_text(item.get('name'))} {_text(item.get('description'))}".strip() for item in parameters]
            responses = _dicts(operation.get("responses"))
            said += [f"{status} {_text(item.get('description'))}".strip() for status, item in responses]
            name = f"{method.upper()} {path}"
            yield "operation", name, "\n".join(part for part in said if part), identifier or str(path)


def _channels(document: Mapping[str, Any]) -> Iterator[Part]:
    for name, channel in _dicts(document.get("channels")):
        said = [_text(channel.get("description")), _text(channel.get("summary")), _text(channel.get("address"))]
        for action in ("publish", "subscribe"):
            operation = _dict(channel.get(action))
            if operation:
                message = _dict(operation.get("message"))
                said += [action, _text(operation.get("summary")), _text(operation.get("operationId"))]
                said += [_text(message.get("name")), _text(message.get("summary")), _text(message.get("title"))]
                said += list(_dict(_dict(message.get("payload")).get("properties")))
        yield "channel", str(name), "\n".join(part for part in said if part), str(name)
    for name, operation in _dicts(document.get("operations")):  # AsyncAPI 3
        said = [_text(operation.get("action")), _text(operation.get("summary")), _text(operation.get("description"))]
        yield "operation", str(name), "\n".join(part for part in said if part), str(name)


def _proto(text: str) -> Iterator[Part]:
    said: list[str] = []
    service = ""
    for line in text.splitlines():
        comment = _COMMENT.match(line)
        if comment:
            said.append(comment[1].strip())
            continue
        found = _PROTO.match(line)
        if found:
            word, name = found.groups()
            if word == "service":
                service = name
            part = {"service": "service", "rpc": "operation"}.get(word, "schema")
            title = f"{service}.{name}" if word == "rpc" and service else name
            yield part, title, " ".join(said), name
        if line.strip():
            said = []


def _graphql(text: str) -> Iterator[Part]:
    described, inside = "", ""
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith(('"', "#")):
            described = stripped.strip('"# ')
            continue
        found = _GRAPHQL.match(line)
        if found:
            inside = found[2]
            if inside not in {"Query", "Mutation", "Subscription"}:
                yield "schema", inside, described, inside
            described = ""
        elif stripped.startswith("}"):
            inside = ""
        elif inside in {"Query", "Mutation", "Subscription"}:
            operation = _GRAPHQL_FIELD.match(line)
            if operation:
                yield "operation", f"{inside}.{operation[1]}", f"{described} {stripped}".strip(), operation[1]
            described = ""


def _dict(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> Iterator[tuple[str, dict[Any, Any]]]:
    for name, item in _dict(value).items():
        yield str(name), _dict(item)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
