"""Describe the HTTP API from the OpenAPI documents that the portal itself serves."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from typing import Any

from django.test import RequestFactory
from django.urls import resolve

from callboard.core.registry.contract import ApiRouter
from callboard.project.reference_pages import text

ADDITIONS = {
    "/api/catalog/locations": "`onConflict=refresh` answers 201 and reads the location again when it is registered already.",
}
"""What we add to an endpoint of the original, by path."""

_INTRODUCTION = """\
Everything below `/api/` speaks JSON. Every room serves its own OpenAPI document, complete with the shape of bodies and
answers, at `/api/<room>/openapi.json`; this page is the summary.

## Signing in

Programs send an [API token](../how-to/api-tokens.md):

```
curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:7007/api/catalog/entities?filter=kind=component
```

Pages in the browser may use the session instead; whatever changes something then needs the header `X-CSRFToken`.

## Compatibility

Paths, parameters, status codes, bodies, cursors, error shape, `Link` headers and the predicate language of the
endpoints under `/api/catalog` and `/api/permission` follow the HTTP API of Backstage. The published npm package
`@backstage/catalog-client` works unchanged; see [use it from a script](../how-to/catalog-client.md).

## Errors

```json
{
  "error": {"name": "NotFoundError", "message": "…"},
  "request": {"method": "GET", "url": "/api/catalog/entities/by-uid/…"},
  "response": {"statusCode": 404}
}
```

| Name | Status |
|---|---|
| `InputError` | 400 |
| `AuthenticationError` | 401 |
| `NotAllowedError` | 403 |
| `NotFoundError` | 404 |
| `ConflictError` | 409 |
| `ServiceUnavailableError` | 503 (the plugin is switched off) |

`POST /api/catalog/validate-entity` is the exception: it answers 400 with `{"errors": [...]}`.

Every answer carries `X-Request-ID`; send one of your own to find the request again in the log and in the audit record.

## Filters

`filter=kind=component,spec.type=service` means *and*; a second `filter` means *or*. The same key twice inside one
filter means *one of*. `filter=spec.system` asks whether the field exists. Keys and values ignore case. Lists are asked
with `metadata.tags.java=true` or `metadata.tags=java`, relations with `relations.ownedby=group:default/team-a`.

Endpoints with a `query` in the body take predicates:

| Form | Meaning |
|---|---|
| `{"kind": "component", "spec.type": "service"}` | all must match |
| `{"$all": [p, …]}`, `{"$any": [p, …]}`, `{"$not": p}` | and, or, not |
| `{"spec.system": {"$exists": true}}` | the field exists |
| `{"kind": {"$in": ["component", "api"]}}` | one of |
| `{"metadata.tags": {"$contains": "java"}}` | the list contains it |
| `{"metadata.name": {"$hasPrefix": "web-"}}` | begins with |
"""

_METHODS = ("get", "post", "put", "patch", "delete")


def page() -> str:
    """Answer the page about the HTTP API."""
    parts: list[str] = []
    for _, router in sorted(text.bundled(ApiRouter), key=lambda pair: pair[1].prefix):
        document = _document(router.prefix)
        parts.append(f"## /api/{router.prefix}")
        parts.append(f"{router.description or router.title} OpenAPI: `/api/{router.prefix}/openapi.json`.")
        parts.append(text.table(("Endpoint", "What it does"), _summary(document)))
        for path, methods in document["paths"].items():
            for method in _METHODS:
                if method in methods:
                    parts.extend(_endpoint(path, method, methods[method], document))
    return text.page("HTTP API", _INTRODUCTION, *parts)


def _document(prefix: str) -> dict[str, Any]:
    """Ask the portal's own address for the document, past the switch of the plugin, which is in the database."""
    address = f"/api/{prefix}/openapi.json"
    view: Any = resolve(address).func
    answer = inspect.unwrap(view)(RequestFactory(headers={"host": "localhost"}).get(address))
    return dict(json.loads(answer.content))


def _summary(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                yield f"`{method.upper()} {path}`", _first(methods[method].get("description", ""))


def _first(description: str) -> str:
    return text.prose(description).split("\n\n")[0]


def _endpoint(path: str, method: str, operation: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    yield f"### {method.upper()} {path}"
    yield text.prose(operation.get("description") or operation.get("summary", ""))
    if path in ADDITIONS and method == "post":
        yield f"**Added by Callboard:** {ADDITIONS[path]}"
    parameters = operation.get("parameters") or []
    if parameters:
        rows = [(f"`{one['name']}`", one["in"], _type(one["schema"], document), _mark(one)) for one in parameters]
        yield text.table(("Parameter", "In", "Type", ""), rows)
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if body:
        fields = [(f"`{name}`", kind, mark) for name, kind, mark in _fields(body, document)]
        if fields:
            yield "Body:"
            yield text.table(("Field", "Type", ""), fields)
    answers = ", ".join(f"`{status}`" for status in sorted(map(str, operation.get("responses", {}))))
    yield f"Answers: {answers}."


def _mark(parameter: dict[str, Any]) -> str:
    repeat = "repeatable" if parameter["schema"].get("type") == "array" else ""
    needed = "required" if parameter.get("required") else ""
    default = parameter["schema"].get("default")
    said = f"default `{default}`" if default not in (None, [], "") else ""
    return ", ".join(part for part in (needed, repeat, said) if part)


def _resolve(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def _type(schema: dict[str, Any], document: dict[str, Any]) -> str:
    schema = _resolve(schema, document)
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "anyOf" in schema or "oneOf" in schema:
        inner = [one for one in schema.get("anyOf", schema.get("oneOf", [])) if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(_type(one, document) for one in inner))
    names = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}), document)}"
    return names.get(str(schema.get("type")), "object" if schema.get("type") == "object" else "anything")


def _fields(schema: dict[str, Any], document: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    schema = _resolve(schema, document)
    required = set(schema.get("required", ()))
    for name, inner in schema.get("properties", {}).items():
        yield name, _type(inner, document), "required" if name in required else ""
